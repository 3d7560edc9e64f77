//! The line smoother, for couplings that are much stronger along one axis than along the others.

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Krylov, LinearOperator, Mean, MultigridBuilder, Smoother};
use parhelion::testing::{on_ranks, same_on};

use crate::support::{self, converges, dirichlet, noise};

fn builder() -> MultigridBuilder {
    support::builder().cells_per_rank(25)
}

/// Cells 100 times as long as thick: full coarsening with line solves along any axis of the thin
/// side.
#[test]
fn lines_smooth_flat_cells() {
    on_ranks([1, 3], |world| {
        for axis in 0..3 {
            for at in [Centering::Cell, Centering::Node] {
                let mut extent = [30.0, 36.0, 24.0];
                extent[axis] /= 100.0;
                let grid = Grid::builder([30, 36, 24]).extent(extent).build(world)?;
                let operator = dirichlet(&grid).centering(at).build()?;
                converges(&operator, builder().smoother(Smoother::Line), 0.2, format_args!("{axis} {at:?}"))?;
            }
        }
        let grid = Grid::builder([30, 24]).extent([30.0, 0.24]).periodic([false, true]).build(world)?;
        for operator in [Elliptic::builder(&grid).build()?, Elliptic::builder(&grid).shift(1e-3).build()?] {
            converges(&operator, builder().smoother(Smoother::Line), 0.25, "ring")?;
        }
        Ok(())
    });
}

/// Sheets of 1 and 10⁻⁴, one cell thick: cells are square and coarsened along all axes, but coupled
/// along the sheets only.
#[test]
fn lines_smooth_what_points_cannot() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([64, 64]).extent([1.0, 1.0]).build(world)?;
        let mut beta = grid.field::<f64>("beta");
        for along in [0, 1] {
            beta.fill_indexed(|index| if index[1 - along].is_multiple_of(2) { 1.0 } else { 1e-4 });
            let operator = dirichlet(&grid).coefficient_of(&beta, Mean::Harmonic).build()?;
            let (mut b, mut u) = (operator.vector("b"), operator.vector("u"));
            b.fill_indexed(noise);
            let mut iterations = Vec::new();
            for smoother in [Smoother::RedBlack, Smoother::Line, Smoother::LineAlong(along)] {
                u.fill(0.0);
                let mut multigrid = builder().smoother(smoother).build::<f64, 2>(&operator)?;
                let outcome = Krylov::cg().tolerance(1e-8).solve(&operator, &mut multigrid, &b, &mut u)?;
                println!("along {along} {smoother:?}: {outcome}");
                assert!(outcome.converged(), "{smoother:?}: {outcome}");
                iterations.push(outcome.iterations());
            }
            assert!(iterations[1] == iterations[2] && 3 * iterations[1] <= iterations[0], "{iterations:?}");
        }
        Ok(())
    });
}

#[test]
fn lines_have_the_same_bits() {
    same_on([(1, 1), (1, 2), (2, 1), (3, 1), (6, 1), (2, 2)], |world| {
        let grid = Grid::builder([21, 18, 35])
            .extent([1.0, 0.9, 1.7])
            .periodic([false, true, false])
            .build(world)?;
        let mut beta = grid.field::<f64>("beta");
        beta.fill_with(|[z, y, x]| 1.0 + z * y + if x > 0.8 { 100.0 } else { 0.0 });
        let mut text = String::new();
        for axis in 0..3 {
            for (varying, at) in [(false, Centering::Cell), (true, Centering::Cell), (false, Centering::Node)]
            {
                let walls =
                    Elliptic::builder(&grid).centering(at).wall(Face::high(2), Boundary::Dirichlet(0.5));
                let operator = if varying {
                    walls.coefficient_of(&beta, Mean::Harmonic).build()?
                } else {
                    walls.build()?
                };
                let (mut f, mut u) = (operator.vector("f"), operator.vector("u"));
                f.fill_with(|[z, y, x]| (3.0 * z).sin() - y * x);
                operator.add_walls(&mut f)?;
                let mut multigrid =
                    builder().smoother(Smoother::LineAlong(axis)).build::<f64, 3>(&operator)?;
                let outcome = Krylov::cg().max_iterations(3).solve(&operator, &mut multigrid, &f, &mut u)?;
                text += &format!("{:?} {:016x} ", outcome.residuals, u.fingerprint());
            }
        }
        Ok(text)
    });
}

#[test]
fn lines_that_cannot_be_whole_are_refused() {
    on_ranks([2], |world| {
        let grid = Grid::builder([100]).build(world)?;
        let operator = dirichlet(&grid).build()?;
        let error = builder().smoother(Smoother::Line).build::<f64, 1>(&operator).unwrap_err();
        assert!(error.to_string().contains("whole lines along axis 0 for 2 ranks"), "{error}");
        let error = builder().smoother(Smoother::LineAlong(1)).build::<f64, 1>(&operator).unwrap_err();
        assert!(error.is_argument() && error.to_string().contains("axis 1 of 1"), "{error}");
        Ok(())
    });
}
