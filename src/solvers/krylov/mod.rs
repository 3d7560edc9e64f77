//! Krylov methods and their relatives.

mod bicgstab;
mod cg;
mod gmres;
mod minres;
mod stationary;

use super::operator::check_fields;
use super::outcome::{Limits, Monitor};
use super::vectors::{sums, take_off_mean};
use super::{LinearOperator, Outcome, Preconditioner};
use crate::error::ErrorKind;
use crate::{Error, Field, Result};

/// An iterative method for `A x = b`, and when to stop it.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::solvers::{Elliptic, Jacobi, Krylov};
///
/// let world = World::init()?;
/// let grid = Grid::builder([16, 16]).extent([1.0, 1.0]).build(&world)?;
/// let a = Elliptic::builder(&grid).shift(1.0).build()?;       // −Δu + u, no flux through the walls
/// let (mut b, mut x) = (grid.field::<f64>("b"), grid.field::<f64>("x"));
/// b.fill(|[y, x]| y * x);
/// let outcome = Krylov::cg().tolerance(1e-10).solve(&a, &mut Jacobi::new(&a)?, &b, &mut x)?;
/// assert!(outcome.converged(), "{outcome}");
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Krylov {
    method: Method,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Cg,
    BiCgStab,
    Gmres { restart: usize },
    Minres,
    Chebyshev { bounds: [f64; 2] },
    Richardson,
}

impl Krylov {
    fn new(method: Method) -> Self {
        Self { method, limits: Limits::default() }
    }

    /// Conjugate gradients: for symmetric positive (semi)definite operators. With a preconditioner it is the flexible
    /// method (Y. Notay, SIAM J. Sci. Comput. 22, 2000), which a preconditioner may be neither symmetric nor
    /// constant for.
    pub fn cg() -> Self {
        Self::new(Method::Cg)
    }

    /// BiCGStab (H. A. van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992), preconditioned from the right: for any
    /// operator, with short recurrences.
    pub fn bicgstab() -> Self {
        Self::new(Method::BiCgStab)
    }

    /// Flexible GMRES (Y. Saad, SIAM J. Sci. Comput. 14, 1993), restarted after so many iterations (at least 1): for any
    /// operator; keeps two fields for each iteration before a restart (one without preconditioner).
    pub fn gmres(restart: usize) -> Self {
        Self::new(Method::Gmres { restart: restart.max(1) })
    }

    /// MINRES (C. C. Paige, M. A. Saunders, SIAM J. Numer. Anal. 12, 1975): for symmetric operators, definite or not, with a
    /// preconditioner that is symmetric positive definite.
    pub fn minres() -> Self {
        Self::new(Method::Minres)
    }

    /// The Chebyshev iteration: for operators whose eigenvalues, after preconditioning, are within these bounds (0 < low <
    /// high). It needs no sums over ranks but those of the residual.
    pub fn chebyshev(bounds: [f64; 2]) -> Self {
        Self::new(Method::Chebyshev { bounds })
    }

    /// `x ← x + M⁻¹ (b − A x)`: lets a preconditioner that is a solver of its own, such as
    /// [`Multigrid`](super::Multigrid), iterate.
    pub fn richardson() -> Self {
        Self::new(Method::Richardson)
    }

    /// Stops when the residual is at most so many times the norm of the right-hand side (1e-8 unless told otherwise).
    pub fn tolerance(mut self, relative: f64) -> Self {
        self.limits.relative = relative;
        self
    }

    /// Stops when the residual is at most this, too.
    pub fn absolute_tolerance(mut self, absolute: f64) -> Self {
        self.limits.absolute = absolute;
        self
    }

