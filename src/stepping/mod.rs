//! Time stepping: several steps between two exchanges, and in one pass over memory.

mod advance;
mod alternate;
mod blocking;
mod constants;
mod evolve;
mod evolving;
mod points;
mod runge_kutta;
mod runtime;
mod states;
mod tuning;

use parhelion_kernels::{Pass, Region};

pub(crate) use blocking::BlockingChoice;
pub use constants::{Constant, ConstantComponents, ConstantContext, ConstantFields};
pub use evolving::{Evolving, EvolvingComponents};
pub use parhelion_kernels::{Blocking, Caches};
pub use points::{Receivers, Sources};
pub use runge_kutta::{Progress, RungeKutta, Scheme, StagedFields};
pub use states::{EvolvingFields, EvolvingMember};

use crate::error::Result;
use crate::grid::Grid;
use crate::halo::{HaloFields, HaloPlan};

/// Number of tiles along axis 0 into which a single step is cut while messages travel. MPI can
/// progress between two of them.
const TILES_WHILE_WAITING: usize = 16;

/// The properties of a block that time stepping needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<const N: usize> {
    /// The block's points, in the local frame.
    interior: Region<N>,
    /// Sides without a wall.
    open: [[bool; 2]; N],
    /// Sides on which another rank's points follow.
    remote: [[bool; 2]; N],
    /// Radius of the rule.
    radius: usize,
    /// For each axis, the number of outermost points that the halo beyond walls depends on.
    wall_reach: [usize; N],
}

impl<const N: usize> Block<N> {
    pub(crate) fn new(grid: &Grid<N>, interior: Region<N>, radius: usize, wall_reach: [usize; N]) -> Self {
        let (open, remote) = (grid.topology().open_sides(), grid.topology().remote_sides());
        Self { interior, open, remote, radius, wall_reach }
    }

    /// Halo widths that an exchange must fill for `levels` steps, where there is no wall; the same
    /// on all ranks.
    pub(crate) fn exchanged(&self, grid: &Grid<N>, levels: usize) -> [[usize; 2]; N] {
        if levels == 1 { grid.halo_to(self.radius) } else { [[levels * self.radius; 2]; N] }
    }

    /// Halo widths that this block needs in memory for `levels` steps. Beyond walls the halo of one
    /// step is enough.
    pub(crate) fn in_memory(&self, levels: usize) -> [[usize; 2]; N] {
        self.open.map(|sides| sides.map(|open| if open { levels * self.radius } else { self.radius }))
    }

    /// All steps. The first also computes halo points, and each further step fewer of them.
    fn all(&self, blocking: Blocking<N>) -> Pass<N> {
        let more = (blocking.levels - 1) * self.radius;
        let first = self.interior.grown(self.open.map(|sides| sides.map(|open| if open { more } else { 0 })));
        Pass::new(first, self.open, self.radius, blocking).with_reach(self.wall_reach)
    }

    /// The part of these steps that needs no halo points from other ranks.
    fn core(&self, blocking: Blocking<N>) -> Pass<N> {
        let without = self.remote.map(|sides| sides.map(|remote| if remote { self.radius } else { 0 }));
        let more = (blocking.levels - 1) * self.radius;
        let width = |a: usize, side: usize| {
            if self.open[a][side] && !self.remote[a][side] { more } else { 0 }
        };
        let first = self.interior.shrunk(without);
        let first = first.grown(std::array::from_fn(|a| [0, 1].map(|side| width(a, side))));
        let mut blocking = blocking;
        if blocking.levels == 1 {
            blocking.tile[0] = self.interior.shape()[0].div_ceil(TILES_WHILE_WAITING);
        }
        Pass::new(first, self.open, self.radius, blocking).with_reach(self.wall_reach)
    }

    /// Advances the points by the levels of `blocking`, after an exchange by `plan` if the halo
    /// needs one. `run(fields, pass, progress)` makes a pass and calls `progress` now and then.
    ///
    /// While messages travel, the core advances by all levels. Then the frame around it advances
    /// level by level. Two arrays suffice for that, because at every level the core's outermost
    /// cells keep their value of that level: the next level of the core overwrites only cells that
    /// are farther inside by the radius.
    pub(crate) fn advance<F: HaloFields<N>>(
        &self,
        plan: Option<&mut HaloPlan<N>>,
        mut fields: F,
        blocking: Blocking<N>,
        mut run: impl FnMut(&mut F, &Pass<N>, &mut dyn FnMut()) -> Result<()>,
    ) -> Result<()> {
        let all = self.all(blocking);
        let Some(plan) = plan else { return run(&mut fields, &all, &mut || ()) };
        let core = self.core(blocking);
        // The core has all of the points that a wall reads.
        let thick = core.cells(blocking.levels).shape();
        let overlaps = plan.has_messages() && (0..N).all(|a| thick[a] >= self.wall_reach[a].max(1));
        let mut exchange = plan.start(fields)?;
        if !overlaps {
            return exchange.finish_with(|fields| run(fields, &all, &mut || ()));
        }
        exchange.overlapped(|fields, progress| run(fields, &core, progress))?;
        exchange.finish_with(|fields| {
            for level in all.levels() {
                for shell in all.cells(level).shells(&core.cells(level)) {
                    let pass = Pass::single(shell, self.radius, level, blocking.levels);
                    run(fields, &pass.with_reach(self.wall_reach), &mut || ())?;
                }
            }
            Ok(())
        })
    }
}

/// Cuts `steps` into passes of at most `levels` steps, as even as possible.
pub(crate) fn passes(steps: usize, levels: usize) -> impl Iterator<Item = usize> {
    let count = steps.div_ceil(levels);
    (0..count).map(move |pass| (pass + 1) * steps / count - pass * steps / count)
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn passes_add_up_to_the_steps_and_none_is_too_long() {
        for (steps, levels) in [(0, 3), (1, 4), (7, 3), (12, 6), (13, 6), (5, 1)] {
            let lengths: Vec<_> = passes(steps, levels).collect();
            assert_eq!(lengths.iter().sum::<usize>(), steps);
            assert!(lengths.iter().all(|&length| (1..=levels).contains(&length)), "{lengths:?}");
            assert_eq!(lengths.len(), steps.div_ceil(levels));
        }
    }
}
