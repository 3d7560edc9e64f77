//! Methods without dot products: Chebyshev and Richardson.

use super::System;
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Status;
use crate::solvers::linear::preconditioner::chebyshev_weights;
use crate::solvers::linear::vectors::combine;

pub(super) fn richardson<const N: usize>(
    system: &mut System<'_, N>,
    x: &mut Field<f64, N>,
) -> Result<Status> {
    let mut z = system.operator.vector("correction");
    loop {
        system.precondition_residual(&mut z);
        combine([&mut *x], [&z], |[x], [z]| ([x + z], []));
        let norm = system.renew_residual(x)?;
        if let Some(status) = system.monitor.push(norm) {
            return Ok(status);
        }
    }
}

pub(super) fn chebyshev<const N: usize>(
    system: &mut System<'_, N>,
    x: &mut Field<f64, N>,
    bounds: [f64; 2],
) -> Result<Status> {
    let (mut z, mut d) = (system.operator.vector("correction"), system.operator.vector("step"));
    // Weights settle after some steps; from then on they are those of the last.
    const SETTLED: usize = 1000;
    let weights = chebyshev_weights(bounds, SETTLED);
    let mut number = 0;
    loop {
        let [memory, step] = weights[number.min(SETTLED - 1)];
        number += 1;
        system.precondition_residual(&mut z);
        combine([&mut *x, &mut d], [&z], |[x, d], [z]| {
            let d = memory * d + step * z;
            ([x + d, d], [])
        });
        let norm = system.renew_residual(x)?;
        if let Some(status) = system.monitor.push(norm) {
            return Ok(status);
        }
    }
}
