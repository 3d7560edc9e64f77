//! How a solve ended.

use std::fmt;

/// Why an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The residual is small enough.
    Converged,
    /// The largest number of iterations was made.
    NotConverged,
    /// The residual grew beyond all bounds or is NaN.
    Diverged,
    /// The residual has not become smaller for many iterations; see
    /// [`Krylov::patience`](crate::solvers::Krylov::patience).
    Stagnated,
    /// The method cannot continue: it would divide by zero, or the operator is not of the kind that
    /// it needs.
    Breakdown,
}

/// The end of a solve, with the norm of the residual after each iteration. A solve that does not
/// converge is not an error: the field holds the last iterate.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub status: Status,
    /// The Euclidean norm of the residual `b − A x` (without a factor for the cell volume)
    /// before the first iteration and after each: the same bits on any ranks × threads. Of methods
    /// that update it, the updated one. Whatever the preconditioner, it is this norm that is
    /// judged.
    pub residuals: Vec<f64>,
    /// The norm of the residual at which the solve counts as converged.
    pub goal: f64,
}

impl Outcome {
    /// Whether the residual is small enough.
    pub fn converged(&self) -> bool {
        self.status == Status::Converged
    }

    /// The number of iterations.
    pub fn iterations(&self) -> usize {
        self.residuals.len() - 1
    }

    /// The norm of the last residual.
    pub fn residual(&self) -> f64 {
        self.residuals.last().copied().unwrap_or(f64::NAN)
    }

    /// The factor by which an iteration reduces the residual: the geometric mean over the last
    /// iterations, at most 5. NaN if residuals are NaN.
    pub fn factor(&self) -> f64 {
        let last = self.residuals.len() - 1;
        let first = last.saturating_sub(5);
        if last == 0 {
            return 1.0;
        }
        (self.residuals[last] / self.residuals[first]).powf(1.0 / (last - first) as f64)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.status {
            Status::Converged => "converged",
            Status::NotConverged => "has not converged",
            Status::Diverged => "diverged",
            Status::Stagnated => "stagnated",
            Status::Breakdown => "broke down",
        };
        let (first, last) = (self.residuals[0], self.residual());
        write!(
            f,
            "{how} after {} iteration(s): residual {last:.3e} from {first:.3e}, goal {:.3e}",
            self.iterations(),
            self.goal
        )?;
        let factor = self.factor();
        if self.iterations() > 0 && factor.is_finite() { write!(f, ", factor {factor:.3}") } else { Ok(()) }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::solvers) struct Limits {
    /// Relative to the norm of the right-hand side.
    pub(in crate::solvers) relative: f64,
    pub(in crate::solvers) absolute: f64,
    pub(in crate::solvers) iterations: usize,
    /// Iterations without a smaller residual after which it counts as stagnated.
    pub(in crate::solvers) patience: usize,
}

/// Residuals beyond this multiple of the first, or of the goal, count as diverged.
const DIVERGED: f64 = 1e8;

/// Keeps the history and says when to stop.
pub(in crate::solvers) struct Monitor {
    limits: Limits,
    history: Vec<f64>,
    goal: f64,
    best: f64,
    since_best: usize,
}

impl Monitor {
    /// Begins with the norms of right-hand side and first residual.
    pub(in crate::solvers) fn new(limits: Limits, right: f64, residual: f64) -> Self {
        let goal = (limits.relative * right).max(limits.absolute);
        Self { limits, history: vec![residual], goal, best: residual, since_best: 0 }
    }

    /// Whether to stop before the first iteration.
    pub(in crate::solvers) fn begin(&self) -> Option<Status> {
        self.judge()
    }

    /// Takes the norm of the residual after an iteration; whether to stop.
    pub(in crate::solvers) fn push(&mut self, residual: f64) -> Option<Status> {
        self.history.push(residual);
        self.since_best += 1;
        if residual < self.best {
            (self.best, self.since_best) = (residual, 0);
        }
        self.judge()
    }

    fn judge(&self) -> Option<Status> {
        let (first, last) = (self.history[0], self.history[self.history.len() - 1]);
        if !(last.is_finite() && self.goal.is_finite()) {
            // Also where the goal is beyond all numbers, so that anything would reach it.
            Some(Status::Diverged)
        } else if last <= self.goal {
            Some(Status::Converged)
        } else if last > DIVERGED * first.max(self.goal) {
            Some(Status::Diverged)
        } else if self.since_best >= self.limits.patience {
            Some(Status::Stagnated)
        } else if self.history.len() > self.limits.iterations {
            Some(Status::NotConverged)
        } else {
            None
        }
    }

    /// The norm of the last residual.
    pub(in crate::solvers) fn last(&self) -> f64 {
        self.history[self.history.len() - 1]
    }

    /// Whether an iterate with this residual would be good enough.
    pub(in crate::solvers) fn reached(&self, residual: f64) -> bool {
        residual <= self.goal
    }

    /// Replaces the last residual by one that was computed more carefully; whether to stop.
    pub(in crate::solvers) fn correct(&mut self, residual: f64) -> Option<Status> {
        if let Some(last) = self.history.last_mut() {
            *last = residual;
        }
        self.judge()
    }

    pub(in crate::solvers) fn end(self, status: Status) -> Outcome {
        Outcome { status, residuals: self.history, goal: self.goal }
    }
}
