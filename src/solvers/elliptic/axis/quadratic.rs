//! Interpolation of third order from the next coarser axis.

use super::{Axis, End};

impl Axis {
    /// Weights at cell `i` of its parent's neighbor before, of the parent, and of the neighbor
    /// after it, by the parabola through their centers. A wall of given value 0, or the parent's
    /// mirror image in a wall of slope 0, stands for a neighbor beyond.
    pub(in crate::solvers) fn interpolated_by_parabola(&self, i: isize, coarse: &Self) -> [f64; 3] {
        let whole_axis = [0.0, 1.0, 0.0];
        if coarse.width == self.width {
            return whole_axis;
        }
        let (parent, first) = (i.div_euclid(2), i.rem_euclid(2) == 0);
        let (Some(mine), Some(whole)) = (self.width_of(i), coarse.width_of(parent)) else {
            return whole_axis;
        };
        // From the parent's center.
        let x = if first { -0.5 * (whole - mine) } else { 0.5 * (whole - mine) };
        let distance = |neighbor: isize, end: End| match (coarse.width_of(neighbor), end) {
            (Some(next), _) => 0.5 * (whole + next),
            (None, End::Fixed) => 0.5 * whole,
            (None, _) => whole,
        };
        let (low, high) = (-distance(parent - 1, self.ends[0]), distance(parent + 1, self.ends[1]));
        let mut weights = [
            x * (x - high) / (low * (low - high)),
            (x - low) * (x - high) / (low * high),
            x * (x - low) / (high * (high - low)),
        ];
        for (side, neighbor) in [(0, parent - 1), (2, parent + 1)] {
            if coarse.width_of(neighbor).is_none() {
                if self.ends[side / 2] == End::Free {
                    weights[1] += weights[side];
                }
                weights[side] = 0.0;
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solvers::elliptic::axis::Points;

    /// Parabolas that are 0 at walls of given value, and flat at walls of given slope.
    #[test]
    fn parabolas_are_interpolated_exactly() {
        type Case = ([End; 2], fn(f64) -> f64);
        let cases: [Case; 3] = [
            ([End::Fixed, End::Free], |x| x * (x - 14.0)),
            ([End::Free, End::Fixed], |x| x * x - 49.0),
            ([End::Fixed, End::Fixed], |x| x * (x - 7.0)),
        ];
        for (ends, parabola) in cases {
            // The last cell is its own parent.
            let fine = Axis { finest: 7, spacing: 1.0, faces: None, width: 1, ends, points: Points::Cells };
            let coarse = fine.coarsened();
            let center =
                |axis: &Axis, i: isize| i as f64 * axis.width as f64 + 0.5 * axis.width_of(i).unwrap();
            let value =
                |j: isize| if coarse.width_of(j).is_some() { parabola(center(&coarse, j)) } else { 0.0 };
            for i in 0..7 {
                let [low, own, high] = fine.interpolated_by_parabola(i, &coarse);
                let parent = i / 2;
                let found = low * value(parent - 1) + own * value(parent) + high * value(parent + 1);
                let exact = parabola(center(&fine, i));
                assert!((found - exact).abs() < 1e-12, "{ends:?} {i}: {found} {exact}");
            }
        }
    }
}
