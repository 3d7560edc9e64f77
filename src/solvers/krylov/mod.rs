//! Krylov methods and their relatives.

mod bicgstab;
mod cg;
mod gmres;
mod minres;
mod pipelined;
mod stationary;

use super::linear::failure::poison_on_error;
use super::linear::operator::check_fields;
use super::linear::outcome::{Limits, Monitor};
use super::linear::scaling::{scale_for, solve_scaled};
use super::linear::vectors::{subtract_mean, sums};
use super::linear::{LinearOperator, Outcome, Preconditioner, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;

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
/// b.fill_with(|[y, x]| y * x);
/// let outcome = Krylov::cg().tolerance(1e-10).solve(&a, &mut Jacobi::new(&a)?, &b, &mut x)?;
/// assert!(outcome.converged(), "{outcome}");
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Krylov {
    method: Method,
    relative: f64,
    absolute: f64,
    iterations: usize,
    /// If none is given, it depends on the method.
    patience: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Cg { flexible: bool },
    PipelinedCg,
    BiCgStab,
    Gmres { restart: usize, flexible: bool },
    Minres,
    Chebyshev { bounds: [f64; 2] },
    Richardson,
}

impl Krylov {
    fn new(method: Method) -> Self {
        Self { method, relative: 1e-8, absolute: 0.0, iterations: 1000, patience: None }
    }

    /// Conjugate gradients, for symmetric positive (semi)definite operators and preconditioners. If
    /// the preconditioner is not known to be [symmetric](Preconditioner::is_symmetric), the method
    /// is [`flexible_cg`](Self::flexible_cg).
    pub fn cg() -> Self {
        Self::new(Method::Cg { flexible: false })
    }

    /// Flexible conjugate gradients (Y. Notay, SIAM J. Sci. Comput. 22, 2000), for symmetric
    /// positive (semi)definite operators. The preconditioner may be slightly unsymmetric and may
    /// change from one application to the next, as a multigrid cycle in single precision does. An
    /// iteration reads one field more than with [`cg`](Self::cg).
    pub fn flexible_cg() -> Self {
        Self::new(Method::Cg { flexible: true })
    }

    /// Pipelined conjugate gradients (T. Chen, E. C. Carson, SIAM J. Sci. Comput. 42, 2020,
    /// algorithm PIPE-PR-CG, after P. Ghysels, W. Vanroose, Parallel Computing 40, 2014). An
    /// iteration makes one sum over ranks, which travels while the operator and the preconditioner
    /// are applied; [`cg`](Self::cg) waits for two or three.
    ///
    /// The method pays for many ranks with few points each: it moves 1.5 times as much memory, but
    /// waits less. Every third iteration recomputes the vectors that recurrences update, so the
    /// attainable accuracy is that of [`cg`](Self::cg). The preconditioner must be symmetric
    /// positive definite and constant.
    pub fn pipelined_cg() -> Self {
        Self::new(Method::PipelinedCg)
    }

    /// BiCGStab (H. A. van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992), preconditioned from the
    /// right. It works for any operator and has short recurrences.
    pub fn bicgstab() -> Self {
        Self::new(Method::BiCgStab)
    }

    /// GMRES (Y. Saad, M. H. Schultz, SIAM J. Sci. Stat. Comput. 7, 1986), preconditioned from the
    /// right, for any operator. It restarts after `restart` iterations (at least 1) and stores a
    /// field for each iteration between restarts. If the preconditioner is not known to be
    /// [symmetric](Preconditioner::is_symmetric), and so constant, the method is
    /// [`fgmres`](Self::fgmres).
    pub fn gmres(restart: usize) -> Self {
        Self::new(Method::Gmres { restart: restart.max(1), flexible: false })
    }

    /// Flexible GMRES (Y. Saad, SIAM J. Sci. Comput. 14, 1993): the preconditioner may change from
    /// one application to the next. The method restarts after `restart` iterations (at least 1) and
    /// stores two fields for each iteration between restarts (one without preconditioner).
    pub fn fgmres(restart: usize) -> Self {
        Self::new(Method::Gmres { restart: restart.max(1), flexible: true })
    }

    /// MINRES (C. C. Paige, M. A. Saunders, SIAM J. Numer. Anal. 12, 1975), for symmetric
    /// operators, definite or not. The preconditioner must be symmetric positive definite.
    pub fn minres() -> Self {
        Self::new(Method::Minres)
    }

    /// The Chebyshev iteration, for operators whose eigenvalues, after preconditioning, lie within
    /// `bounds` (0 < low < high). Its only sums over ranks are those of the residual.
    pub fn chebyshev(bounds: [f64; 2]) -> Self {
        Self::new(Method::Chebyshev { bounds })
    }

    /// Richardson's iteration `x ← x + M⁻¹ (b − A x)`. It repeats a preconditioner that
    /// could solve alone, such as [`Multigrid`](super::Multigrid).
    pub fn richardson() -> Self {
        Self::new(Method::Richardson)
    }

    /// Stops when the norm of the residual is at most `relative` times that of the right-hand side.
    /// Default: 1e-8.
    pub fn tolerance(mut self, relative: f64) -> Self {
        self.relative = relative;
        self
    }

    /// Also stops when the norm of the residual is at most `absolute`. Default: 0.
    pub fn absolute_tolerance(mut self, absolute: f64) -> Self {
        self.absolute = absolute;
        self
    }

    /// Stops after this number of iterations. Default: 1000.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Stops when the residual has not become smaller for this number of iterations.
    ///
    /// Default: methods of short recurrences (conjugate gradients, BiCGStab, MINRES) wait for as
    /// many iterations as there are unknowns, at least 100: on badly conditioned systems their
    /// residuals may stay on a plateau for long, but without rounding they would have ended by
    /// then. GMRES waits for two restarts, since after one without gain all others are like it, and
    /// at least for 100 iterations, as Chebyshev and Richardson do.
    pub fn patience(mut self, iterations: usize) -> Self {
        self.patience = Some(iterations.max(1));
        self
    }

    fn limits(&self, unknowns: usize) -> Limits {
        let least = match self.method {
            Method::Cg { .. } | Method::PipelinedCg | Method::BiCgStab | Method::Minres => unknowns,
            Method::Gmres { restart, .. } => restart.saturating_mul(2),
            Method::Chebyshev { .. } | Method::Richardson => 0,
        };
        Limits {
            relative: self.relative,
            absolute: self.absolute,
            iterations: self.iterations,
            patience: self.patience.unwrap_or(least.max(100)),
        }
    }

    /// Solves `A x = b` from the `x` that is given.
    ///
    /// If the operator [is singular](LinearOperator::is_singular), the mean is subtracted from `b`
    /// (in a copy) and `x`.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same method and limits.
    ///
    /// # Errors
    /// When the fields are not of the operator's grid, `b` or `x` has values that are not finite,
    /// or the limits make no sense; when operator or preconditioner fails on some rank. The same
    /// error on every rank; `x` is then unspecified. Not when the method does not converge: that is
    /// an [`Outcome`].
    pub fn solve<const N: usize>(
        &self,
        operator: &dyn LinearOperator<N>,
        preconditioner: &mut dyn Preconditioner<N>,
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
        if !(sensible(self.relative) && sensible(self.absolute) && bounded) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "{self:?} cannot be run; tolerances must be finite and not negative, and bounds 0 < low < high"
                ),
            ));
        }
        if let Some(factors) = preconditioner.factors() {
            check_fields(operator, &[factors])?;
        }
        let limits = self.limits(b.shape_global().iter().product());
        let (mut system, norms) = System::new(operator, preconditioner, b, x, limits)?;
        if let Some(scale) = scale_for(operator, norms, b, x)? {
            let scaled = self.absolute_tolerance((scale * self.absolute).min(f64::MAX));
            let preconditioner = system.preconditioner;
            return solve_scaled(operator, scale, b, x, &mut |b, x| {
                scaled.solve(operator, preconditioner, b, x)
            });
        }
        let status = match system.monitor.begin() {
            Some(status) => status,
            None => match self.method {
                Method::Cg { flexible } => cg::run(&mut system, x, flexible)?,
                Method::PipelinedCg => pipelined::run(&mut system, x)?,
                Method::BiCgStab => bicgstab::run(&mut system, x)?,
                Method::Gmres { restart, flexible } => gmres::run(&mut system, x, restart, flexible)?,
                Method::Minres => minres::run(&mut system, x)?,
                Method::Chebyshev { bounds } => stationary::chebyshev(&mut system, x, bounds)?,
                Method::Richardson => stationary::richardson(&mut system, x)?,
            },
        };
        if status == Status::Diverged {
            // A rank where something failed continued with NaN.
            operator.grid().world().agree(system.failure)?;
        }
        if operator.is_singular() {
            subtract_mean(x);
        }
        Ok(system.monitor.end(status))
    }
}

