//! Temporal blocking: several steps of an explicit update in one pass over memory.

mod advance;
mod caches;
mod evolve;
mod model;
mod pass;
mod prefetch;
mod runtime;
mod states;
mod visits;
mod wall_halo;
mod walls;

use std::fmt;
use std::str::FromStr;

pub use advance::advance;
pub use caches::Caches;
pub use evolve::{alternate, evolve};
pub use pass::Pass;
pub use runtime::{RuntimeState, evolve_rule};
pub use states::{InPlace, State, States};
pub use visits::Visits;
pub use wall_halo::{fill_walls, set_walls};
pub use walls::{NoWalls, Walls};

/// The number of steps in one pass over memory, and the tiles of the pass.
///
/// ```
/// use parhelion_kernels::Blocking;
///
/// let blocking: Blocking<3> = "6 x 1,16,128".parse()?;
/// assert_eq!(blocking, Blocking { levels: 6, tile: [1, 16, 128] });
/// assert_eq!(blocking.to_string(), "6 x 1,16,128");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Blocking<const N: usize> {
    /// Steps in one pass, at least 1.
    pub levels: usize,
    /// Cells of a tile on each axis, at least 1. Along axis 0 tiles follow each other through the
    /// block while the cells between them stay in the cache.
    pub tile: [usize; N],
}

impl<const N: usize> Blocking<N> {
    /// One step per pass, in one tile per thread.
    pub const PLAIN: Self = Self { levels: 1, tile: [usize::MAX; N] };
}

impl<const N: usize> fmt::Display for Blocking<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x ", self.levels)?;
        for (a, &cells) in self.tile.iter().enumerate() {
            let comma = if a == 0 { "" } else { "," };
            if cells == usize::MAX { write!(f, "{comma}all")? } else { write!(f, "{comma}{cells}")? }
        }
        Ok(())
    }
}

impl<const N: usize> FromStr for Blocking<N> {
    type Err = crate::KernelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (levels, tile) = text.split_once('x')?;
            let cells: Vec<usize> = tile
                .split(',')
                .map(|cells| if cells.trim() == "all" { Ok(usize::MAX) } else { cells.trim().parse() })
                .collect::<Result<_, _>>()
                .ok()?;
            Some(Self { levels: levels.trim().parse().ok()?, tile: cells.try_into().ok()? })
        };
        parse().filter(|blocking| blocking.levels > 0 && blocking.tile.iter().all(|&cells| cells > 0)).ok_or_else(|| {
            crate::KernelError::new(format!(
                "'{text}' is not a blocking for {N} axes; write levels x cells of a tile on each axis, each at least 1 or 'all', \
                 as in '{}'",
                Self { levels: 6, tile: [16; N] }
            ))
        })
    }
}
