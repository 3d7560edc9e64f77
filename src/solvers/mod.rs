//! Solvers of linear systems on fields: elliptic problems, Krylov methods, multigrid.
//!
//! ```
//! use parhelion::prelude::*;
//! use parhelion::solvers::{Poisson, Wall};
//!
//! let world = World::init()?;
//! let grid = Grid::builder([24, 24, 24]).extent([1.0; 3]).build(&world)?;
//! let mut f = grid.field::<f64>("f");
//! f.fill(1.0);
//! let mut poisson = Poisson::new(&grid);                     // −Δu = f
//! for face in Face::all::<3>() {
//!     poisson = poisson.wall(face, Wall::Dirichlet(0.0));
//! }
//! let (u, outcome) = poisson.solve(&f, 1e-8)?;
//! assert!(outcome.converged(), "{outcome}");
//! println!("{outcome}; u in the middle: {:.4}", u.probe([12, 12, 12])?);
//! # Ok::<(), parhelion::Error>(())
//! ```
//!
//! | type | what it is |
//! |---|---|
//! | [`Poisson`] | the short way: describe the problem, solve it |
//! | [`Elliptic`] | the operator −∇·(β∇u) + αu with its walls ([`Wall`]), at cells or nodes |
//! | [`LinearOperator`], [`operator`] | what solvers need of an operator; one made of a closure |
//! | [`Krylov`] | conjugate gradients, BiCGStab, GMRES, MINRES, Chebyshev, Richardson, and when to stop |
//! | [`Preconditioner`] | [`Identity`], [`Jacobi`], [`Polynomial`], [`Multigrid`], or your own |
//! | [`Outcome`], [`Status`] | how a solve ended, with the residual after each iteration |
//!
//! Which to choose: for an elliptic operator with constant coefficients, [`Multigrid::solve`]; with variable ones,
//! [`Krylov::cg`] with [`Multigrid`] ([`Poisson`] does either); for symmetric positive
//! definite operators of your own, [`Krylov::cg`] with [`Jacobi`]; for symmetric indefinite ones, [`Krylov::minres`]; for
//! others [`Krylov::gmres`] if memory allows, [`Krylov::bicgstab`] if not.
//!
//! Multigrid converges slowly where cells are much more strongly coupled along one axis than their shapes tell, as by thin layers of a
//! coefficient: there [`Smoother::Line`] is the smoother.
//!
//! Every sum over a field is exact (see [`Field::dot`](crate::field::Field::dot)), and every sweep computes each point from its
//! neighbors alone. So the history of residuals and the solution have the same bits on any ranks × threads.

mod elliptic;
mod krylov;
mod linear;
mod multigrid;
mod poisson;
mod wall;

pub use elliptic::{Elliptic, EllipticBuilder, Mean};
pub use krylov::Krylov;
pub use linear::{
    Identity, Jacobi, LinearOperator, OperatorFn, Outcome, Polynomial, Preconditioner, Real, Status, operator,
};
pub use multigrid::{Cycle, LevelReport, Multigrid, MultigridBuilder, MultigridReport, Smoother};
pub use poisson::Poisson;
pub use wall::{Wall, WallFunction};
