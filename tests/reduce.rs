//! Reductions: against plain loops over exactly summable values, and with the same bits on any
//! ranks × threads.

use num_complex::Complex;
use parhelion::prelude::*;
use parhelion::testing::{on_ranks, on_ranks_and_threads, same_on};

const SHAPE: [usize; 3] = [9, 8, 11];

/// An integer that depends on the cell in no simple way.
fn scrambled([z, y, x]: [usize; 3]) -> i64 {
    ((z * 73_856_093) ^ (y * 19_349_663) ^ (x * 83_492_791)) as i64 % 2001 - 1000
}

fn cells() -> impl Iterator<Item = [usize; 3]> {
    Region::from_shape(SHAPE).indices().map(|index| index.map(|i| i as usize))
}

/// A plain loop sums integers without rounding: the sums must be equal.
#[test]
fn sums_products_and_norms_equal_those_of_a_plain_loop() {
    on_ranks_and_threads([(1, 1), (2, 2), (3, 1), (6, 1), (8, 1)], |world| {
        let grid = Grid::builder(SHAPE).build(world)?;
        let all: Vec<i64> = cells().map(scrambled).collect();
        let total: i64 = all.iter().sum();
        let squares: i64 = all.iter().map(|v| v * v).sum();
        let magnitudes: i64 = all.iter().map(|v| v.abs()).sum();
        let largest = all.iter().map(|v| v.abs()).max().unwrap_or(0);

        let mut f64s = grid.field::<f64>("f64");
        let mut f32s = grid.field::<f32>("f32");
        let mut i16s = grid.field::<i16>("i16");
        let mut complex = grid.field::<Complex<f64>>("complex");
        f64s.fill_indexed(|at| scrambled(at) as f64);
        f32s.fill_indexed(|at| scrambled(at) as f32);
        i16s.fill_indexed(|at| scrambled(at) as i16);
        complex.fill_indexed(|at| Complex::new(scrambled(at) as f64, 2.0));
        assert_eq!((f64s.sum(), f32s.sum(), i16s.sum()), (total as f64, total as f64, i128::from(total)));
        assert_eq!(complex.sum(), Complex::new(total as f64, 2.0 * all.len() as f64));
        assert_eq!((f64s.dot(&f64s)?, f32s.dot(&f32s)?), (squares as f64, squares as f64));
        assert_eq!(i16s.dot(&i16s)?, i128::from(squares));
        assert_eq!(complex.dot(&complex)?, Complex::new((squares + 4 * all.len() as i64) as f64, 0.0));
        assert_eq!((f64s.norm_l1(), i16s.norm_l1()), (magnitudes as f64, magnitudes as f64));
        assert_eq!((f32s.norm_l2(), i16s.norm_l2()), ((squares as f64).sqrt(), (squares as f64).sqrt()));
        assert_eq!((f64s.norm_max(), i16s.norm_max()), (largest as f64, largest as f64));
        assert_eq!(f64s.mean(), total as f64 / all.len() as f64);
        assert_eq!(i16s.mean(), total as f64 / all.len() as f64);
        assert_eq!(f64s.count(|v| v < -500.0), all.iter().filter(|&&v| v < -500).count());

        // Several components count together; staggered fields have their extra points.
        let mut nodes =
            grid.field_builder::<f64>("nodes").centering(Centering::Node).components(2).build()?;
        nodes.fill(0.5);
        assert_eq!(nodes.sum(), (10 * 9 * 12) as f64);
        assert!(f64s.dot(&nodes).is_err());
        Ok(())
    });
}

