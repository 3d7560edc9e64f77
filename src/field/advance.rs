//! Time stepping: a stencil applied again and again.

use parhelion_kernels::{Blocking, Element, Pass, Pattern, Stencil, advance};

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::halo::HaloPlan;
use crate::measure::Kind;
use crate::stepping::{Block, BlockingChoice, passes};

impl<T: Element, const N: usize> Field<T, N> {
    /// Applies `stencil` to every component, `steps` times, and meets the boundary conditions at each step. The time
    /// moves on by one step each.
    ///
    /// Several steps are made in one pass over memory, with one exchange of a halo as much deeper, where that is faster:
    /// see [`set_blocking`](Self::set_blocking). While messages are under way, what needs none of them is computed.
    ///
    /// The result has the same bits for any number of ranks and threads, and any blocking. (Staggered points that lie on
    /// walls of given value are set when the halo is next filled.)
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([32]).periodic([true]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_indexed(|[i]| if i == 16 { 1.0 } else { 0.0 });
    /// let heat = star_stencil::<f64, 1, 1>(|u| u.center() + 0.25 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>()));
    /// u.advance(&heat, 2)?;
    /// assert_eq!(u.probe([16])?, 0.375);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same stencil and number of steps.
    ///
    /// # Errors
    /// When the halo is thinner than the stencil's radius, `PARHELION_BLOCKING` or `PARHELION_CACHES` has no sensible value,
    /// a boundary condition cannot be met, or a [`Stencil`] of one's own returns an error: then the values are
    /// unspecified.
    pub fn advance<S: Stencil<T, N>>(&mut self, stencil: &S, steps: usize) -> Result<()> {
        self.check_radius(S::RADIUS)?;
        let timing = self.grid.world().measure().start_on(Kind::Advance, &self.name);
        self.grid.world().check_same("Field::advance", &(steps, S::RADIUS, S::PATTERN))?;
        let serves = self.halo_serves(S::RADIUS, S::PATTERN);
        let choice = self.choice(S::RADIUS);
        let (blocking, mut serves) = choice.agree(&self.grid, self.region_local().shape(), serves)?;
        let longest = passes(steps, blocking.levels).max().unwrap_or(1);
        for levels in passes(steps, blocking.levels) {
            self.pass(stencil, Blocking { levels, ..blocking }, longest, serves && longest == 1)?;
            serves = false;
        }
        timing.finish(self.values_local() * steps, 2 * size_of::<T>());
        Ok(())
    }

    /// As [`advance`](Self::advance), and calls `hook` after every `every` steps and after the last one: to look
    /// at the field, write it, or change it. Steps are blocked between its calls.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([32]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.set_time(0.0, 0.5);
    /// let decay = star_stencil::<f64, 1, 0>(|u| 0.5 * u.center());
    /// let mut times = Vec::new();
    /// u.advance_every(&decay, 10, 4, |u| Ok(times.push(u.time())))?;
    /// assert_eq!(times, [2.0, 4.0, 5.0]);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same stencil and numbers.
    ///
    /// # Errors
    /// As [`advance`](Self::advance); when `every` is 0; and the first error of the hook on any rank, on all ranks.
    pub fn advance_every<S: Stencil<T, N>>(
        &mut self,
        stencil: &S,
        steps: usize,
        every: usize,
        mut hook: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if every == 0 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "the hook of field '{}' was to be called every 0 steps; at least 1 is needed",
                    self.name
                ),
            ));
        }
        let mut left = steps;
        while left > 0 {
            let now = left.min(every);
            self.advance(stencil, now)?;
            let world = self.grid.world().clone();
            world.agree(hook(self))?;
            left -= now;
        }
        Ok(())
    }

    /// Chooses how many steps one pass makes, and in which tiles; `None` leaves it to the library (or to the environment
    /// variable `PARHELION_BLOCKING`: `auto`, `plain` or a number of steps). The result does not depend on it.
    ///
    /// Ranks may choose different tiles; of different numbers of steps the least is used, and none that needs more
    /// halo than the next block has points.
    pub fn set_blocking(&mut self, blocking: Option<Blocking<N>>) {
        self.blocking = blocking;
    }

    /// How this rank would block steps of a rule of this radius.
    ///
    /// # Errors
    /// When `PARHELION_BLOCKING` has no sensible value.
    pub fn blocking(&self, radius: usize) -> Result<Blocking<N>> {
        self.choice(radius).wish(&self.grid, self.region_local().shape())
    }

    /// What [`set_blocking`](Self::set_blocking) was told.
    pub(crate) fn chosen_blocking(&self) -> Option<Blocking<N>> {
        self.blocking
    }

    pub(crate) fn choice(&self, radius: usize) -> BlockingChoice<N> {
        // Both arrays pass through the cache.
        BlockingChoice { radius, constants: 0, bytes: 2 * size_of::<T>(), given: self.blocking }
    }

    /// # Errors
    /// When the grid's halo is thinner than `radius`.
    pub(crate) fn check_radius(&self, radius: usize) -> Result<()> {
        let halo = self.grid.halo();
        let Some(a) = (0..N).find(|&a| halo[a][0].min(halo[a][1]) < radius) else { return Ok(()) };
        Err(Error::on_all_ranks(
            ErrorKind::Geometry,
            format!(
                "a stencil of radius {radius} cannot be applied to field '{}': its halo on axis {a} is {:?}; build the grid \
                 with halo({radius})",
                self.name(),
                halo[a],
            ),
        ))
    }

    /// Makes the steps of one pass, the `longest` of which decides about halos; `serves` says that the halo serves as it is.
    fn pass<S: Stencil<T, N>>(
        &mut self,
        stencil: &S,
        blocking: Blocking<N>,
        longest: usize,
        serves: bool,
    ) -> Result<()> {
        let grid = self.grid.clone();
        let block = Block::new(&grid, self.layout.interior(), S::RADIUS);
        self.deepen(block.in_memory(longest))?;
        self.prepare_spare();
        let mut plan = None;
        if !serves {
            let pattern = if longest == 1 { S::PATTERN } else { Pattern::Box };
            plan = Some(HaloPlan::take(&grid, &mut &mut *self, pattern, block.exchanged(&grid, longest))?);
        }
        let done = block.bring_forward(plan.as_mut(), &mut *self, blocking, |field, pass, here| {
            field.run(stencil, pass, here)
        });
        if let Some(plan) = plan {
            plan.give_back(&mut &mut *self);
        }
        match done {
            Ok(()) => self.finish_steps(blocking.levels),
            // The values are neither old nor new.
            Err(_) => self.invalidate_halo(),
        }
        done
    }

    fn run<S: Stencil<T, N>>(&mut self, stencil: &S, pass: &Pass<N>, here: &mut dyn FnMut()) -> Result<()> {
        let (walls, interior) = (self.surroundings(), self.layout.interior());
        let pool = self.grid.world().pool();
        for ((even, odd), conditions) in self.components.iter_mut().zip(&mut self.spare).zip(&self.boundaries)
        {
            let arrays = [even.view_mut(), odd.view_mut()];
            advance(pool, pass, stencil, arrays, &walls.of(conditions), interior, &mut *here)
                .map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
        }
        Ok(())
    }
}
