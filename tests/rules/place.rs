//! Rules that ask where and when they are applied.

use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{on_ranks, on_ranks_and_threads};

const SHAPE: [usize; 2] = [14, 11];
const ORIGIN: [f64; 2] = [-1.0, 2.0];
const SPACING: [f64; 2] = [0.3, 0.7];
const START: f64 = 0.1;
const TIME_STEP: f64 = 0.37;

/// A source that moves along axis 0 through the periodic end, of a strength that varies with index
/// and step.
fn source([j, i]: [isize; 2], [y, x]: [f64; 2], time: f64, step: u64) -> f64 {
    let distance = (y - 0.9 * time).abs() + 0.1 * (x - 4.0).abs();
    let strength = (j * 5 + i * 3) as f64 / (1.0 + step as f64);
    if distance < 1.5 { strength } else { 0.001 * y * x }
}

fn rule(u: StarPoint<'_, f64, 2, 1>, here: Place<'_, 2>) -> f64 {
    let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
    0.2 * around + 0.1 * u.center() + source(here.index(), here.position(), here.time(), here.step())
}

/// The same in plain loops over the whole domain, periodic along axis 0 and mirrored along axis 1.
fn serial(steps: usize) -> Vec<f64> {
    let [n, m] = SHAPE.map(|n| n as isize);
    let mut u = vec![0.0; (n * m) as usize];
    for step in 0..steps {
        let at = |j: isize, i: isize| {
            let i = if i < 0 {
                -1 - i
            } else if i >= m {
                2 * m - 1 - i
            } else {
                i
            };
            u[(j.rem_euclid(n) * m + i) as usize]
        };
        let mut next = vec![0.0; u.len()];
        for (j, i) in (0..n).flat_map(|j| (0..m).map(move |i| (j, i))) {
            let around = at(j - 1, i) + at(j + 1, i) + at(j, i - 1) + at(j, i + 1);
            let position =
                [ORIGIN[0] + (j as f64 + 0.5) * SPACING[0], ORIGIN[1] + (i as f64 + 0.5) * SPACING[1]];
            let time = START + step as f64 * TIME_STEP;
            next[(j * m + i) as usize] =
                0.2 * around + 0.1 * at(j, i) + source([j, i], position, time, step as u64);
        }
        u = next;
    }
    u
}

#[test]
fn a_moving_source_has_the_bits_of_plain_loops_at_every_level() {
    on_ranks_and_threads([(1, 1), (1, 3), (2, 2), (3, 1), (4, 1)], |world| {
        let grid =
            Grid::builder(SHAPE).origin(ORIGIN).spacing(SPACING).periodic([true, false]).build(world)?;
        let here = grid.context(Centering::Cell);
        for (levels, tile) in [(1, [14, 11]), (2, [1, 11]), (3, [2, 3]), (3, [5, 16])] {
            for calls in [vec![9], vec![4, 1, 4]] {
                let mut u = grid.field::<f64>("u");
                u.set_time(START, TIME_STEP);
                u.set_blocking(Some(Blocking { levels, tile }));
                for steps in calls {
                    grid.evolve(u.star_evolving::<1>(), here.constant(), steps, rule)?;
                }
                let wanted = serial(9);
                for index in u.region_global().indices() {
                    let [j, i] = index.map(|i| i as usize);
                    let (found, wanted) = (u.get_global([j, i]).unwrap(), wanted[j * SHAPE[1] + i]);
                    assert_eq!(
                        found.to_bits(),
                        wanted.to_bits(),
                        "{found} {wanted} {index:?} {levels} {tile:?}"
                    );
                }
            }
        }
        Ok(())
    });
}

#[test]
fn sweeps_get_the_coordinates_of_staggered_points() {
    on_ranks([1, 2, 3], |world| -> Result<()> {
        let grid =
            Grid::builder([6, 5, 7]).extent([3.0, 2.0, 1.0]).periodic([false, true, false]).build(world)?;
        for centering in [Centering::Cell, Centering::Node, Centering::Face(1), Centering::Edge(2)] {
            let here = grid.context(centering);
            let mut sum = grid.field_builder::<f64>("sum").centering(centering).build()?;
            let mut index = grid.field_builder::<i64>("index").centering(centering).build()?;
            grid.sweep(
                sum.region_local(),
                (sum.view_mut(), index.view_mut()),
                here.at(0.25, 3),
                |here: Place<'_, 3>| {
                    let ([z, y, x], [k, j, i]) = (here.position(), here.index());
                    (
                        z + 10.0 * y + 100.0 * x + here.time(),
                        (k * 100 + j * 10 + i) as i64 + 1000 * here.step() as i64,
                    )
                },
            )?;
            for point in sum.region_global().indices() {
                let [k, j, i] = point.map(|i| i as usize);
                let [z, y, x] = sum.coordinates([k, j, i]);
                assert_eq!(sum.get_global([k, j, i]), Some(z + 10.0 * y + 100.0 * x + 0.25));
                assert_eq!(index.get_global([k, j, i]), Some((k * 100 + j * 10 + i) as i64 + 3000));
            }
        }
        Ok(())
    });
}
