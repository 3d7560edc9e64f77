//! GMRES with restarts, flexible or not, by Arnoldi's method with modified Gram–Schmidt and Givens
//! rotations.
//!
//! With a preconditioner that is always the same, the correction is preconditioned as a whole, and
//! only the basis is kept.

use super::{System, dot};
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Status;
use crate::solvers::linear::vectors::combine;

pub(super) fn run<const N: usize>(
    system: &mut System<'_, N>,
    x: &mut Field<f64, N>,
    restart: usize,
    flexible: bool,
) -> Result<Status> {
    let plain = system.preconditioner.is_identity();
    let flexible = !plain && (flexible || !system.preconditioner.is_symmetric());
    // Assembly when first needed: most solves end before a restart.
    let (mut basis, mut directions): (Vec<Field<f64, N>>, Vec<Field<f64, N>>) = (Vec::new(), Vec::new());
    loop {
        let norm = system.renew_residual(x)?;
        if let Some(status) = system.monitor.correct(norm) {
            return Ok(status);
        }
        let grow = |fields: &mut Vec<Field<f64, N>>, count: usize| {
            while fields.len() < count {
                fields.push(system.operator.vector("basis"));
            }
        };
        grow(&mut basis, 1);
        combine([&mut basis[0]], [&system.r], |_, [r]| ([r / norm], []));
        // The columns of the triangular factor, the rotations, and the rotated right-hand side.
        let (mut columns, mut rotations, mut right) = (Vec::new(), Vec::<[f64; 2]>::new(), vec![norm]);
        let mut ended = None;
        for k in 0..restart {
            grow(&mut basis, k + 2);
            let (known, new) = basis.split_at_mut(k + 1);
            let image = &mut new[0];
            if plain {
                system.apply(&mut known[k], image);
            } else {
                let number = if flexible { k } else { 0 };
                grow(&mut directions, number + 1);
                system.precondition(&mut known[k], &mut directions[number]);
                system.apply(&mut directions[number], image);
            }
            let mut column = Vec::with_capacity(k + 2);
            let mut h = dot(image, &known[0]);
            for pair in known.windows(2) {
                column.push(h);
                [h] = combine([&mut *image], [&pair[0], &pair[1]], |[w], [v, next]| {
                    let w = w - h * v;
                    ([w], [w * next])
                });
            }
            column.push(h);
            let [squares] = combine([&mut *image], [&known[k]], |[w], [v]| {
                let w = w - h * v;
                ([w], [w * w])
            });
            let length = squares.sqrt();
            column.push(length);
            for (i, [c, s]) in rotations.iter().enumerate() {
                (column[i], column[i + 1]) =
                    (c * column[i] + s * column[i + 1], c * column[i + 1] - s * column[i]);
            }
            let radius = column[k].hypot(column[k + 1]);
            if radius == 0.0 || !radius.is_finite() {
                ended = Some(if radius == 0.0 { Status::Breakdown } else { Status::Diverged });
                break;
            }
            let [c, s] = [column[k] / radius, column[k + 1] / radius];
            rotations.push([c, s]);
            column[k] = radius;
            right.push(-s * right[k]);
            right[k] *= c;
            columns.push(column);
            ended = system.monitor.push(right[k + 1].abs());
            if ended.is_some() || length == 0.0 {
                break;
            }
            combine([image], [], |[w], []| ([w / length], []));
        }
        let steps = columns.len();
        let mut weights = right[..steps].to_vec();
        for i in (0..steps).rev() {
            for j in i + 1..steps {
                weights[i] -= columns[j][i] * weights[j];
            }
            weights[i] /= columns[i][i];
        }
        if plain || flexible {
            let directions = if plain { &basis } else { &directions };
            add(x, &weights, directions);
        } else {
            let (known, spare) = basis.split_at_mut(steps);
            combine([&mut spare[0]], [], |_, []| ([0.0], []));
            add(&mut spare[0], &weights, known);
            system.precondition(&mut spare[0], &mut directions[0]);
            add(x, &[1.0], &directions);
        }
        match ended {
            // What the rotations say of the residual is true up to rounding: start again if that
            // was not enough.
            Some(Status::Converged) | None => {}
            Some(status) => return Ok(status),
        }
    }
}

/// `sum += Σ weight · field`.
fn add<const N: usize>(sum: &mut Field<f64, N>, weights: &[f64], fields: &[Field<f64, N>]) {
    for (weight, field) in weights.iter().zip(fields) {
        combine([&mut *sum], [field], |[sum], [field]| ([sum + weight * field], []));
    }
}
