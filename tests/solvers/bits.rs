//! The same bits on any ranks × threads: histories of residuals and solutions.

use parhelion::prelude::*;
use parhelion::solvers::{
    Cycle, Elliptic, Identity, Jacobi, Krylov, LinearOperator, Mean, MultigridBuilder, Outcome, Polynomial,
    Real, Smoother,
};
use parhelion::testing::same_on;

use crate::long::long;

const SHAPES: [(usize, usize); 8] = [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (6, 1), (8, 1), (2, 2)];

fn described<const N: usize>(outcome: &Outcome, u: &Field<f64, N>) -> String {
    let bits: Vec<String> = outcome.residuals.iter().map(|r| format!("{:x}", r.to_bits())).collect();
    format!("{:?} {} {:016x}", outcome.status, bits.join(" "), u.fingerprint())
}

#[test]
fn krylov_methods_have_the_same_bits() {
    same_on(SHAPES, |world| {
        let grid = Grid::builder([13, 21]).extent([1.0, 1.0]).build(world)?;
        let mut beta = grid.field::<f64>("beta");
        beta.fill_with(|[y, x]| 1.0 + y * x);
        let operator = Elliptic::builder(&grid)
            .coefficient_of(&beta, Mean::Harmonic)
            .wall(Face::low(1), Boundary::dirichlet_at(|[y, _]| y.sin()))
            .build()?;
        let mut b = grid.field::<f64>("b");
        b.fill_with(|[y, x]| (7.0 * y - x).cos());
        operator.add_walls(&mut b)?;
        let mut text = String::new();
        let mut jacobi = Jacobi::new(&operator)?;
        let mut polynomial = Polynomial::new(&operator, 2, [0.1, 2.0])?;
        for method in [
            Krylov::cg(),
            Krylov::flexible_cg(),
            Krylov::pipelined_cg(),
            Krylov::bicgstab(),
            Krylov::gmres(7),
            Krylov::fgmres(7),
            Krylov::minres(),
            Krylov::chebyshev([2.0, 7000.0]),
        ] {
            let method = method.max_iterations(25);
            let mut u = grid.field::<f64>("u");
            let outcome = method.solve(&operator, &mut Identity, &b, &mut u)?;
            text += &described(&outcome, &u);
            u.fill(0.0);
            let outcome = method.solve(&operator, &mut jacobi, &b, &mut u)?;
            text += &described(&outcome, &u);
            u.fill(0.0);
            let outcome = method.solve(&operator, &mut polynomial, &b, &mut u)?;
            text += &described(&outcome, &u);
        }
        Ok(text)
    });
}

/// Sizes that no number of ranks divides, few cells per rank, and as many levels on all ranks as
/// possible.
#[test]
fn multigrid_has_the_same_bits() {
    same_on(SHAPES, |world| {
        let grid = Grid::builder([21, 18, 35])
            .extent([1.0, 0.9, 1.7])
            .periodic([false, true, false])
            .build(world)?;
        let mut beta = grid.field::<f64>("beta");
        beta.fill_with(
            |[z, y, x]| if ((4.0 * (z + y + x)) as usize).is_multiple_of(2) { 1.0 } else { 100.0 },
        );
        let mut f = grid.field::<f64>("f");
        f.fill_with(|[z, y, x]| (3.0 * z).sin() - y * x);
        let mut text = String::new();
        for constant in [true, false] {
            let builder = Elliptic::builder(&grid).wall(Face::high(2), Boundary::Dirichlet(0.0));
            let operator = if constant {
                builder.build()?
            } else {
                builder.coefficient_of(&beta, Mean::Harmonic).build()?
            };
            for kind in [
                MultigridBuilder::new().cells_per_rank(50),
                MultigridBuilder::new().cycle(Cycle::F).cells_per_rank(250),
                MultigridBuilder::new().cycle(Cycle::Full).smoother(Smoother::Chebyshev).cells_per_rank(25),
                MultigridBuilder::new().cycle(Cycle::W).smoother(Smoother::Jacobi),
            ] {
                let mut u = grid.field::<f64>("u");
                let mut multigrid = kind.build::<f64, 3>(&operator)?;
                let outcome = Krylov::cg().max_iterations(4).solve(&operator, &mut multigrid, &f, &mut u)?;
                text += &described(&outcome, &u);
            }
            let mut u = grid.field::<f64>("u");
            let mut multigrid = MultigridBuilder::new().cells_per_rank(100).build::<f32, 3>(&operator)?;
            let outcome =
                Krylov::richardson().max_iterations(4).solve(&operator, &mut multigrid, &f, &mut u)?;
            text += &described(&outcome, &u);
        }
        Ok(text)
    });
}

