//! Nodes along an axis with walls: point `i` of an axis of width `w` is node `i·w`.
//!
//! Both walls carry nodes. Node 0 is always a point; where its value is given it is a *dummy*:
//! coupled to nothing, its right-hand side and correction stay 0. The last node is a point if the
//! flux is given there, and none if the value is. Where the width does not divide the axis, the
//! last point lies before the high wall, by less than a width.

use super::{Axis, Coupled, End};

/// Points of an axis.
pub(super) fn count(axis: &Axis) -> isize {
    (axis.finest + usize::from(axis.ends[1] == End::Free)).div_ceil(axis.width) as isize
}

/// Whether a point stands for a given value.
pub(super) fn is_dummy(axis: &Axis, i: isize) -> bool {
    i == 0 && axis.ends[0] == End::Fixed
}

/// From the last point to the high wall, in cells of the finest grid.
fn rest(axis: &Axis) -> f64 {
    axis.finest as f64 - (count(axis) - 1) as f64 * axis.width as f64
}

/// The length that belongs to a point: half of the way to its neighbors and to walls of given
/// value, all of the way to other walls.
fn volume(axis: &Axis, i: isize) -> f64 {
    let half = 0.5 * axis.width as f64;
    let above = match axis.ends[1] {
        _ if i + 1 < count(axis) => half,
        End::Fixed => 0.5 * rest(axis),
        _ => rest(axis),
    };
    above + if i > 0 { half } else { 0.0 }
}

/// The couplings of point `i`; 0 beyond walls.
pub(super) fn coupled(axis: &Axis, i: isize) -> Coupled {
    let (width, points) = (axis.width as f64, count(axis));
    let unit = 1.0 / (axis.spacing * axis.spacing);
    if !(0..points).contains(&i) {
        return Coupled { sides: [0.0; 2], diagonal: 0.0 };
    }
    if is_dummy(axis, i) {
        return Coupled { sides: [0.0; 2], diagonal: 2.0 * unit / (width * width) };
    }
    let scale = unit / volume(axis, i);
    let below = if i > 0 { scale / width } else { 0.0 };
    let above = match axis.ends[1] {
        _ if i + 1 < points => scale / width,
        End::Fixed => scale / rest(axis),
        _ => 0.0,
    };
    let seen = |exists: bool, coupling: f64| if exists { coupling } else { 0.0 };
    Coupled {
        sides: [seen(i > 0 && !is_dummy(axis, i - 1), below), seen(i + 1 < points, above)],
        diagonal: below + above,
    }
}

/// Linear interpolation at point `i` from the axis twice as coarse: weights of the points before
/// (or at) it and after it.
pub(super) fn interpolated(axis: &Axis, i: isize, coarse: &Axis) -> [f64; 2] {
    let parent = i.div_euclid(2);
    match coarse.ends[1] {
        _ if i % 2 == 0 => [1.0, 0.0],
        _ if parent + 1 < count(coarse) => [0.5, 0.5],
        End::Fixed => {
            // Toward the given value 0 at the wall.
            let place = axis.finest as f64 - i as f64 * axis.width as f64;
            [place / rest(coarse), 0.0]
        }
        _ => [1.0, 0.0],
    }
}

/// Full weighting: what points `2i − 1`, `2i` and `2i + 1` are in point `i` of the axis twice
/// as coarse. Interpolation transposed, with what belongs to each.
pub(super) fn weights(axis: &Axis, i: isize, coarse: &Axis) -> [f64; 3] {
    let weight = |fine: isize| {
        if is_dummy(coarse, i) || is_dummy(axis, fine) || !(0..count(axis)).contains(&fine) {
            return 0.0;
        }
        let [own, next] = interpolated(axis, fine, coarse);
        let part = if fine.div_euclid(2) == i { own } else { next };
        part * volume(axis, fine) / volume(coarse, i)
    };
    [2 * i - 1, 2 * i, 2 * i + 1].map(weight)
}

#[cfg(test)]
mod tests {
    use super::super::Points;
    use super::*;

    fn axis(finest: usize, width: usize, ends: [End; 2]) -> Axis {
        Axis { finest, spacing: 0.5, faces: None, width, ends, points: Points::Nodes }
    }

    const ENDS: [[End; 2]; 4] =
        [[End::Fixed; 2], [End::Free; 2], [End::Fixed, End::Free], [End::Free, End::Fixed]];

    #[test]
    fn the_finest_line_has_second_differences_and_half_cells_at_free_walls() {
        let fixed = axis(4, 1, [End::Fixed; 2]);
        assert_eq!(count(&fixed), 4);
        assert_eq!(coupled(&fixed, 1), Coupled { sides: [0.0, 4.0], diagonal: 8.0 });
        assert_eq!(coupled(&fixed, 2), Coupled { sides: [4.0, 4.0], diagonal: 8.0 });
        assert_eq!(coupled(&fixed, 3), Coupled { sides: [4.0, 0.0], diagonal: 8.0 });
        let free = axis(4, 1, [End::Free; 2]);
        assert_eq!(count(&free), 5);
        assert_eq!(coupled(&free, 0), Coupled { sides: [0.0, 8.0], diagonal: 8.0 });
        assert_eq!(coupled(&free, 4), Coupled { sides: [8.0, 0.0], diagonal: 8.0 });
    }

    #[test]
    fn couplings_between_points_are_symmetric_once_multiplied_by_what_belongs_to_them() {
        for ends in ENDS {
            for (finest, width) in [(9, 1), (9, 2), (11, 4), (12, 4), (13, 4), (15, 8)] {
                let axis = axis(finest, width, ends);
                for i in 0..count(&axis) - 1 {
                    let there = coupled(&axis, i).sides[1] * volume(&axis, i);
                    let back = coupled(&axis, i + 1).sides[0] * volume(&axis, i + 1);
                    assert!((there - back).abs() < 1e-14, "{axis:?} {i}");
                }
            }
        }
    }

    /// Where no value is given, averages of constants are those constants, and interpolation of
    /// them too.
    #[test]
    fn constants_stay_constants() {
        for finest in [8, 9, 10, 11] {
            for width in [1, 2] {
                let fine = axis(finest, width, [End::Free; 2]);
                let coarse = fine.coarsened();
                for i in 0..count(&coarse) {
                    assert!(
                        (weights(&fine, i, &coarse).iter().sum::<f64>() - 1.0).abs() < 1e-14,
                        "{fine:?} {i}"
                    );
                }
                for i in 0..count(&fine) {
                    assert!((interpolated(&fine, i, &coarse).iter().sum::<f64>() - 1.0).abs() < 1e-14);
                }
            }
        }
    }

    /// What is linear and 0 on walls of given value is met, up to slopes at free ones.
    #[test]
    fn interpolation_is_exact_for_linear_functions_between_fixed_walls() {
        for finest in [8, 9, 10, 11] {
            let fine = axis(finest, 1, [End::Fixed; 2]);
            let coarse = fine.coarsened();
            let hat = |x: isize, peak: f64| {
                (x as f64).min(peak / (finest as f64 - peak) * (finest as f64 - x as f64))
            };
            // The peak at the last coarse point.
            let peak = 2.0 * (count(&coarse) - 1) as f64;
            for i in 0..count(&fine) {
                let [own, next] = interpolated(&fine, i, &coarse);
                let parent = i / 2;
                let other = if next > 0.0 { next * hat(2 * parent + 2, peak) } else { 0.0 };
                assert!((own * hat(2 * parent, peak) + other - hat(i, peak)).abs() < 1e-14, "{finest} {i}");
            }
        }
    }
}
