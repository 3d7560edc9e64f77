//! Smoothing, and the order in which levels are visited.

use super::fused::{self, Order};
use super::hierarchy::{Level, NextLevel};
use super::{Cycle, MultigridBuilder, Smoother};
use crate::error::Result;
use crate::field::Field;
use crate::solvers::elliptic::matrix::Terms;
use crate::solvers::linear::Real;
use crate::solvers::linear::preconditioner::chebyshev_weights;

/// A field, in double precision, and by what to multiply the solution that is added to it.
pub(super) type Target<'a, const N: usize> = Option<(&'a mut Field<f64, N>, f64)>;

/// Solves the first level's system approximately, from `u = 0`. Where the last sweep can, it adds
/// the solution to the field of `into`, takes that, and leaves `u` as it was before.
pub(super) fn run<T: Real, const N: usize>(
    levels: &mut [Level<T, N>],
    settings: &MultigridBuilder,
    into: &mut Target<'_, N>,
) -> Result<()> {
    match settings.cycle {
        Cycle::Full => full(levels, settings, into),
        kind => cycle(levels, settings, kind, true, into),
    }
}

/// One cycle, from `u = 0` if that is what `zero` says.
fn cycle<T: Real, const N: usize>(
    levels: &mut [Level<T, N>],
    settings: &MultigridBuilder,
    kind: Cycle,
    zero: bool,
    into: &mut Target<'_, N>,
) -> Result<()> {
    let Some((level, rest)) = levels.split_first_mut() else { return Ok(()) };
    if matches!(level.next, NextLevel::Coarser(_)) {
        smooth_and_restrict(level, settings, zero, &mut rest[0].f)?;
    }
    match &level.next {
        NextLevel::Coarsest(direct) => direct.solve(&level.f, &mut level.u),
        NextLevel::OnFewerRanks { gather, scatter } => {
            gather.run(Some(&level.f), rest.first_mut().map(|level| &mut level.f), 1.0);
            cycle(rest, settings, kind, zero, &mut None)?;
            scatter.run(rest.first().map(|level| &level.u), Some(&mut level.u), 1.0);
        }
        NextLevel::Coarser(_) => {
            cycle(rest, settings, kind, true, &mut None)?;
            let again = match kind {
                _ if rest[0].coarsest => None,
                Cycle::W => Some(Cycle::W),
                Cycle::F => Some(Cycle::V),
                Cycle::V | Cycle::Full => None,
            };
            if let Some(kind) = again {
                cycle(rest, settings, kind, false, &mut None)?;
            }
            if let NextLevel::Coarser(transfer) = &level.next {
                transfer.add_interpolated(&mut rest[0].u, &mut level.u)?;
            }
            smooth(level, settings, settings.sweeps[1], false, true, into)?;
        }
    }
    Ok(())
}

/// Full multigrid: the coarse solution is the first iterate of a V-cycle on the level above.
fn full<T: Real, const N: usize>(
    levels: &mut [Level<T, N>],
    settings: &MultigridBuilder,
    into: &mut Target<'_, N>,
) -> Result<()> {
    let Some((level, rest)) = levels.split_first_mut() else { return Ok(()) };
    match &level.next {
        NextLevel::Coarsest(direct) => direct.solve(&level.f, &mut level.u),
        NextLevel::OnFewerRanks { gather, scatter } => {
            gather.run(Some(&level.f), rest.first_mut().map(|level| &mut level.f), 1.0);
            full(rest, settings, &mut None)?;
            scatter.run(rest.first().map(|level| &level.u), Some(&mut level.u), 1.0);
        }
        NextLevel::Coarser(transfer) => {
            transfer.restrict_right(&mut level.f, &mut rest[0].f)?;
            full(rest, settings, &mut None)?;
            transfer.interpolate(&mut rest[0].u, &mut level.u)?;
            cycle(levels, settings, Cycle::V, false, into)?;
        }
    }
    Ok(())
}

