//! The order of accuracy where no exact solution is known, as HPGMG checks it.

use std::f64::consts::PI;

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Krylov, Multigrid};
use parhelion::testing::on_ranks_and_threads;

fn waves(place: [f64; 3]) -> f64 {
    place.map(|x| (2.0 * PI * x).sin()).iter().product()
}

/// −∇·(β∇u) = s⁷ with β = 1 + s/4, s = sin 2πz sin 2πy sin 2πx, in the unit cube, u = 0 on the
/// walls.
fn solution(world: &World, n: usize) -> parhelion::Result<Field<f64, 3>> {
    let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
    let walls =
        Face::all::<3>().fold(Elliptic::builder(&grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
    let operator = walls.coefficient_at(|place| 1.0 + 0.25 * waves(place)).build()?;
    let [mut f, mut u] = ["f", "u"].map(|name| grid.field::<f64>(name));
    f.fill_with(|place| waves(place).powi(7));
    let mut multigrid = Multigrid::<f64, 3>::new(&operator)?;
    let outcome = Krylov::cg().tolerance(1e-11).solve(&operator, &mut multigrid, &f, &mut u)?;
    assert!(outcome.converged() && outcome.factor() < 0.1, "{outcome}");
    Ok(u)
}

/// The largest difference between a field and the means of the 8 cells that each of its cells has
/// on a grid twice as fine.
fn difference(coarse: &Field<f64, 3>, fine: &Field<f64, 3>) -> f64 {
    let mean = |[z, y, x]: [isize; 3]| {
        let children = [0, 1].into_iter().flat_map(|a| [0, 1].map(|b| (a, b)));
        let sum: f64 = children
            .flat_map(|(a, b)| [0, 1].map(|c| fine.get_local([2 * z + a, 2 * y + b, 2 * x + c])))
            .sum();
        sum / 8.0
    };
    let cells = coarse.region_local();
    cells.indices().map(|index| (coarse.get_local(index) - mean(index)).abs()).fold(0.0, f64::max)
}

#[test]
fn the_differences_between_grids_fall_with_order_two() {
    on_ranks_and_threads([(1, 2)], |world| {
        let [coarse, middle, fine] = [32, 64, 128].map(|n| solution(world, n));
        let (coarse, middle, fine) = (coarse?, middle?, fine?);
        let order = (difference(&coarse, &middle) / difference(&middle, &fine)).log2();
        // HPGMG: near 2 from 1/128 on; s⁷ is too sharp for coarser grids. (1.90 here, and within
        // 0.1 from 64³, 128³ and 256³.)
        assert!((1.87..2.05).contains(&order), "{order}");
        Ok(())
    });
}
