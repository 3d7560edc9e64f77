//! The loop over the steps and stages of a run.

use std::ops::ControlFlow;

use parhelion_kernels::{Blocking, KernelError, Linear, Region, Stage, StageArrays};

use super::fields::{StageSets, StagedFields, views, views_mut};
use super::scheme::StageOf;
use super::{Progress, RungeKutta};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::Grid;
use crate::halo::HaloPlan;
use crate::stepping::states::Previous;
use crate::stepping::{Block, ConstantFields};
use crate::stopwatch::Kind;

/// The fields of a scheme beside the user's.
struct Work<T: Linear, const N: usize> {
    /// Sets 1, 2 and so on.
    sets: Vec<Vec<Field<T, N>>>,
    register: Option<Vec<Field<T, N>>>,
}

impl<S, C, const N: usize, const K: usize> RungeKutta<'_, S, C, N, K>
where
    S: StagedFields<N, K>,
    C: ConstantFields<N>,
{
    /// Runs the scheme. `make(grid, region, coefficients, arrays, constants, progress)` makes a stage
    /// in a region, and calls `progress` now and then.
    pub(super) fn march(
        mut self,
        make: impl Fn(
            &Grid<N>,
            Region<N>,
            Stage,
            StageArrays<'_, S::Number, N, K>,
            &C,
            &mut dyn FnMut(),
        ) -> std::result::Result<(), KernelError>,
    ) -> Result<Progress> {
        let grid = self.grid.clone();
        let timing = grid.world().measure().start(Kind::Advance);
        let block = self.start()?;
        let mut work = self.work();
        let mut progress = Progress { time: self.clock.time, steps: 0, last_step: 0.0 };
        while self.clock.runs() {
            let limit = self.limit(&block)?;
            let step = self.clock.next(limit)?;
            for stage in self.scheme.stages() {
                let time = progress.time + stage.time * step.length;
                self.stage(&block, &mut work, stage, time, step.length, &make)?;
            }
            self.finish(&mut work, step.end, step.length);
            self.clock.tick(step);
            progress = Progress { time: step.end, steps: self.clock.steps, last_step: step.length };
            if self.call_hook(&mut work, progress, step.stops)?.is_break() {
                break;
            }
        }
        let stages = self.scheme.stages().len();
        timing.finish(block.interior.len() * progress.steps * stages, S::BYTES + C::BYTES);
        Ok(progress)
    }

    /// Checks fields and settings and prepares the constants.
    fn start(&mut self) -> Result<Block<N>> {
        let (grid, mut first) = (self.grid.clone(), None);
        let settings = (self.scheme, S::RADIUS, S::PATTERN, self.every, self.cfl.is_some());
        grid.world().check_same("Grid::runge_kutta", &settings)?;
        self.fields.each(&mut |field| {
            if field.has_points() {
                return Err(Error::on_all_ranks(
                    ErrorKind::Argument,
                    "sources and receivers act on steps of Grid::evolve and Grid::leapfrog, not of Runge–Kutta schemes; leave out with_sources and with_receivers",
                ));
            }
            field.check(&grid, S::RADIUS, Previous::Refused)
        })?;
        let mut fields = self.fields.fields();
        for field in &mut fields {
            let now = (field.centering(), field.time());
            let first = *first.get_or_insert(now);
            if now != first {
                return Err(Error::on_all_ranks(
                    ErrorKind::Argument,
                    format!(
                        "fields that advance together must have one centering and one time, but got {first:?} and {now:?}"
                    ),
                ));
            }
            field.set_walls();
            field.invalidate_halo();
        }
        let Some((centering, time)) = first else {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                "a run needs at least one field".to_owned(),
            ));
        };
        if self.every == Some(0)
            || self.cfl.as_ref().is_some_and(|(number, _)| !(*number > 0.0 && number.is_finite()))
        {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                "a hook is called every 1 or more steps, and a CFL number is positive".to_owned(),
            ));
        }
        self.clock.start(time, self.cfl.is_some())?;
        let interior = Region::from_shape(grid.region_global(centering).shape());
        self.constants.prepare(&grid, interior, 0)?;
        let mut wall_reach = [0; N];
        for field in self.fields.fields() {
            let reach = field.wall_reach();
            wall_reach = std::array::from_fn(|a| reach[a].max(wall_reach[a]));
        }
        Ok(Block::new(&grid, interior, S::RADIUS, wall_reach))
    }

    fn work(&mut self) -> Work<S::Number, N> {
        let fields = self.fields.fields();
        let set = || fields.iter().map(|field| field.alike()).collect();
        let sets = (1..self.scheme.sets()).map(|_| set()).collect();
        Work { sets, register: self.scheme.has_register().then(set) }
    }

    /// The longest step that the CFL number allows.
    fn limit(&mut self, block: &Block<N>) -> Result<Option<f64>> {
        self.constants.set_clock((self.clock.time, 0.0, self.clock.steps as u64));
        let Some((number, largest)) = &self.cfl else { return Ok(None) };
        let world = self.grid.world();
        let set = self.fields.fields();
        let largest = world.agree(largest(&self.grid, block.interior, views(&set), &self.constants))?;
        // The maximum over all ranks is the complement of the minimum of the complements.
        let mut least = [!largest];
        world.all_min(&mut least);
        let rate = f64::from_bits(!least[0]);
        if rate.is_finite() {
            return Ok(Some(number / rate));
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "the largest signal rate after {} steps, at time {}, is {rate}; the values are not finite any more, or the rule \
                 for the rate divides by 0",
                self.clock.steps, self.clock.time
            ),
        ))
    }

    fn stage(
        &mut self,
        block: &Block<N>,
        work: &mut Work<S::Number, N>,
        stage: &StageOf,
        time: f64,
        length: f64,
        make: &impl Fn(
            &Grid<N>,
            Region<N>,
            Stage,
            StageArrays<'_, S::Number, N, K>,
            &C,
            &mut dyn FnMut(),
        ) -> std::result::Result<(), KernelError>,
    ) -> Result<()> {
        let steps = self.clock.steps as u64;
        let Self { grid, fields, constants, .. } = self;
        let mut sets: Vec<_> = work.sets.iter_mut().map(|set| Some(set.iter_mut().collect())).collect();
        sets.insert(0, Some(fields.fields()));
        let mut take = |set: usize| sets[set].take().expect("no stage uses a set twice");
        let (mut now, output) = (take(stage.now), take(stage.output));
        let start = (stage.coefficients.start != 0.0 && stage.output != 0).then(|| take(0));
        let register = work.register.as_mut().map(|set| set.iter_mut().collect());
        now.iter_mut().for_each(|field| field.set_now(time, length));
        // The time of a context is that of the stage.
        constants.set_clock((time, 0.0, steps));
        let mut sets = StageSets { now, output, start, register };
        let coefficients = Stage {
            gain: stage.coefficients.gain * length,
            rate: stage.coefficients.rate * length,
            ..stage.coefficients
        };
        let widths = block.exchanged(grid, 1);
        HaloPlan::with_kept(grid, &mut sets, S::PATTERN, widths, |plan, sets| {
            block.advance(Some(plan), crate::halo::Borrowed(sets), Blocking::PLAIN, |sets, pass, progress| {
                let StageSets { now, output, start, register } = &mut *sets.0;
                let arrays = StageArrays {
                    output: views_mut(output),
                    start: start.as_ref().map(|set| views(set)),
                    now: views(now),
                    register: register.as_mut().map(|set| views_mut(set)),
                };
                make(grid, pass.cells(*pass.levels().start()), coefficients, arrays, constants, progress)
                    .map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))
            })
        })
    }

    /// Moves the values of the last stage to the user's fields.
    fn finish(&mut self, work: &mut Work<S::Number, N>, time: f64, length: f64) {
        let last = self.scheme.stages().last().map_or(0, |stage| stage.output);
        for (number, field) in self.fields.fields().into_iter().enumerate() {
            if last > 0 {
                field.swap(&mut work.sets[last - 1][number]).expect("the sets have the same points");
            }
            field.set_now(time, length);
            field.invalidate_halo();
            field.set_walls();
        }
    }

    /// Calls the hook if it is due. Breaks on all ranks if any rank wants to.
    fn call_hook(
        &mut self,
        work: &mut Work<S::Number, N>,
        progress: Progress,
        stop: bool,
    ) -> Result<ControlFlow<()>> {
        let due = self.every.is_some_and(|every| progress.steps.is_multiple_of(every))
            || stop
            || !self.clock.runs();
        let Some(hook) = self.hook.as_mut().filter(|_| due) else { return Ok(ControlFlow::Continue(())) };
        let world = self.grid.world();
        let flow = world.agree(hook(&mut self.fields, progress))?;
        // The hook may have changed the walls.
        for (number, field) in self.fields.fields().into_iter().enumerate() {
            field.set_walls();
            work.sets.iter_mut().for_each(|set| set[number].become_level_of(field));
        }
        let mut goes_on = [u64::from(flow.is_continue())];
        world.all_min(&mut goes_on);
        Ok(if goes_on[0] == 1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }
}