/// Sweeps before the coarse correction, and `coarse = R (f − A u)`.
fn smooth_and_restrict<T: Real, const N: usize>(
    level: &mut Level<T, N>,
    settings: &MultigridBuilder,
    zero: bool,
    coarse: &mut Field<T, N>,
) -> Result<()> {
    let (sweeps, order) = (settings.sweeps[0], order(level, false));
    // Restriction to nodes reads more than the residuals at hand.
    let of_cells = matches!(&level.next, NextLevel::Coarser(transfer) if transfer.is_of_cells());
    let constant = matches!(level.operator.terms, Terms::Separable(_));
    if zero && sweeps == 1 && constant && of_cells && fuses(level, settings) {
        return fused::sweep_and_restrict(level, order, coarse);
    }
    smooth(level, settings, sweeps, zero, false, &mut None)?;
    let NextLevel::Coarser(transfer) = &level.next else { return Ok(()) };
    transfer.restrict_residual(&level.operator, &mut level.u, &level.f, &mut level.other, coarse)
}

/// Whether red-black sweeps of this level are made in one pass.
fn fuses<T: Real, const N: usize>(level: &Level<T, N>, settings: &MultigridBuilder) -> bool {
    settings.fused && settings.smoother == Smoother::RedBlack && fused::worthwhile(level)
}

/// The order of Gauss–Seidel sweeps before, or `after`, the coarse correction.
///
/// With constant coefficients, red before black both times and with over-relaxation, which smooths
/// best (I. Yavneh, SIAM J. Sci. Comput. 17, 1996; the factor of a V(1,1) cycle in 3-D falls from
/// 0.38 to 0.08). With variable ones symmetric, so that energy cannot grow: black before red
/// afterwards, without over-relaxation.
fn order<T: Real, const N: usize>(level: &Level<T, N>, after: bool) -> Order {
    let symmetric = matches!(level.operator.terms, Terms::Faces(_));
    let relaxation = if symmetric { 1.0 } else { 1.0 + 0.1 * (axes(level).clamp(1, 3) - 1) as f64 };
    Order { colors: if after && symmetric { [1, 0] } else { [0, 1] }, relaxation }
}

/// The number of axes along which the next level is coarser.
fn axes<T: Real, const N: usize>(level: &Level<T, N>) -> usize {
    if let NextLevel::Coarser(transfer) = &level.next { transfer.axes_halved() } else { N }
}

/// Sweeps of the smoother before, or `after`, the coarse correction.
fn smooth<T: Real, const N: usize>(
    level: &mut Level<T, N>,
    settings: &MultigridBuilder,
    sweeps: usize,
    mut zero: bool,
    after: bool,
    into: &mut Target<'_, N>,
) -> Result<()> {
    let (order, axes) = (order(level, after), axes(level));
    if sweeps == 0 && zero {
        level.u.fill(T::zero());
    }
    if fuses(level, settings) {
        for left in (0..sweeps).rev() {
            match if left == 0 && !zero { into.take() } else { None } {
                Some((x, scale)) => fused::sweep_into(level, order, x, scale)?,
                None => fused::sweep(level, order, zero)?,
            }
            zero = false;
        }
        return Ok(());
    }
    let Level { operator, u, other, f, step, .. } = level;
    let other = other.get_or_insert_with(|| operator.grid.field("correction"));
    let Order { colors, relaxation } = order;
    // What a coarser grid cannot see is above this, of the 2 that bound all eigenvalues of D⁻¹A.
    let bounds = [1.0 / axes.max(1) as f64, 2.0];
    let weights = match settings.smoother {
        Smoother::RedBlack => {
            for _ in 0..sweeps {
                for color in colors {
                    if zero {
                        operator.relax_zero(color, relaxation, f, u);
                        zero = false;
                    } else {
                        operator.relax(color, relaxation, u, f, other)?;
                        std::mem::swap(u, other);
                    }
                }
            }
            return Ok(());
        }
        Smoother::Line => unreachable!("the axis was chosen when the levels were made"),
        Smoother::LineAlong(axis) => {
            if zero {
                u.fill(T::zero());
            }
            for _ in 0..sweeps {
                for color in colors {
                    operator.solve_lines(axis, color, u, f, other)?;
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
