//! Choosing the blocking of steps by measurement.

use std::time::{Duration, Instant};

use parhelion_kernels::{Blocking, Element, Stencil};

use crate::{Field, Result};

/// A candidate is stepped for at least so long, so that clocks and wake-ups do not count.
const SHORTEST: Duration = Duration::from_millis(50);

impl<T: Element, const N: usize> Field<T, N> {
    /// Finds the fastest blocking of steps of `stencil` by trying some around the library's own choice, on a copy of
    /// component 0, and sets it; the values stay. It takes as long as some hundred steps (so that a rule that overflows
    /// after so many may time differently, or panic for integers), and memory for three components with deep halos.
    ///
    /// The choice can be printed, saved, and given to a later run:
    ///
    /// ```
    /// use parhelion::Blocking;
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
        let choice = self.choice(S::RADIUS);
        let (wish, _) = choice.agree(self.grid(), self.region_local().shape(), false)?;
        let most = choice.most_levels(self.grid());
        let mut best = (trial.seconds_per_step(stencil, Blocking::PLAIN)?, Blocking::PLAIN);
        let mut attempt = |candidate: Blocking<N>, best: &mut (f64, Blocking<N>)| -> Result<()> {
            let seconds = trial.seconds_per_step(stencil, candidate)?;
            if seconds < best.0 {
                *best = (seconds, candidate);
            }
            Ok(())
        };
        let start = if wish.levels > 1 { wish } else { first_try() };
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
            let cells = around.tile[axis].min(self.region_local().shape()[axis]);
            for cells in [cells / 2, cells * 3 / 4, cells * 3 / 2, cells * 2] {
                let mut candidate = around;
                candidate.tile[axis] = cells.max(1);
                if around.levels > 1 {
                    attempt(candidate, &mut best)?;
                }
            }
        }
        self.set_blocking(Some(best.1));
        Ok(best.1)
    }

    /// Seconds on the slowest rank, so that all ranks choose alike.
    fn seconds_per_step<S: Stencil<T, N>>(&mut self, stencil: &S, blocking: Blocking<N>) -> Result<f64> {
        self.set_blocking(Some(blocking));
        self.advance(stencil, blocking.levels)?;
        let world = self.grid().world().clone();
        let mut steps = blocking.levels;
        loop {
            world.barrier();
            let start = Instant::now();
            self.advance(stencil, steps)?;
            // The largest time is the complement of the smallest complement.
            let mut slowest = [!u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)];
            world.all_min(&mut slowest);
            let elapsed = Duration::from_nanos(!slowest[0]);
            if elapsed >= SHORTEST {
                return Ok(elapsed.as_secs_f64() / steps as f64);
            }
            steps *= 2;
        }
    }
}

/// Where the library would not block, a blocking all the same.
fn first_try<const N: usize>() -> Blocking<N> {
    let mut tile = [usize::MAX; N];
    tile[0] = if N == 1 { 1024 } else { 1 };
    if N > 2 {
        tile[1] = 16;
    }
    Blocking { levels: 4, tile }
}
