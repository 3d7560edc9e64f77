//! Runge–Kutta schemes: time steps of several stages with one right-hand side.

mod clock;
mod fields;
mod march;
mod scheme;

use std::ops::ControlFlow;

use parhelion_kernels::{FacePoints, Point, PointOf, Points, Region, View, flux_stage, fold, stage};

use super::ConstantFields;
use crate::error::{Error, ErrorKind, Result};
use crate::grid::Grid;

use clock::Clock;
pub use fields::StagedFields;
pub use scheme::Scheme;

/// Progress of a [`RungeKutta`] run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Current time of the fields.
    pub time: f64,
    /// Number of steps made so far.
    pub steps: usize,
    /// Length of the last step.
    pub last_step: f64,
}

/// The largest rate of all points of this rank, as bits, which have the order of the numbers.
type LargestRate<'a, S, C, const N: usize, const K: usize> = Box<
    dyn Fn(&Grid<N>, Region<N>, [View<'_, <S as StagedFields<N, K>>::Number, N>; K], &C) -> Result<u64> + 'a,
>;

type Hook<'a, S> = Box<dyn FnMut(&mut S, Progress) -> Result<ControlFlow<()>> + 'a>;

/// A run of a Runge–Kutta scheme; made by [`Grid::runge_kutta`].
///
/// Set the step length with [`step`](Self::step), [`cfl`](Self::cfl) or both, and the end with
/// [`steps`](Self::steps), [`until`](Self::until) or both. Then start the run with
/// [`rule`](Self::rule) or [`fluxes`](Self::fluxes), which take the right-hand side.
#[must_use = "nothing is computed before `rule` or `fluxes`"]
pub struct RungeKutta<'a, S, C, const N: usize, const K: usize>
where
    S: StagedFields<N, K>,
{
    grid: Grid<N>,
    scheme: Scheme,
    fields: S,
    constants: C,
    clock: Clock,
    /// The Courant number, and the reduction for which it is the limit.
    cfl: Option<(f64, LargestRate<'a, S, C, N, K>)>,
    hook: Option<Hook<'a, S>>,
    /// Steps between two calls of the hook.
    every: Option<usize>,
}

impl<const N: usize> Grid<N> {
    /// Prepares a run of a Runge–Kutta scheme for `du/dt = L(u)`. The run starts at the current
    /// time of the fields and leaves them at its end time.
    ///
    /// `fields` is the result of [`Field::evolving`](crate::Field::evolving) or one of its
    /// variants, or an array of those. The rule receives one point, or an array of points.
    /// `constants` are fields that the rule only reads, as for [`evolve`](Self::evolve); `()` for
    /// none.
    ///
    /// Each stage is one sweep. It exchanges the halo, and computes points that do not need it
    /// while messages are in flight. Boundary conditions are evaluated at the time of the stage.
    /// The result has the same bits on any number of ranks and threads.
    ///
    /// ```
    /// use parhelion::prelude::*;
    /// use parhelion::stepping::Scheme;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([64]).extent([1.0]).periodic([true]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_with(|[x]| (6.283185307179586 * x).sin());
    /// // Diffusion: the mode decays by exp(−4π² t), or a little slower, with second-order differences.
    /// let progress = grid
    ///     .runge_kutta(Scheme::Rk4, u.star_evolving::<1>(), ())
    ///     .step(1e-4)
    ///     .until(0.01)
    ///     .rule(|u, ()| 4096.0 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>()))?;
    /// assert_eq!((progress.steps, u.time()), (100, 0.01));
    /// let amplitude = 2.0_f64.sqrt() * u.norm_l2();
    /// assert!((amplitude - 64.0_f64.sqrt() * (-0.01 * 39.478_f64).exp()).abs() < 2e-3);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn runge_kutta<'a, S, C, const K: usize>(
        &self,
        scheme: Scheme,
        fields: S,
        constants: C,
    ) -> RungeKutta<'a, S, C, N, K>
    where
        S: StagedFields<N, K>,
        C: ConstantFields<N>,
    {
        let grid = self.clone();
        let clock = Clock::default();
        RungeKutta { grid, scheme, fields, constants, clock, cfl: None, hook: None, every: None }
    }
}

impl<'a, S, C, const N: usize, const K: usize> RungeKutta<'a, S, C, N, K>
where
    S: StagedFields<N, K>,
    C: ConstantFields<N>,
{
    /// Sets the step length, in units of time. Together with [`cfl`](Self::cfl), it is the maximum
    /// step length.
    pub fn step(mut self, length: f64) -> Self {
        self.clock.length = Some(length);
        self
    }

    /// Sets the step length from a Courant number: `number` divided by the largest `rate` over all
    /// points, which a separate pass computes before each step. `rate(values, constants)` is the
    /// number of cells that a signal crosses per unit of time, summed over the axes:
    /// `(|v| + c) / spacing` for a fluid in one dimension. It receives the values of one point,
    /// without neighbors.
    ///
    /// A maximum does not depend on the order of its terms, so the step lengths are the same on any
    /// number of ranks and threads.
    pub fn cfl(
        mut self,
        number: f64,
        rate: impl for<'p> Fn(S::Rates, <C::Points as Points>::Point<'p>) -> f64 + Sync + 'a,
    ) -> Self {
        let largest =
            move |grid: &Grid<N>, region: Region<N>, values: [View<'_, S::Number, N>; K], constants: &C| {
                let largest = fold(
                    grid.world().pool(),
                    region,
                    (values.map(|values| values.reach::<0>()), constants.inputs()),
                    #[inline(always)]
                    |(values, constants): PointOf<'_, (Values<'_, S, N, K>, C::Inputs<'_>), N>| {
                        rate(
                            S::from_array(values.map(|value: Point<'_, S::Number, N, 0>| value.center())),
                            constants,
                        )
                    },
                    || 0,
                    |largest: &mut u64, _, rates| {
                        // NaN is larger than all numbers.
                        *largest = rates.iter().fold(*largest, |a, rate| a.max(rate.abs().to_bits()));
                    },
                );
                let parts = largest.map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
                Ok(parts.into_iter().max().unwrap_or(0))
            };
        self.cfl = Some((number, Box::new(largest)));
        self
    }

    /// Ends the run after `number` steps.
    pub fn steps(mut self, number: usize) -> Self {
        self.clock.most = Some(number);
        self
    }

    /// Ends the run exactly at `time`, with a shorter last step if necessary.
    pub fn until(mut self, time: f64) -> Self {
        self.clock.end = Some(time);
        self
    }

    /// Calls `hook` after every `number` steps, and at the end of the run. The hook may read and
    /// change the fields through [`Evolving::field_mut`](super::Evolving::field_mut). If it returns
    /// `Ok(ControlFlow::Break(()))` on any rank, the run ends on all ranks; an error on any rank
    /// also ends it on all ranks.
    ///
    /// A run has one hook: a later call of `every` or [`at`](Self::at) replaces it, and it is then
    /// called at the steps and times of both.
    pub fn every(
        mut self,
        number: usize,
        hook: impl FnMut(&mut S, Progress) -> Result<ControlFlow<()>> + 'a,
    ) -> Self {
        self.every = Some(number);
        self.hook = Some(Box::new(hook));
        self
    }

    /// Like [`every`](Self::every), but calls the hook at `times`, in strictly ascending order, and
    /// at the end of the run. The step before each of these times is shortened to end there
    /// exactly. Times outside the run are ignored.
    pub fn at(
        mut self,
        times: impl Into<Vec<f64>>,
        hook: impl FnMut(&mut S, Progress) -> Result<ControlFlow<()>> + 'a,
    ) -> Self {
        self.clock.stops = times.into();
        self.hook = Some(Box::new(hook));
        self
    }

    /// Runs the scheme with the right-hand side `rule(neighborhood, constants' neighborhood)`.
    ///
    /// # Collective
    /// Over all ranks, with the same rule and settings.
    ///
    /// # Errors
    /// When the step length or the end of the run is missing or invalid, a field belongs to another
    /// grid or does not have as many components as the rule, the fields differ in centering or
    /// time, the halo is thinner than a radius, a boundary condition cannot be met, a rate of
    /// [`cfl`](Self::cfl) is not finite, or the hook returns an error. The values are then
    /// unspecified.
    pub fn rule(
        self,
        rule: impl for<'p> Fn(<S::Staged as Points>::Point<'p>, <C::Points as Points>::Point<'p>) -> S::Rates
        + Sync,
    ) -> Result<Progress> {
        self.march(|grid, region, coefficients, arrays, constants, progress| {
            let inputs = (S::reaches(arrays.now), constants.inputs());
            stage(
                grid.world().pool(),
                region,
                coefficients,
                arrays,
                inputs,
                #[inline(always)]
                |(now, constants)| S::to_array(rule(now, constants)),
                progress,
            )
        })
    }

    /// Runs the scheme with a finite-volume right-hand side:
    /// `source(neighborhood, constants' neighborhood)` minus the divergence of
    /// `flux(axis, cells on both sides, constants on both sides)`, the numerical flux in the
    /// positive direction of `axis` through a face normal to it.
    ///
    /// Each face is computed once, except between the blocks of two threads or ranks, where both
    /// compute the same bits. On periodic grids, sums change only by the sources and by rounding. A
    /// flux rule of radius `R` reads `R` cells on either side; beyond walls it reads the halo.
    ///
    /// ```
    /// use parhelion::prelude::*;
    /// use parhelion::stepping::Scheme;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([100]).extent([1.0]).periodic([true]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_with(|[x]| if x < 0.5 { 1.0 } else { 0.0 });
    /// // Burgers' equation, with the flux of Engquist and Osher.
    /// grid.runge_kutta(Scheme::SspRk2, u.star_evolving::<1>(), ())
    ///     .cfl(0.5, |u, ()| u.abs() * 100.0)
    ///     .until(0.2)
    ///     .fluxes(
    ///         |_, u, ()| 0.5 * (u.left::<0>().max(0.0).powi(2) + u.right::<0>().min(0.0).powi(2)),
    ///         |_, ()| 0.0,
    ///     )?;
    /// assert!((u.sum() - 50.0).abs() < 1e-12);
    /// assert!(u.probe([55])? > 0.9 && u.probe([65])? < 0.1); // the shock has moved by 0.1
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same rules and settings.
    ///
    /// # Errors
    /// As for [`rule`](Self::rule), and when an axis is stretched.
    pub fn fluxes(
        self,
        flux: impl for<'p> Fn(
            usize,
            <S::Staged as FacePoints>::Faces<'p>,
            <C::Points as FacePoints>::Faces<'p>,
        ) -> S::Rates
        + Sync,
        source: impl for<'p> Fn(<S::Staged as Points>::Point<'p>, <C::Points as Points>::Point<'p>) -> S::Rates
        + Sync,
    ) -> Result<Progress>
    where
        C::Points: FacePoints,
    {
        self.grid.require_uniform("fluxes")?;
        self.march(|grid, region, coefficients, arrays, constants, progress| {
            let inputs = (S::reaches(arrays.now), constants.inputs());
            flux_stage(
                grid.world().pool(),
                region,
                coefficients,
                arrays,
                inputs,
                grid.spacing(),
                #[inline(always)]
                |axis, (now, constants)| S::to_array(flux(axis, now, constants)),
                #[inline(always)]
                |(now, constants)| S::to_array(source(now, constants)),
                progress,
            )
        })
    }
}

/// The values of `K` equations as inputs of a rule that reads one point.
type Values<'k, S, const N: usize, const K: usize> =
    [parhelion_kernels::Reach<'k, <S as StagedFields<N, K>>::Number, N, 0>; K];