/// The state that all methods share.
struct System<'a, const N: usize> {
    operator: &'a dyn LinearOperator<N>,
    preconditioner: &'a mut dyn Preconditioner<N>,
    /// The right-hand side, without mean where the operator is singular.
    b: Projected<'a, N>,
    /// The residual of the iterate.
    r: Field<f64, N>,
    monitor: Monitor,
    /// The first error of operator or preconditioner on this rank. What they should have computed
    /// is then NaN, and so is the next norm, on all ranks.
    failure: Result<()>,
}

/// A right-hand side as given, or a copy without its mean.
enum Projected<'a, const N: usize> {
    Borrowed(&'a Field<f64, N>),
    Copy(Box<Field<f64, N>>),
}

impl<'a, const N: usize> System<'a, N> {
    fn new(
        operator: &'a dyn LinearOperator<N>,
        preconditioner: &'a mut dyn Preconditioner<N>,
        b: &'a Field<f64, N>,
        x: &mut Field<f64, N>,
        limits: Limits,
    ) -> Result<(Self, [f64; 2])> {
        let mut r = operator.vector("residual");
        let b = if operator.is_singular() {
            let mut copy = operator.vector("right-hand side");
            copy.copy_from(b)?;
            subtract_mean(&mut copy);
            Projected::Copy(Box::new(copy))
        } else {
            Projected::Borrowed(b)
        };
        let norms = [b.field().norm_l2(), operator.residual(x, b.field(), &mut r)?.sqrt()];
        let monitor = Monitor::new(limits, norms[0], norms[1]);
        Ok((Self { operator, preconditioner, b, r, monitor, failure: Ok(()) }, norms))
    }

