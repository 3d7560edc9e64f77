//! Choosing the blocking of steps by measurement.

use std::time::{Duration, Instant};

use parhelion_kernels::{Blocking, Element, Stencil};

use super::BlockingChoice;
use crate::error::Result;
use crate::field::Field;
use crate::grid::{Centering, Grid};
use crate::world::World;

/// Shortest time for which a candidate is measured, so that clock resolution and wake-ups are
/// negligible.
const SHORTEST: Duration = Duration::from_millis(50);

impl<T: Element, const N: usize> Field<T, N> {
    /// Measures blockings of `stencil` around the library's choice, on a copy of component 0, and
    /// sets the fastest. The values of the field do not change. It takes as long as some hundred
    /// steps, and needs memory for three components with deep halos. (A rule that overflows within
    /// that number of steps may run at a different speed, or panic for integers.)
    ///
    /// The result can be printed, saved, and used by a later run:
    ///
    /// ```
    /// use parhelion::stepping::Blocking;
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([64, 64]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// let mean = star_stencil::<f64, 2, 1>(|u| 0.5 * (u.at::<-1, 0>() + u.at::<0, 1>()));
    /// let blocking = u.tune_blocking(&mean)?;
    /// let saved = blocking.to_string();                      // for instance "6 x 1,16"
    /// let again: Blocking<2> = saved.parse().map_err(parhelion::Error::other)?;
    /// u.set_blocking(Some(again));
    /// # assert_eq!(again, blocking);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same stencil; ranks may get different tiles.
    ///
    /// # Errors
    /// As for [`advance`](Self::advance).
    pub fn tune_blocking<S: Stencil<T, N>>(&mut self, stencil: &S) -> Result<Blocking<N>> {
        self.check_radius(S::RADIUS)?;
        let mut trial = self.copy_of_first_component();
        let best =
            tune(self.grid(), self.choice(S::RADIUS), self.region_local().shape(), |blocking, steps| {
                trial.set_blocking(Some(blocking));
                trial.advance(stencil, steps)
            })?;
        self.set_blocking(Some(best));
        Ok(best)
    }
}

impl<const N: usize> Grid<N> {
    /// Returns the blocking that this rank would use for a rule of this radius. `bytes` is the size
    /// of a cell in all arrays that a step reads or writes: 3 · 4 for a wave of `f32` with its
    /// previous level and a speed.
    ///
    /// # Errors
    /// When `PARHELION_BLOCKING` has no valid value.
    pub fn blocking(&self, radius: usize, bytes: usize) -> Result<Blocking<N>> {
        BlockingChoice { radius, constants: 0, bytes, chosen: None }
            .propose(self, self.region_global(Centering::Cell).shape())
    }

    /// Finds the fastest blocking for steps of any kind, as [`Field::tune_blocking`] does for one
    /// field.
    ///
    /// `steps(blocking, n)` makes `n` steps with that blocking. Some hundred steps are made, which
    /// change the fields. `radius` and `bytes` are as for [`blocking`](Self::blocking), where the
    /// search starts.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([200, 200]).build(&world)?;
    /// let (mut u, mut before) = (grid.field::<f64>("u"), grid.field::<f64>("u"));
    /// let wave = |before, u: StarPoint<'_, f64, 2, 1>, ()| {
    ///     let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
    ///     2.0 * u.center() - before + 0.2 * (around - 4.0 * u.center())
    /// };
    /// let blocking = grid.tune_blocking(1, 2 * size_of::<f64>(), |blocking, steps| {
    ///     u.set_blocking(Some(blocking));
    ///     grid.leapfrog(u.star_evolving::<1>().with_previous(&mut before), (), steps, wave)
    /// })?;
    /// u.set_blocking(Some(blocking));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same numbers; ranks may get different tiles.
    ///
    /// # Errors
    /// As for [`blocking`](Self::blocking). An error of `steps` on any rank is returned on all
    /// ranks.
    pub fn tune_blocking(
        &self,
        radius: usize,
        bytes: usize,
        steps: impl FnMut(Blocking<N>, usize) -> Result<()>,
    ) -> Result<Blocking<N>> {
        tune(
            self,
            BlockingChoice { radius, constants: 0, bytes, chosen: None },
            self.region_global(Centering::Cell).shape(),
            steps,
        )
    }
}

/// The fastest of some blockings around that of `choice`, for a block of `shape`.
fn tune<const N: usize>(
    grid: &Grid<N>,
    choice: BlockingChoice<N>,
    shape: [usize; N],
    mut steps: impl FnMut(Blocking<N>, usize) -> Result<()>,
) -> Result<Blocking<N>> {
    let (proposal, _) = choice.agree(grid, shape, false)?;
    let most = choice.most_levels(grid);
    let world = grid.world();
    let mut seconds = |blocking| seconds_per_step(world, blocking, &mut steps);
    let mut best = (seconds(Blocking::PLAIN)?, Blocking::PLAIN);
    let mut attempt = |candidate: Blocking<N>, best: &mut (f64, Blocking<N>)| -> Result<()> {
        let seconds = seconds(candidate)?;
        if seconds < best.0 {
            *best = (seconds, candidate);
        }
        Ok(())
    };
    let start = if proposal.levels > 1 { proposal } else { first_try() };
    let mut tried = Vec::new();
    for levels in [start.levels / 2, start.levels, start.levels * 3 / 2, start.levels * 2] {
        let levels = levels.clamp(1, most);
        if levels > 1 && !tried.contains(&levels) {
            tried.push(levels);
            attempt(Blocking { levels, ..start }, &mut best)?;
        }
    }
    // Axis by axis, thinner and thicker tiles than the best so far.
    for axis in (0..N).filter(|&axis| axis > 0 || N == 1) {
        let around = best.1;
        let cells = around.tile[axis].min(shape[axis]);
        for cells in [cells / 2, cells * 3 / 4, cells * 3 / 2, cells * 2] {
            let mut candidate = around;
            candidate.tile[axis] = cells.max(1);
            if around.levels > 1 {
                attempt(candidate, &mut best)?;
            }
        }
    }
    Ok(best.1)
}

/// Seconds on the slowest rank, so that all ranks make the same choice.
fn seconds_per_step<const N: usize>(
    world: &World,
    blocking: Blocking<N>,
    steps: &mut impl FnMut(Blocking<N>, usize) -> Result<()>,
) -> Result<f64> {
    world.agree(steps(blocking, blocking.levels))?;
    let mut number = blocking.levels;
    loop {
        world.barrier();
        let start = Instant::now();
        world.agree(steps(blocking, number))?;
        // The maximum over all ranks is the complement of the minimum of the complements.
        let mut slowest = [!u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)];
        world.all_min(&mut slowest);
        let elapsed = Duration::from_nanos(!slowest[0]);
        if elapsed >= SHORTEST {
            return Ok(elapsed.as_secs_f64() / number as f64);
        }
        number *= 2;
    }
}

/// The blocking to start from where the library would not block.
fn first_try<const N: usize>() -> Blocking<N> {
    let mut tile = [usize::MAX; N];
    tile[0] = if N == 1 { 1024 } else { 1 };
    if N > 2 {
        tile[1] = 16;
    }
    Blocking { levels: 4, tile }
}
