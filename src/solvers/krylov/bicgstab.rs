//! BiCGStab, preconditioned from the right.

use super::{System, dot};
use crate::solvers::vectors::{combine, sums};
use crate::solvers::{LinearOperator, Preconditioner, Status};
use crate::{Field, Result};

pub(super) fn run<A: LinearOperator<N>, M: Preconditioner<N>, const N: usize>(
    system: &mut System<'_, A, M, N>,
    x: &mut Field<f64, N>,
) -> Result<Status> {
    let vector = |name| system.operator.vector(name);
    let (mut shadow, mut p, mut v) = (vector("shadow"), vector("direction"), vector("image"));
    let (mut p_hat, mut s_hat, mut t) = (vector("direction"), vector("correction"), vector("image"));
    let mut rho = combine([&mut shadow, &mut p], [&system.r], |_, [r]| ([r, r], [r * r]))[0];
    loop {
        system.precondition(&mut p, &mut p_hat)?;
        system.operator.apply(&mut p_hat, &mut v)?;
        let across = dot(&shadow, &v);
        if across == 0.0 || rho == 0.0 {
            return Ok(Status::Breakdown);
        }
        let alpha = rho / across;
        let [squares] = combine([&mut *x, &mut system.r], [&p_hat, &v], |[x, r], [p, v]| {
            let s = r - alpha * v;
            ([x + alpha * p, s], [s * s])
        });
        if system.monitor.reached(squares.sqrt()) {
            return Ok(system.monitor.push(squares.sqrt()).unwrap_or(Status::Converged));
        }
        system.precondition_residual(&mut s_hat)?;
        system.operator.apply(&mut s_hat, &mut t)?;
        let [ts, tt] = sums([&t, &system.r], |[t, s]| [t * s, t * t]);
        if tt == 0.0 {
            return Ok(Status::Breakdown);
        }
        let omega = ts / tt;
        let [squares, next] =
            combine([&mut *x, &mut system.r], [&s_hat, &t, &shadow], |[x, s], [s_hat, t, shadow]| {
                let r = s - omega * t;
                ([x + omega * s_hat, r], [r * r, shadow * r])
            });
        if let Some(status) = system.monitor.push(squares.sqrt()) {
            return Ok(status);
        }
        if omega == 0.0 {
            return Ok(Status::Breakdown);
        }
        let beta = next / rho * (alpha / omega);
        rho = next;
        combine([&mut p], [&system.r, &v], |[p], [r, v]| ([r + beta * (p - omega * v)], []));
    }
}
