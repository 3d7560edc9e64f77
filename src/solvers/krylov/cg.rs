//! Conjugate gradients.
//!
//! Passes over memory in an iteration, with the fields read and written: the operator with its dot
//! product (2); the residual with its norm (3); solution and new direction (5). With a
//! preconditioner that multiplies by factors, these are read twice (2); with any other, its result
//! takes part in dot products (2, flexible 3). Sums go over the ranks twice, three times with a
//! preconditioner that is not factors.

use super::System;
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Status;
use crate::solvers::linear::vectors::{combine, sums};

pub(super) fn run<const N: usize>(
    system: &mut System<'_, N>,
    x: &mut Field<f64, N>,
    flexible: bool,
) -> Result<Status> {
    if system.preconditioner.is_identity() || system.preconditioner.factors().is_some() {
        fused(system, x)
    } else {
        let flexible = flexible || !system.preconditioner.is_symmetric();
        preconditioned(system, x, flexible)
    }
}

/// Why not to continue with such a curvature of the direction, and such a product of residual and
/// preconditioned residual.
fn unfit(curvature: f64, rz: f64) -> Option<Status> {
    if curvature > 0.0 && rz > 0.0 {
        return None;
    }
    // Not positive: the operator, or the preconditioner, is not positive definite.
    Some(if curvature.is_nan() || rz.is_nan() { Status::Diverged } else { Status::Breakdown })
}

/// Without preconditioner, or with one that multiplies by factors: what that makes is never stored.
///
/// Of a singular operator the direction may then have a mean. It changes neither the operator's
/// image nor products with the residual, whose mean is 0; the solution loses it at the end.
fn fused<const N: usize>(system: &mut System<'_, N>, x: &mut Field<f64, N>) -> Result<Status> {
    let (mut p, mut q) = (system.operator.vector("direction"), system.operator.vector("image"));
    let (r, monitor, factors) = (&mut system.r, &mut system.monitor, system.preconditioner.factors());
    let [mut rz] = match factors {
        None => combine([&mut p], [&*r], |_, [r]| ([r], [r * r])),
        Some(f) => combine([&mut p], [&*r, f], |_, [r, f]| ([f * r], [r * (f * r)])),
    };
    loop {
        let curvature = system.operator.apply_dot(&mut p, &mut q)?;
        if let Some(status) = unfit(curvature, rz) {
            return Ok(status);
        }
        let alpha = rz / curvature;
        let [squares, next] = match factors {
            None => {
                let [squares] = combine([&mut *r], [&q], |[r], [q]| {
                    let r = r - alpha * q;
                    ([r], [r * r])
                });
                [squares; 2]
            }
            Some(f) => combine([&mut *r], [&q, f], |[r], [q, f]| {
                let r = r - alpha * q;
                ([r], [r * r, r * (f * r)])
            }),
        };
        if let Some(status) = monitor.push(squares.sqrt()) {
            combine([x], [&p], |[x], [p]| ([x + alpha * p], []));
            return Ok(status);
        }
        let beta = next / rz;
        rz = next;
        match factors {
            None => combine([&mut *x, &mut p], [&*r], |[x, p], [r]| ([x + alpha * p, r + beta * p], [])),
            Some(f) => {
                combine([&mut *x, &mut p], [&*r, f], |[x, p], [r, f]| ([x + alpha * p, f * r + beta * p], []))
            }
        };
    }
}

fn preconditioned<const N: usize>(
    system: &mut System<'_, N>,
    x: &mut Field<f64, N>,
    flexible: bool,
) -> Result<Status> {
    let vector = |name| system.operator.vector(name);
    let (mut p, mut q, mut z) = (vector("direction"), vector("image"), vector("preconditioned"));
    system.precondition_residual(&mut z);
    let [mut rz] = combine([&mut p], [&z, &system.r], |_, [z, r]| ([z], [r * z]));
    loop {
        let curvature = system.operator.apply_dot(&mut p, &mut q)?;
        if let Some(status) = unfit(curvature, rz) {
            return Ok(status);
        }
        let alpha = rz / curvature;
        let [squares] = combine([&mut system.r], [&q], |[r], [q]| {
            let r = r - alpha * q;
            ([r], [r * r])
        });
        if let Some(status) = system.monitor.push(squares.sqrt()) {
            combine([x], [&p], |[x], [p]| ([x + alpha * p], []));
            return Ok(status);
        }
        system.precondition_residual(&mut z);
        let (next, beta) = if flexible {
            // (r − r_before) · z = −α q · z: flexible, without keeping the residual before.
            let [next, across] = sums([&system.r, &q, &z], |[r, q, z]| [r * z, q * z]);
            (next, -alpha * across / rz)
        } else {
            let [next] = sums([&system.r, &z], |[r, z]| [r * z]);
            (next, next / rz)
        };
        rz = next;
        combine([&mut *x, &mut p], [&z], |[x, p], [z]| ([x + alpha * p, z + beta * p], []));
    }
}