    /// Stops after so many iterations (1000 unless told otherwise).
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.limits.iterations = iterations;
        self
    }

    /// Stops when the residual has not become smaller for so many iterations (100 unless told otherwise).
    pub fn patience(mut self, iterations: usize) -> Self {
        self.limits.patience = iterations.max(1);
        self
    }

    /// Solves `A x = b` from the `x` that is given.
    ///
    /// Where the operator [is singular](LinearOperator::is_singular), the mean is taken off `b` (in a copy) and `x`.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same method and limits.
    ///
    /// # Errors
    /// When the fields are not of the operator's grid, or the limits make no sense. Not when the method does not
    /// converge: that is an [`Outcome`].
    pub fn solve<A: LinearOperator<N>, M: Preconditioner<N>, const N: usize>(
        &self,
        operator: &A,
        preconditioner: &mut M,
        b: &Field<f64, N>,
        x: &mut Field<f64, N>,
    ) -> Result<Outcome> {
        check_fields(operator, &[b, x])?;
        operator.grid().world().check_same("Krylov::solve", &format!("{self:?}"))?;
        let sensible = |value: f64| value >= 0.0 && value.is_finite();
        let bounded = match self.method {
            Method::Chebyshev { bounds: [low, high] } => low > 0.0 && high > low && high.is_finite(),
            _ => true,
        };
        if !(sensible(self.limits.relative) && sensible(self.limits.absolute) && bounded) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "{self:?} cannot be run; tolerances must be finite and not negative, and bounds 0 < low < high"
                ),
            ));
        }
        let mut system = System::new(operator, preconditioner, b, x, self.limits)?;
        let status = match system.monitor.begin() {
            Some(status) => status,
            None => match self.method {
                Method::Cg => cg::run(&mut system, x)?,
                Method::BiCgStab => bicgstab::run(&mut system, x)?,
                Method::Gmres { restart } => gmres::run(&mut system, x, restart)?,
                Method::Minres => minres::run(&mut system, x)?,
                Method::Chebyshev { bounds } => stationary::chebyshev(&mut system, x, bounds)?,
                Method::Richardson => stationary::richardson(&mut system, x)?,
            },
        };
        if operator.is_singular() {
            take_off_mean(x);
        }
        Ok(system.monitor.end(status))
    }
}

/// What all methods work with.
struct System<'a, A, M, const N: usize> {
    operator: &'a A,
    preconditioner: &'a mut M,
    /// The right-hand side, without mean where the operator is singular.
    b: Projected<'a, N>,
    /// The residual of the iterate.
    r: Field<f64, N>,
    monitor: Monitor,
}

/// A right-hand side as given, or a copy without its mean.
enum Projected<'a, const N: usize> {
    Given(&'a Field<f64, N>),
    Copy(Box<Field<f64, N>>),
}

impl<'a, A: LinearOperator<N>, M: Preconditioner<N>, const N: usize> System<'a, A, M, N> {
    fn new(
        operator: &'a A,
        preconditioner: &'a mut M,
        b: &'a Field<f64, N>,
        x: &mut Field<f64, N>,
        limits: Limits,
    ) -> Result<Self> {
        let mut r = operator.vector("residual");
        let b = if operator.is_singular() {
            let mut copy = operator.vector("right-hand side");
            copy.copy_from(b)?;
            take_off_mean(&mut copy);
            Projected::Copy(Box::new(copy))
        } else {
            Projected::Given(b)
        };
        let right = b.field().norm_l2();
        let squares = operator.residual(x, b.field(), &mut r)?;
        Ok(Self { operator, preconditioner, b, r, monitor: Monitor::new(limits, right, squares.sqrt()) })
    }

    /// `z ≈ A⁻¹ r` of another field, without mean where the operator is singular.
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        self.preconditioner.precondition(r, z)?;
        if self.operator.is_singular() && !self.preconditioner.is_identity() {
            take_off_mean(z);
        }
        Ok(())
    }

    /// The same of the residual.
    fn precondition_residual(&mut self, z: &mut Field<f64, N>) -> Result<()> {
        self.preconditioner.precondition(&mut self.r, z)?;
        if self.operator.is_singular() && !self.preconditioner.is_identity() {
            take_off_mean(z);
        }
        Ok(())
    }

    /// Computes the residual of `x` anew; returns its norm.
    fn renew_residual(&mut self, x: &mut Field<f64, N>) -> Result<f64> {
        Ok(self.operator.residual(x, self.b.field(), &mut self.r)?.sqrt())
    }
}

impl<const N: usize> Projected<'_, N> {
    fn field(&self) -> &Field<f64, N> {
        match self {
            Self::Given(field) => field,
            Self::Copy(field) => field,
        }
    }
}

fn dot<const N: usize>(x: &Field<f64, N>, y: &Field<f64, N>) -> f64 {
    sums([x, y], |[x, y]| [x * y])[0]
}