#[test]
fn extrema_name_the_first_place_and_nan_wins() {
    on_ranks_and_threads([(1, 2), (2, 1), (4, 1), (6, 2)], |world| {
        let grid = Grid::builder(SHAPE).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_indexed(|at| scrambled(at) as f64);
        let least = cells().map(scrambled).min().unwrap_or(0);
        let first = cells().find(|&at| scrambled(at) == least).unwrap_or([0; 3]);
        let min = u.min();
        assert_eq!((min.value, min.index, min.component), (least as f64, first, 0));
        // Ties on different ranks: the first in C order.
        u.set_global([8, 7, 10], 5000.0);
        u.set_global([0, 7, 3], 5000.0);
        assert_eq!((u.max().value, u.max().index), (5000.0, [0, 7, 3]));
        // Negative zero is not smaller than zero.
        u.fill(0.0);
        u.set_global([8, 0, 0], -0.0);
        assert_eq!(u.min().index, [0, 0, 0]);
        u.set_global([5, 5, 5], f64::NEG_INFINITY);
        assert_eq!((u.min().value, u.min().index), (f64::NEG_INFINITY, [5, 5, 5]));
        u.set_global([6, 2, 1], f64::NAN);
        assert!(u.min().value.is_nan() && u.max().value.is_nan() && u.norm_max().is_nan());
        assert_eq!((u.min().index, u.max().index), ([6, 2, 1], [6, 2, 1]));
        assert!(u.sum().is_nan() && u.norm_l2().is_nan() && u.dot(&u)?.is_nan());
        u.fill(1.0);
        u.set_global([0, 0, 0], f64::INFINITY);
        assert_eq!((u.sum(), u.norm_l1()), (f64::INFINITY, f64::INFINITY));
        u.set_global([8, 7, 10], f64::NEG_INFINITY);
        assert!(u.sum().is_nan(), "infinities of both signs");

        let mut vector = grid.field_builder::<i32>("v").components(3).build()?;
        vector.component_mut(2).fill_indexed(|[_, _, x]| -(x as i32));
        assert_eq!((vector.min().value, vector.min().component, vector.min().index), (-10, 2, [0, 0, 10]));
        Ok(())
    });
}

#[test]
fn users_reductions_see_every_point_once() {
    on_ranks([1, 2, 3, 5, 8], |world| {
        let grid = Grid::builder(SHAPE).periodic([true; 3]).build(world)?;
        let mut u = grid.field::<u64>("u");
        u.fill_indexed(|[z, y, x]| ((z * 8 + y) * 11 + x) as u64);
        let points = SHAPE.iter().product::<usize>() as u64;
        let value = |u: Point<'_, u64, 3, 0>| [u.center(), 1];
        let both = |a: [u64; 2], b: [u64; 2]| [a[0].max(b[0]), a[1] + b[1]];
        assert_eq!(
            grid.reduce(u.region_local(), u.reach::<0>()?, value, [0, 0], both)?,
            [points - 1, points]
        );
        // A sum of differences needs the halo.
        u.exchange()?;
        let jump = |u: StarPoint<'_, u64, 3, 1>| u.at::<0, 0, 1>().abs_diff(u.center());
        assert_eq!(grid.reduce(u.region_local(), u.star_reach::<1>()?, jump, 0, u64::max)?, 10);
        let sum = grid.sum(u.region_local(), u.star_reach::<1>()?, |u| jump(u) as f64)?;
        assert_eq!(sum, (72 * 20) as f64); // in each row ten steps of 1 and one of 10
        // A region that leaves the block is refused on every rank.
        let too_large = u.region_local().grown([[9, 9]; 3]);
        assert!(
            grid.sum(too_large, u.reach::<0>()?, |_: Point<'_, u64, 3, 0>| 1.0).unwrap_err().is_argument()
        );
        Ok(())
    });
}

/// Values of all magnitudes with cancellation: any order of rounding additions would show.
#[test]
fn bits_do_not_depend_on_ranks_threads_or_process_grids() {
    let cases =
        [1, 2, 3, 4, 6, 8].map(|ranks| (ranks, 1)).into_iter().chain([(1, 2), (1, 4), (3, 2), (2, 3)]);
    same_on(cases, |world| {
        let wild = |at: [usize; 3]| {
            let k = scrambled(at);
            (k as f64 + 0.1) * 2.0_f64.powi((k % 120) as i32) * if k % 3 == 0 { -1.0 } else { 1.0 }
        };
        let mut results = Vec::new();
        for procs in [None, Some([world.size(), 1, 1]), Some([1, 1, world.size()])] {
            let builder = Grid::builder(SHAPE).halo(1);
            let grid = procs.map_or(builder.clone(), |procs| builder.procs(procs)).build(world)?;
            let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f32>("v"));
            u.fill_indexed(wild);
            v.fill_indexed(|at| (1e-30 * wild(at)) as f32);
            u.exchange()?;
            let energy =
                grid.sum(u.region_local(), u.star_reach::<1>()?, |u: StarPoint<'_, f64, 3, 1>| {
                    (u.at::<1, 0, 0>() - u.center()) * (u.at::<0, 0, 1>() - u.center())
                })?;
            let numbers =
                [u.sum(), u.mean(), u.dot(&u)?, u.norm_l1(), u.norm_l2(), u.norm_max(), energy, v.sum()];
            results.push(format!(
                "{:x?} {:x} {:x}",
                numbers.map(f64::to_bits),
                u.fingerprint(),
                v.fingerprint()
            ));
        }
        assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
        Ok(results.swap_remove(0))
    });
}
