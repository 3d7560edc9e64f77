//! MINRES, preconditioned: Lanczos' method and a QR factorization on the go, after H. Elman, D.
//! Silvester, A. Wathen, *Finite Elements and Fast Iterative Solvers*, 2nd ed., algorithm 4.1.
//!
//! What it minimizes is, with a preconditioner, another norm of the residual, that of
//! `M^(-1/2) r`. To judge by the Euclidean one, the residual itself is then brought forward too:
//! with γ v' the new Lanczos vector, `r ← s² r + (η c / γ²) v'`.

use super::{System, dot};
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Status;
use crate::solvers::linear::vectors::combine;

pub(super) fn run<const N: usize>(system: &mut System<'_, N>, x: &mut Field<f64, N>) -> Result<Status> {
    let vector = |name| system.operator.vector(name);
    let (mut v_old, mut v, mut v_new) = (vector("v"), vector("v"), vector("v"));
    let (mut w_old, mut w, mut w_new) = (vector("w"), vector("w"), vector("w"));
    let (mut z, mut z_new) = (vector("z"), vector("z"));
    let plain = system.preconditioner.is_identity();
    combine([&mut v], [&system.r], |_, [r]| ([r], []));
    system.precondition_residual(&mut z);
    let squares = dot(&z, &v);
    if squares <= 0.0 {
        return Ok(Status::Breakdown);
    }
    let mut gamma = squares.sqrt();
    let (mut gamma_old, mut eta) = (1.0, gamma);
    let ([mut s_old, mut s], [mut c_old, mut c]) = ([0.0, 0.0], [1.0, 1.0]);
    loop {
        let by = gamma;
        combine([&mut z], [], |[z], []| ([z / by], []));
        let delta = system.operator.apply_dot(&mut z, &mut v_new)?;
        let (now, before) = (delta / gamma, gamma / gamma_old);
        combine([&mut v_new], [&v, &v_old], |[az], [v, v_old]| ([az - now * v - before * v_old], []));
        system.precondition(&mut v_new, &mut z_new);
        let squares = dot(&z_new, &v_new);
        if squares < 0.0 {
            return Ok(Status::Breakdown);
        }
        let gamma_new = squares.sqrt();
        let a0 = c * delta - c_old * s * gamma;
        let a1 = a0.hypot(gamma_new);
        let a2 = s * delta + c_old * c * gamma;
        let a3 = s_old * gamma;
        if a1 == 0.0 {
            return Ok(Status::Breakdown);
        }
        (c_old, c) = (c, a0 / a1);
        (s_old, s) = (s, gamma_new / a1);
        let step = c * eta;
        eta *= -s;
        let direction = move |[z, w_old, w]: [f64; 3]| (z - a3 * w_old - a2 * w) / a1;
        let norm = if plain {
            combine([&mut w_new, &mut *x], [&z, &w_old, &w], |[_, x], read| {
                let new = direction(read);
                ([new, x + step * new], [])
            });
            eta.abs()
        } else {
            // Where the Krylov space ends, nothing is left of the residual.
            let along = if gamma_new == 0.0 { 0.0 } else { eta * c / gamma_new };
            let fields = [&mut w_new, &mut *x, &mut system.r];
            let [squares] = combine(fields, [&z, &w_old, &w, &v_new], |[_, x, r], [z, w_old, w, v]| {
                let new = direction([z, w_old, w]);
                let r = s * s * r + along * v;
                ([new, x + step * new, r], [r * r])
            });
            squares.sqrt()
        };
        if let Some(status) = system.monitor.push(norm) {
            return Ok(status);
        }
        std::mem::swap(&mut v_old, &mut v);
        std::mem::swap(&mut v, &mut v_new);
        std::mem::swap(&mut w_old, &mut w);
        std::mem::swap(&mut w, &mut w_new);
        std::mem::swap(&mut z, &mut z_new);
        (gamma_old, gamma) = (gamma, gamma_new);
    }
}
