//! BiCGStab, preconditioned from the right.
//!
//! Without preconditioner an iteration reads and writes 22 fields, and sums go over the ranks three
//! times. It can end in the middle, but that shows only with the dot products of the second half.

use super::{System, dot};
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Status;
use crate::solvers::linear::vectors::{combine, sums};

pub(super) fn run<const N: usize>(system: &mut System<'_, N>, x: &mut Field<f64, N>) -> Result<Status> {
    let vector = |name| system.operator.vector(name);
    let (mut shadow, mut p, mut v, mut t) =
        (vector("shadow"), vector("direction"), vector("image"), vector("image"));
    let plain = system.preconditioner.is_identity();
    // The direction and the residual half way, preconditioned.
    let mut hats = (!plain).then(|| [vector("direction"), vector("correction")]);
    let [mut rho] = combine([&mut shadow, &mut p], [&system.r], |_, [r]| ([r, r], [r * r]));
    loop {
        match &mut hats {
            None => system.apply(&mut p, &mut v),
            Some([p_hat, _]) => {
                system.precondition(&mut p, p_hat);
                system.apply(p_hat, &mut v);
            }
        }
        let across = dot(&shadow, &v);
        if across == 0.0 || rho == 0.0 {
            return Ok(Status::Breakdown);
        }
        let alpha = rho / across;
        combine([&mut system.r], [&v], |[r], [v]| ([r - alpha * v], []));
        match &mut hats {
            None => system.apply_to_residual(&mut t),
            Some([_, s_hat]) => {
                system.precondition_residual(s_hat);
                system.apply(s_hat, &mut t);
            }
        }
        let [ts, tt, ss] = sums([&t, &system.r], |[t, s]| [t * s, t * t, s * s]);
        if system.monitor.reached(ss.sqrt()) || tt == 0.0 {
            let p_hat = hats.as_ref().map_or(&p, |[p_hat, _]| p_hat);
            combine([x], [p_hat], |[x], [p]| ([x + alpha * p], []));
            return Ok(system.monitor.push(ss.sqrt()).unwrap_or(Status::Breakdown));
        }
        let omega = ts / tt;
        let r = &mut system.r;
        let [squares, next] = match &hats {
            None => combine([&mut *x, r], [&p, &t, &shadow], |[x, s], [p, t, shadow]| {
                let r = s - omega * t;
                ([x + alpha * p + omega * s, r], [r * r, shadow * r])
            }),
            Some([p_hat, s_hat]) => {
                combine([&mut *x, r], [p_hat, s_hat, &t, &shadow], |[x, s], [p_hat, s_hat, t, shadow]| {
                    let r = s - omega * t;
                    ([x + alpha * p_hat + omega * s_hat, r], [r * r, shadow * r])
                })
            }
        };
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
