//! Pipelined conjugate gradients: one sum over ranks an iteration, under way while operator and
//! preconditioner are applied.
//!
//! After T. Chen, E. C. Carson, *Predict-and-recompute conjugate gradient variants*, SIAM J. Sci.
//! Comput. 42 (2020), algorithm PIPE-PR-CG, with the names
//!
//! | | | | |
//! |---|---|---|---|
//! | `r` residual | `z = M⁻¹ r` | `w = A z` | `mw = M⁻¹ w` |
//! | `p` direction | `s = A p` | `ms = M⁻¹ s` | `u = A ms`, `mu = M⁻¹ u` |
//!
//! One pass over memory advances all of them by recurrences and computes the dot products of the
//! next step; meanwhile, `u` and `mu` are computed from the result. The recurrences of `z` and `w`
//! lose accuracy with every iteration, and the residual would never get as small as in ordinary
//! conjugate gradients: so they are recomputed in every [third](RENEWED) iteration. (The paper does
//! so in every one, which attains the same accuracy on Laplacians, and with coefficients between 1
//! and 10⁶ half of it, for one more application of the operator.)

use super::System;
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Status;
use crate::solvers::linear::vectors::{PartialSums, combine_locally};

/// Iterations after which the results of recurrences are recomputed.
const RENEWED: usize = 3;

/// The fields of the method. What an identity or factors as preconditioner make is computed where
/// it is needed: then `z` is not kept, nor `mw` and `mu`; and `ms` only for factors, as the
/// operator's input.
struct Fields<const N: usize> {
    p: Field<f64, N>,
    s: Field<f64, N>,
    w: Field<f64, N>,
    u: Field<f64, N>,
    ms: Option<Field<f64, N>>,
    kept: Option<Kept<N>>,
}

struct Kept<const N: usize> {
    z: Field<f64, N>,
    mw: Field<f64, N>,
    mu: Field<f64, N>,
}

pub(super) fn run<const N: usize>(system: &mut System<'_, N>, x: &mut Field<f64, N>) -> Result<Status> {
    let mut fields = Fields::new(system);
    // With nothing to take a step by, the pass only makes the dot products, and p = z, s = w.
    let mut parts = fields.step(system, x, [0.0, 0.0]);
    for iteration in 0.. {
        let renew = iteration > 0 && iteration % RENEWED == 0;
        let ([squares, rz, ps, r_ms, s_ms], ()) = parts.add_up_while(|| fields.compute(system, renew));
        if iteration > 0
            && let Some(status) = system.monitor.push(squares.sqrt())
        {
            return Ok(status);
        }
        if !(ps > 0.0 && rz > 0.0) {
            let poisoned = ps.is_nan() || rz.is_nan();
            return Ok(if poisoned { Status::Diverged } else { Status::Breakdown });
        }
        let alpha = rz / ps;
        // r · z of the next iteration, foreseen; rounding may take it below 0.
        let next = rz - 2.0 * alpha * r_ms + alpha * alpha * s_ms;
        parts = fields.step(system, x, [alpha, next.max(0.0) / rz]);
    }
    unreachable!("iterations end when the monitor says so")
}

impl<const N: usize> Fields<N> {
    fn new(system: &mut System<'_, N>) -> Self {
        let vector = |name| system.operator.vector(name);
        let (p, s, mut w, u) = (vector("direction"), vector("image"), vector("w"), vector("u"));
        if system.preconditioner.is_identity() {
            system.apply_to_residual(&mut w);
            return Self { p, s, w, u, ms: None, kept: None };
        }
        let mut ms = vector("preconditioned image");
        if system.preconditioner.factors().is_some() {
            system.precondition_residual(&mut ms);
            system.apply(&mut ms, &mut w);
            return Self { p, s, w, u, ms: Some(ms), kept: None };
        }
        let mut kept = Kept {
            z: vector("preconditioned"),
            mw: vector("preconditioned w"),
            mu: vector("preconditioned u"),
        };
        system.precondition_residual(&mut kept.z);
        system.apply(&mut kept.z, &mut w);
        system.precondition(&mut w, &mut kept.mw);
        Self { p, s, w, u, ms: Some(ms), kept: Some(kept) }
    }

    /// Computes `u` and `mu`, and, to `renew` them, `z`, `w` and `mw`.
    fn compute(&mut self, system: &mut System<'_, N>, renew: bool) {
        let Self { s, w, u, ms, kept, .. } = self;
        system.apply(ms.as_mut().unwrap_or(s), u);
        match (kept, ms) {
            (Some(Kept { z, mw, mu }), _) => {
                system.precondition(u, mu);
                if renew {
                    system.precondition_residual(z);
                    system.apply(z, w);
                    system.precondition(w, mw);
                }
            }
            (None, _) if !renew => {}
            // The image is needed no more, and the next step recomputes it.
            (None, Some(z)) => {
                system.precondition_residual(z);
                system.apply(z, w);
            }
            (None, None) => system.apply_to_residual(w),
        }
    }

    /// One step, in one pass; returns the sums of r², r · z, p · s, r · ms and s · ms.
    fn step(
        &mut self,
        system: &mut System<'_, N>,
        x: &mut Field<f64, N>,
        [alpha, beta]: [f64; 2],
    ) -> PartialSums<5> {
        let (Self { p, s, w, u, ms, kept }, r) = (self, &mut system.r);
        match (kept, ms, system.preconditioner.factors()) {
            (Some(Kept { z, mw, mu }), Some(ms), _) => combine_locally(
                [x, r, p, s, w, z, mw, ms],
                [&*u, &*mu],
                |[x, r, p, s, w, z, mw, ms], [u, mu]| {
                    let (x, r, z) = (x + alpha * p, r - alpha * s, z - alpha * ms);
                    let (w, mw) = (w - alpha * u, mw - alpha * mu);
                    let (p, s, ms) = (z + beta * p, w + beta * s, mw + beta * ms);
                    ([x, r, p, s, w, z, mw, ms], [r * r, r * z, p * s, r * ms, s * ms])
                },
            ),
            (None, Some(ms), Some(factors)) => {
                combine_locally([x, r, p, s, w, ms], [&*u, factors], |[x, r, p, s, w, _], [u, f]| {
                    let (x, r, w) = (x + alpha * p, r - alpha * s, w - alpha * u);
                    let (p, s) = (f * r + beta * p, w + beta * s);
                    let ms = f * s;
                    ([x, r, p, s, w, ms], [r * r, r * (f * r), p * s, r * ms, s * ms])
                })
            }
            _ => combine_locally([x, r, p, s, w], [&*u], |[x, r, p, s, w], [u]| {
                let (x, r, w) = (x + alpha * p, r - alpha * s, w - alpha * u);
                let (p, s) = (r + beta * p, w + beta * s);
                ([x, r, p, s, w], [r * r, r * r, p * s, r * s, s * s])
            }),
        }
    }
}