    /// `output = A input`, or NaN where that fails.
    fn apply(&mut self, input: &mut Field<f64, N>, output: &mut Field<f64, N>) {
        let done = poison_on_error(self.operator.apply(input, output), output);
        self.note(done);
    }

    /// As above, for the residual.
    fn apply_to_residual(&mut self, output: &mut Field<f64, N>) {
        let done = poison_on_error(self.operator.apply(&mut self.r, output), output);
        self.note(done);
    }

    /// `z ≈ A⁻¹ r` of another field, without mean where the operator is singular; or NaN where
    /// that fails.
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) {
        let done = poison_on_error(self.preconditioner.precondition(r, z), z);
        self.finish_preconditioning(done, z);
    }

    /// As above, for the residual.
    fn precondition_residual(&mut self, z: &mut Field<f64, N>) {
        let done = poison_on_error(self.preconditioner.precondition(&mut self.r, z), z);
        self.finish_preconditioning(done, z);
    }

    fn finish_preconditioning(&mut self, done: Result<()>, z: &mut Field<f64, N>) {
        self.note(done);
        if self.operator.is_singular() && !self.preconditioner.is_identity() {
            subtract_mean(z);
        }
    }

    fn note(&mut self, done: Result<()>) {
        if self.failure.is_ok() {
            self.failure = done;
        }
    }

    /// Computes the residual of `x` again; returns its norm.
    fn renew_residual(&mut self, x: &mut Field<f64, N>) -> Result<f64> {
        Ok(self.operator.residual(x, self.b.field(), &mut self.r)?.sqrt())
    }
}

impl<const N: usize> Projected<'_, N> {
    fn field(&self) -> &Field<f64, N> {
        match self {
            Self::Borrowed(field) => field,
            Self::Copy(field) => field,
        }
    }
}

fn dot<const N: usize>(x: &Field<f64, N>, y: &Field<f64, N>) -> f64 {
    sums([x, y], |[x, y]| [x * y])[0]
}
