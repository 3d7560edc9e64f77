//! Solvers of linear systems on fields: elliptic problems, Krylov methods, multigrid.
//!
//! ```
//! use parhelion::prelude::*;
//! use parhelion::solvers::Elliptic;
//!
//! let world = World::init()?;
//! let grid = Grid::builder([24, 24, 24]).extent([1.0; 3]).build(&world)?;
//! let mut f = grid.field::<f64>("f");
//! f.fill(1.0);
//! let mut problem = Elliptic::builder(&grid); // −Δu = f
//! for face in Face::all::<3>() {
//!     problem = problem.wall(face, Boundary::Dirichlet(0.0));
//! }
//! let (u, outcome) = problem.solve(&f, 1e-8)?;
//! assert!(outcome.converged(), "{outcome}");
//! println!("{outcome}; u in the middle: {:.4}", u.probe([12, 12, 12])?);
//! # Ok::<(), parhelion::Error>(())
//! ```
//!
//! | type | what it is |
//! |---|---|
//! | [`EllipticBuilder`] | the problem −∇·(β∇u) + αu = f with its walls, at cells or nodes; from [`Elliptic::builder`] |
//! | [`Elliptic`] | the operator of such a problem |
//! | [`LinearOperator`], [`operator`] | what solvers need of an operator; an operator from a closure |
//! | [`Krylov`] | conjugate gradients, BiCGStab, GMRES, MINRES, Chebyshev, Richardson, and when to stop |
//! | [`Preconditioner`] | [`Identity`], [`Jacobi`], [`Polynomial`], [`Multigrid`], or a custom one |
//! | [`Multigrid`], [`MultigridBuilder`] | multigrid for an [`Elliptic`] operator, as a solver or a preconditioner |
//! | [`Outcome`], [`Status`] | how a solve ended, with the residual after each iteration |
//!
//! [`EllipticBuilder::solve`] chooses the method: for constant coefficients [`Multigrid::solve`],
//! for variable ones [`Krylov::cg`] with [`Multigrid`]. For custom operators take [`Krylov::cg`]
//! with [`Jacobi`] if they are symmetric positive definite, [`Krylov::minres`] if they are
//! symmetric and indefinite, and otherwise [`Krylov::gmres`] if memory allows, [`Krylov::bicgstab`]
//! if not.
//!
//! Multigrid converges slowly where coefficients couple cells much more strongly along one axis
//! than their shapes suggest, as in thin layers. [`Smoother::Line`] is the smoother for that.
//!
//! Every sum over a field is exact (see [`Field::dot`](crate::field::Field::dot)), and every sweep
//! computes each point from its neighbors alone. So the history of residuals and the solution have
//! the same bits on any ranks × threads.
//!
//! The rooms, each above those that it uses:
//!
//! | folder | what it has |
//! |---|---|
//! | `solve` | a problem solved in one call |
//! | `multigrid` | levels, transfers, smoothers, cycles |
//! | `elliptic` | the operator, its matrix forms and walls |
//! | `krylov` | iterative methods for any operator |
//! | `linear` | operators, preconditioners, outcomes, vector updates |

mod elliptic;
mod krylov;
mod linear;
mod multigrid;
mod solve;

pub use elliptic::{Elliptic, EllipticBuilder, Mean};
pub use krylov::Krylov;
pub use linear::{
    Identity, Jacobi, LinearOperator, OperatorFn, Outcome, Polynomial, Preconditioner, Real, Status, operator,
};
pub use multigrid::{Cycle, LevelReport, Multigrid, MultigridBuilder, MultigridReport, Smoother};
