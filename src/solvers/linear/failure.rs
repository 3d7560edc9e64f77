//! Errors of one rank in the middle of a computation of all ranks.
//!
//! A custom operator or preconditioner may fail on one rank while the others continue to the next
//! sum over all ranks, where they would wait for ever. So the rank that fails continues too, with
//! NaN for a result. The next sum is then NaN on every rank, at no extra message. Where a sum is
//! NaN, the ranks agree on what happened.

use crate::error::Result;
use crate::field::Field;
use crate::world::World;

/// Fills what could not be computed with NaN; passes the error on.
pub(in crate::solvers) fn poison_on_error<const N: usize>(
    done: Result<()>,
    output: &mut Field<f64, N>,
) -> Result<()> {
    if done.is_err() {
        output.fill(f64::NAN);
    }
    done
}

/// The `sum` over all ranks of something that [`poison_on_error`] may have had to do with.
///
/// # Collective
/// Over all ranks of `world`.
///
/// # Errors
/// When something failed on any rank; the same error on every rank.
pub(in crate::solvers) fn agree_if_nan(world: &World, done: Result<()>, sum: f64) -> Result<f64> {
    if sum.is_nan() { world.agree(done).map(|()| sum) } else { done.map(|()| sum) }
}