#[test]
fn the_short_way_has_the_same_bits() {
    same_on(SHAPES, |world| {
        let grid = Grid::builder([40, 33, 26]).extent([1.0; 3]).build(world)?;
        let mut f = grid.field::<f64>("f");
        f.fill_with(|[z, y, x]| z * y - x);
        let (u, outcome) =
            Elliptic::builder(&grid).wall(Face::low(0), Boundary::Dirichlet(1.0)).solve(&f, 1e-9)?;
        assert!(outcome.converged(), "{outcome}");
        Ok(described(&outcome, &u))
    });
}

/// Checks that multigrid with fused sweeps converges as with separate ones, as a solver and in
/// Richardson's method.
fn fused_or_not<T: Real, const N: usize>(
    operator: &Elliptic<N>,
    kind: MultigridBuilder,
    f: &Field<f64, N>,
) -> parhelion::Result<String> {
    let run = |fused| -> parhelion::Result<String> {
        let mut multigrid = kind.fused(fused).build::<T, N>(operator)?;
        let [mut u, mut v] = ["u", "v"].map(|name| operator.vector(name));
        let alone = multigrid.solve(f, &mut u, 1e-3)?;
        let inside = Krylov::richardson().max_iterations(2).solve(operator, &mut multigrid, f, &mut v)?;
        Ok(described(&alone, &u) + &described(&inside, &v))
    };
    let (fused, separate) = (run(true)?, run(false)?);
    assert_eq!(fused, separate, "fused and separate sweeps differ: {kind:?}");
    Ok(fused)
}

/// Fused sweeps compute what separate sweeps compute: on a large level on ranks that cut all axes,
/// on odd sizes, with walls and periodic axes, and on one that is not cut in three.
#[test]
fn fused_sweeps_have_the_bits_of_separate_ones() {
    same_on([(1, 1), (1, 3), (2, 1), (3, 1), (4, 2), (8, 1)], |world| {
        let grid = Grid::builder([37, 44, 51])
            .extent([1.0, 1.1, 1.3])
            .periodic([false, true, false])
            .build(world)?;
        let mut text = String::new();
        for at in [Centering::Cell, Centering::Node] {
            let builder =
                Elliptic::builder(&grid).centering(at).wall(Face::high(2), Boundary::Dirichlet(0.0));
            let constant = builder.clone().build()?;
            let variable = builder.coefficient_at(|[z, y, x]| 1.0 + z * y + x).build()?;
            let mut f = constant.vector("f");
            f.fill_with(|[z, y, x]| (3.0 * z).sin() - y * x);
            let kinds = [(Cycle::V, 1, 1), (Cycle::W, 2, 1), (Cycle::Full, 0, 2)];
            let kinds = if at == Centering::Cell || long() { &kinds[..] } else { &kinds[..1] };
            for &(cycle, before, after) in kinds {
                let kind = MultigridBuilder::new().cycle(cycle).sweeps(before, after);
                text += &fused_or_not::<f32, 3>(&constant, kind, &f)?;
                text += &fused_or_not::<f64, 3>(&variable, kind, &f)?;
            }
        }
        let plane = Grid::builder([210, 190]).extent([1.0; 2]).periodic([true, false]).build(world)?;
        let operator = Elliptic::builder(&plane).shift(1.0).build()?;
        let mut f = plane.field::<f64>("f");
        f.fill_with(|[y, x]| (3.0 * y).sin() - x);
        text += &fused_or_not::<f64, 2>(&operator, MultigridBuilder::new().sweeps(1, 1), &f)?;
        Ok(text)
    });
}
