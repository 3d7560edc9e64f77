//! Time stepping of one field: a stencil applied repeatedly.

use parhelion_kernels::{Blocking, Element, Pass, Pattern, Stencil, advance};

use super::{Block, BlockingChoice, passes};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::halo::HaloPlan;
use crate::stopwatch::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// Applies `stencil` to every component, `steps` times. The boundary conditions hold at each
    /// step, and the time advances by one time step each.
    ///
    /// Where that is faster, one pass over memory makes several steps after one exchange of a
    /// deeper halo; see [`set_blocking`](Self::set_blocking). While messages travel, points that
    /// need no halo are computed.
    ///
    /// The result has the same bits for any number of ranks and threads, and any blocking.
    /// Staggered points on walls that set their value have it at every step, whatever the stencil
    /// gives there.
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
    /// When the halo is thinner than the stencil's radius, `PARHELION_BLOCKING` or
    /// `PARHELION_CACHES` has no valid value, a boundary condition cannot be met, or a custom
    /// [`Stencil`] returns an error. The values are then unspecified.
    pub fn advance<S: Stencil<T, N>>(&mut self, stencil: &S, steps: usize) -> Result<()> {
        self.check_radius(S::RADIUS)?;
        let timing = self.grid().world().measure().start_on(Kind::Advance, self.name());
        self.grid().world().check_same("Field::advance", &(steps, S::RADIUS, S::PATTERN))?;
        let serves = self.halo_serves(S::RADIUS, S::PATTERN);
        let choice = self.choice(S::RADIUS);
        let (blocking, mut serves) = choice.agree(self.grid(), self.region_local().shape(), serves)?;
        let longest = passes(steps, blocking.levels).max().unwrap_or(1);
        for levels in passes(steps, blocking.levels) {
            self.pass(stencil, Blocking { levels, ..blocking }, longest, serves && longest == 1)?;
            serves = false;
        }
        timing.finish(self.values_local() * steps, 2 * size_of::<T>());
        Ok(())
    }

    /// Like [`advance`](Self::advance), but calls `hook` after every `every` steps and after the
    /// last one. The hook may read, write or change the field. Steps between its calls are blocked.
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
    /// As for [`advance`](Self::advance), and when `every` is 0. An error of the hook on any rank
    /// is returned on all ranks.
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
                    self.name()
                ),
            ));
        }
        let mut left = steps;
        while left > 0 {
            let now = left.min(every);
            self.advance(stencil, now)?;
            let world = self.grid().world().clone();
            world.agree(hook(self))?;
            left -= now;
        }
        Ok(())
    }

    /// Returns the blocking that this rank would use for a rule of this radius.
    ///
    /// # Errors
    /// When `PARHELION_BLOCKING` has no valid value.
    pub fn blocking(&self, radius: usize) -> Result<Blocking<N>> {
        self.choice(radius).propose(self.grid(), self.region_local().shape())
    }

    pub(crate) fn choice(&self, radius: usize) -> BlockingChoice<N> {
        // Both arrays pass through the cache.
        BlockingChoice { radius, constants: 0, bytes: 2 * size_of::<T>(), chosen: self.chosen_blocking() }
    }

    /// Makes the steps of one pass. The longest pass, of `longest` steps, decides how deep halos
    /// are; `serves` says that the halo is valid as it is.
    fn pass<S: Stencil<T, N>>(
        &mut self,
        stencil: &S,
        blocking: Blocking<N>,
        longest: usize,
        serves: bool,
    ) -> Result<()> {
        let grid = self.grid().clone();
        let block = Block::new(&grid, self.region_local(), S::RADIUS, self.wall_reach());
        self.deepen(block.in_memory(longest))?;
        self.prepare_spare();
        let run = |field: &mut &mut Self, pass: &Pass<N>, progress: &mut dyn FnMut()| {
            field.run(stencil, pass, progress)
        };
        let done = if serves {
            block.advance(None, &mut *self, blocking, run)
        } else {
            let pattern = if longest == 1 { S::PATTERN } else { Pattern::Box };
            let widths = block.exchanged(&grid, longest);
            HaloPlan::with_kept(&grid, &mut &mut *self, pattern, widths, |plan, field| {
                block.advance(Some(plan), &mut **field, blocking, run)
            })
        };
        match done {
            Ok(()) => self.finish_steps(blocking.levels),
            // The values are neither old nor new.
            Err(_) => self.invalidate_halo(),
        }
        done
    }

    fn run<S: Stencil<T, N>>(
        &mut self,
        stencil: &S,
        pass: &Pass<N>,
        progress: &mut dyn FnMut(),
    ) -> Result<()> {
        let (grid, interior) = (self.grid().clone(), self.region_local());
        for (even, odd, walls) in self.arrays_and_walls() {
            let arrays =
                [even.view_mut(), odd.expect("the second array is prepared before a pass").view_mut()];
            advance(grid.world().pool(), pass, stencil, arrays, &walls, interior, &mut *progress)
                .map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
        }
        Ok(())
    }
}
