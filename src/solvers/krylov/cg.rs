//! Conjugate gradients.
//!
//! Passes over memory in an iteration: the operator with its dot product; both updates with the norm; the dot products
//! with what the preconditioner made; the new direction. Sums go over the ranks two or three times.

use super::System;
use crate::solvers::vectors::{combine, sums};
use crate::solvers::{LinearOperator, Preconditioner, Status};
use crate::{Field, Result};

pub(super) fn run<A: LinearOperator<N>, M: Preconditioner<N>, const N: usize>(
    system: &mut System<'_, A, M, N>,
    x: &mut Field<f64, N>,
) -> Result<Status> {
    let plain = system.preconditioner.is_identity();
    let (mut p, mut q) = (system.operator.vector("direction"), system.operator.vector("image"));
    let mut z = if plain { None } else { Some(system.operator.vector("preconditioned")) };
    let mut rz = match &mut z {
        None => combine([&mut p], [&system.r], |_, [r]| ([r], [r * r]))[0],
        Some(z) => {
            system.precondition_residual(z)?;
            combine([&mut p], [z, &system.r], |_, [z, r]| ([z], [r * z]))[0]
        }
    };
    loop {
        let curvature = system.operator.apply_dot(&mut p, &mut q)?;
        // Not positive: the operator, or the preconditioner, is not positive definite.
        if !(curvature > 0.0 && rz > 0.0) {
            let done = curvature.is_nan() || rz.is_nan();
            return Ok(if done { Status::Diverged } else { Status::Breakdown });
        }
        let alpha = rz / curvature;
        let [squares] = combine([&mut *x, &mut system.r], [&p, &q], |[x, r], [p, q]| {
            let r = r - alpha * q;
            ([x + alpha * p, r], [r * r])
        });
        if let Some(status) = system.monitor.push(squares.sqrt()) {
            return Ok(status);
        }
        match &mut z {
            None => {
                let beta = squares / rz;
                rz = squares;
                combine([&mut p], [&system.r], |[p], [r]| ([r + beta * p], []));
            }
            Some(z) => {
                system.precondition_residual(z)?;
                // (r − r_before) · z = −α q · z: flexible, without keeping the residual before.
                let [next, across] = sums([&system.r, &q, z], |[r, q, z]| [r * z, q * z]);
                let beta = -alpha * across / rz;
                rz = next;
                combine([&mut p], [z], |[p], [z]| ([z + beta * p], []));
            }
        }
    }
}
