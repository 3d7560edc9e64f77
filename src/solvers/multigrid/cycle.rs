//! Smoothing, and the order in which levels are visited.

use super::hierarchy::{Below, Level};
use super::{Cycle, MultigridBuilder, Smoother};
use crate::Result;
use crate::solvers::Real;
use crate::solvers::discrete::Terms;
use crate::solvers::preconditioner::chebyshev_weights;

/// Solves the first level's system approximately, from `u = 0`.
pub(super) fn run<T: Real, const N: usize>(
    levels: &mut [Level<T, N>],
    settings: &MultigridBuilder,
) -> Result<()> {
    match settings.cycle {
        Cycle::Full => full(levels, settings),
        kind => cycle(levels, settings, kind, true),
    }
}

/// One cycle, from `u = 0` if that is what `zero` says.
fn cycle<T: Real, const N: usize>(
    levels: &mut [Level<T, N>],
    settings: &MultigridBuilder,
    kind: Cycle,
    zero: bool,
) -> Result<()> {
    let Some((level, rest)) = levels.split_first_mut() else { return Ok(()) };
    let [before, after] = settings.sweeps;
    if matches!(level.below, Below::Coarser(_)) {
        smooth(level, settings.smoother, before, zero, false)?;
    }
    match &level.below {
        Below::Nothing(direct) => direct.solve(&level.f, &mut level.u),
        Below::Fewer { gather, share } => {
            gather.run(Some(&level.f), rest.first_mut().map(|level| &mut level.f), 1.0);
            cycle(rest, settings, kind, zero)?;
            share.run(rest.first().map(|level| &level.u), Some(&mut level.u), 1.0);
        }
        Below::Coarser(transfer) => {
            let coarse = &mut rest[0].f;
            transfer.restrict_residual(&level.operator, &mut level.u, &level.f, &mut level.other, coarse)?;
            cycle(rest, settings, kind, true)?;
            let again = match kind {
                _ if rest[0].coarsest => None,
                Cycle::W => Some(Cycle::W),
                Cycle::F => Some(Cycle::V),
                Cycle::V | Cycle::Full => None,
            };
            if let Some(kind) = again {
                cycle(rest, settings, kind, false)?;
            }
            transfer.add_interpolated(&mut rest[0].u, &mut level.u)?;
            smooth(level, settings.smoother, after, false, true)?;
        }
    }
    Ok(())
}

/// Full multigrid: the coarse solution is the first iterate of a V-cycle on the level above.
fn full<T: Real, const N: usize>(levels: &mut [Level<T, N>], settings: &MultigridBuilder) -> Result<()> {
    let Some((level, rest)) = levels.split_first_mut() else { return Ok(()) };
    match &level.below {
        Below::Nothing(direct) => direct.solve(&level.f, &mut level.u),
        Below::Fewer { gather, share } => {
            gather.run(Some(&level.f), rest.first_mut().map(|level| &mut level.f), 1.0);
            full(rest, settings)?;
            share.run(rest.first().map(|level| &level.u), Some(&mut level.u), 1.0);
        }
        Below::Coarser(transfer) => {
            transfer.restrict_right(&mut level.f, &mut rest[0].f)?;
            full(rest, settings)?;
            level.u.fill_with(T::zero());
            transfer.add_interpolated(&mut rest[0].u, &mut level.u)?;
            cycle(levels, settings, Cycle::V, false)?;
        }
    }
    Ok(())
}

/// Sweeps of the smoother before, or `after`, the coarse correction.
///
/// Gauss–Seidel: with constant coefficients, red before black both times and with over-relaxation, which smooths best (I. Yavneh,
/// SIAM J. Sci. Comput. 17, 1996; the factor of a V(1,1) cycle in 3-D falls from 0.38 to 0.08). With variable ones symmetric, so that
/// energy cannot grow: black before red afterwards, without over-relaxation.
fn smooth<T: Real, const N: usize>(
    level: &mut Level<T, N>,
    smoother: Smoother,
    sweeps: usize,
    mut zero: bool,
    after: bool,
) -> Result<()> {
    let Level { operator, u, other, f, step, below, .. } = level;
    if sweeps == 0 && zero {
        u.fill_with(T::zero());
    }
    let axes = if let Below::Coarser(transfer) = below { transfer.axes_halved() } else { N };
    let symmetric = matches!(operator.terms, Terms::Faces(_));
    let colours = if after && symmetric { [1, 0] } else { [0, 1] };
    let relaxation = if symmetric { 1.0 } else { 1.0 + 0.1 * (axes.clamp(1, 3) - 1) as f64 };
    // What a coarser grid cannot see is above this, of the 2 that bound all eigenvalues of D⁻¹A.
    let bounds = [1.0 / axes.max(1) as f64, 2.0];
    let weights = match smoother {
        Smoother::RedBlack => {
            for _ in 0..sweeps {
                for colour in colours {
                    if zero {
                        operator.relax_zero(colour, relaxation, f, u);
                        zero = false;
                    } else {
                        operator.relax(colour, relaxation, u, f, other)?;
                        std::mem::swap(u, other);
                    }
                }
            }
            return Ok(());
        }
        Smoother::Line => unreachable!("the axis was chosen when the levels were made"),
        Smoother::LineAlong(axis) => {
            if zero {
                u.fill_with(T::zero());
            }
            for _ in 0..sweeps {
                for colour in colours {
                    operator.solve_lines(axis, colour, u, f, other)?;
                    std::mem::swap(u, other);
                }
            }
            return Ok(());
        }
        Smoother::Jacobi => vec![[0.0, 2.0 / (bounds[0] + bounds[1])]; sweeps],
        Smoother::Chebyshev => chebyshev_weights(bounds, sweeps),
    };
    let d = step.get_or_insert_with(|| operator.grid.field("step"));
    for [memory, step] in weights {
        if zero {
            let step = T::nearest(step);
            operator.scale_by_diagonal(f, u, |_| move |_, f, diagonal| step * (f / diagonal));
            d.copy_from(u)?;
            zero = false;
        } else {
            operator.damped_step([memory, step], u, f, d, other)?;
            std::mem::swap(u, other);
        }
    }
    Ok(())
}
