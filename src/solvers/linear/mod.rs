//! Linear systems on fields: operators, preconditioners, and how a solve ended. The lowest floor of
//! the solvers.
//!
//! | file | what it has |
//! |---|---|
//! | `operator` | the trait of operators, and operators from closures |
//! | `preconditioner` | the trait of preconditioners; identity, Jacobi, Chebyshev polynomials |
//! | `outcome` | the outcome of a solve, and when to stop |
//! | `vectors` | fused updates of several fields, with exact sums |
//! | `real` | the two precisions |
//! | `scaling` | systems whose norms are too small or too large to be squared |
//! | `failure` | errors on one rank |

pub(super) mod failure;
pub(super) mod operator;
pub(super) mod outcome;
pub(super) mod preconditioner;
mod real;
pub(super) mod scaling;
pub(super) mod vectors;

pub use operator::{LinearOperator, OperatorFn, operator};
pub use outcome::{Outcome, Status};
pub use preconditioner::{Identity, Jacobi, Polynomial, Preconditioner};
pub use real::Real;
