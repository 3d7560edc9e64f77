//! Flexible GMRES with restarts, by Arnoldi's method with modified Gram–Schmidt and Givens rotations.

use super::{System, dot};
use crate::solvers::vectors::combine;
use crate::solvers::{LinearOperator, Preconditioner, Status};
use crate::{Field, Result};

pub(super) fn run<A: LinearOperator<N>, M: Preconditioner<N>, const N: usize>(
    system: &mut System<'_, A, M, N>,
    x: &mut Field<f64, N>,
    restart: usize,
) -> Result<Status> {
    let plain = system.preconditioner.is_identity();
    // Made when first needed: most solves end before a restart.
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
                system.operator.apply(&mut known[k], image)?;
            } else {
                grow(&mut directions, k + 1);
                system.preconditioner.precondition(&mut known[k], &mut directions[k])?;
                system.operator.apply(&mut directions[k], image)?;
            }
            let mut column = Vec::with_capacity(k + 2);
            for vector in &*known {
                let h = dot(image, vector);
                combine([&mut *image], [vector], |[w], [v]| ([w - h * v], []));
                column.push(h);
            }
            let length = image.norm_l2();
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
        for (i, weight) in weights.into_iter().enumerate() {
            let direction = if plain { &basis[i] } else { &directions[i] };
            combine([&mut *x], [direction], |[x], [z]| ([x + weight * z], []));
        }
        match ended {
            // What the rotations say of the residual is true up to rounding: begin anew if that was not enough.
            Some(Status::Converged) | None => {}
            Some(status) => return Ok(status),
        }
    }
}
