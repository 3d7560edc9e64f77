//! Choice of the number of steps per pass, and of the tiles.

use std::sync::OnceLock;

use parhelion_kernels::{Blocking, Caches};

use crate::error::{Error, ErrorKind, Result};
use crate::grid::Grid;

/// Environment variable with the blocking of fields for which the user sets none: `plain`, `auto`,
/// or the number of steps per pass.
const VARIABLE: &str = "PARHELION_BLOCKING";

/// Largest number of steps in a pass.
const MOST_LEVELS: usize = 1 << 10;

/// Input to the choice of a blocking, on which the ranks then agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockingChoice<const N: usize> {
    pub(crate) radius: usize,
    /// Radius of reads from constant fields.
    pub(crate) constants: usize,
    /// Smallest number of bytes that a step moves for each point.
    pub(crate) bytes: usize,
    /// The blocking that the user chose.
    pub(crate) chosen: Option<Blocking<N>>,
}

/// The caches of this machine; looked up once.
///
/// # Errors
/// When `PARHELION_CACHES` has no valid value.
fn caches() -> Result<Caches> {
    static CACHES: OnceLock<std::result::Result<Caches, String>> = OnceLock::new();
    let caches = CACHES.get_or_init(|| Caches::detect().map_err(|error| error.to_string()));
    caches.clone().map_err(|message| Error::new(ErrorKind::Argument, message))
}

impl<const N: usize> BlockingChoice<N> {
    /// The blocking that this rank prefers for a block of `shape`.
    ///
    /// # Errors
    /// When the environment has no valid value.
    pub(crate) fn propose(&self, grid: &Grid<N>, shape: [usize; N]) -> Result<Blocking<N>> {
        let mut proposal = match self.chosen {
            Some(chosen) => chosen,
            None => self.or_environment(grid, shape)?,
        };
        proposal.levels = proposal.levels.clamp(1, self.most_levels(grid));
        proposal.tile = proposal.tile.map(|cells| cells.max(1));
        Ok(proposal)
    }

    /// The largest number of steps for which the halo comes from adjacent blocks only; the same on
    /// all ranks.
    pub(crate) fn most_levels(&self, grid: &Grid<N>) -> usize {
        let Some(thinnest) = grid.thinnest_blocks().into_iter().flatten().min() else { return MOST_LEVELS };
        let own = thinnest.checked_div(self.radius).unwrap_or(MOST_LEVELS);
        // Constants need a halo for one step less.
        let fixed = thinnest.saturating_sub(self.constants).checked_div(self.radius);
        own.min(fixed.map_or(MOST_LEVELS, |levels| levels + 1)).clamp(1, MOST_LEVELS)
    }

    fn or_environment(&self, grid: &Grid<N>, shape: [usize; N]) -> Result<Blocking<N>> {
        let caches = caches()?;
        let open = grid.topology().open_sides().map(|sides| sides.iter().filter(|&&open| open).count());
        let threads = grid.world().threads();
        let model = || Blocking::model(shape, open, self.radius, self.bytes, threads, &caches);
        let Ok(text) = std::env::var(VARIABLE) else { return Ok(model()) };
        match text.trim() {
            "" | "auto" => Ok(model()),
            "plain" => Ok(Blocking::PLAIN),
            levels => match levels.parse() {
                Ok(levels) if levels > 0 => Ok(Blocking { levels, ..model() }),
                _ => Err(Error::new(
                    ErrorKind::Argument,
                    format!("{VARIABLE} is '{text}'; it may be auto, plain or the number of steps in a pass"),
                )),
            },
        }
    }

    /// Returns the blocking of this rank, with the same number of levels on all ranks. `serves`
    /// says whether this rank's halo is valid for the first step. Also returns whether the halos of
    /// all ranks are.
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// As for [`propose`](Self::propose), on all ranks.
    pub(crate) fn agree(
        &self,
        grid: &Grid<N>,
        shape: [usize; N],
        serves: bool,
    ) -> Result<(Blocking<N>, bool)> {
        let proposal = self.propose(grid, shape);
        // Ranks may differ in their last writes, their caches and their environment. 0 stands for
        // an error.
        let mut least = [u64::from(serves), proposal.as_ref().map_or(0, |proposal| proposal.levels as u64)];
        grid.world().all_min(&mut least);
        let [serves, levels] = least;
        if levels == 0 {
            return grid.world().agree(proposal).map(|proposal| (proposal, false));
        }
        proposal.map(|proposal| (Blocking { levels: levels as usize, ..proposal }, serves == 1))
    }
}
