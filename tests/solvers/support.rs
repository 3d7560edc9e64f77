//! Helpers of the tests.

use std::fmt::Display;

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, EllipticBuilder, Krylov, LinearOperator, MultigridBuilder};

/// Irregular values between −½ and ½.
pub(crate) fn noise<const N: usize>(index: [usize; N]) -> f64 {
    let hash =
        index.iter().fold(17_u64, |h, &i| (h ^ i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
    hash as f64 / u64::MAX as f64 - 0.5
}

/// −Δ with walls of value 0.
pub(crate) fn dirichlet<'a, const N: usize>(grid: &Grid<N>) -> EllipticBuilder<'a, N> {
    Face::all::<N>().fold(Elliptic::builder(grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)))
}

pub(crate) fn builder() -> MultigridBuilder {
    MultigridBuilder::new()
}

/// Checks that a cycle reduces the residual of a rough right-hand side by a factor of at most
/// `most`, alone and, with the same number of iterations, in Richardson's method, which takes more
/// passes.
pub(crate) fn converges<const N: usize>(
    operator: &Elliptic<N>,
    builder: MultigridBuilder,
    most: f64,
    what: impl Display,
) -> parhelion::Result<()> {
    let mut multigrid = builder.build::<f64, N>(operator)?;
    let (mut b, mut u, mut v) = (operator.vector("b"), operator.vector("u"), operator.vector("v"));
    b.fill_indexed(noise);
    let plain = Krylov::richardson().tolerance(1e-9).max_iterations(60).solve(
        operator,
        &mut multigrid,
        &b,
        &mut u,
    )?;
    let alone = multigrid.solve(&b, &mut v, 1e-9)?;
    assert!(alone.converged() && alone.factor() <= most, "{what}: {:.3} {alone}", alone.factor());
    assert!(
        plain.converged() && alone.iterations().abs_diff(plain.iterations()) <= 1,
        "{what}: {alone}; {plain}"
    );
    Ok(())
}
