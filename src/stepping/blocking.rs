//! How many steps a pass makes, and in which tiles.

use std::sync::OnceLock;

use parhelion_kernels::{Blocking, Caches};

use crate::error::{Error, ErrorKind, Result};
use crate::grid::Grid;

/// `plain`, `auto`, or the number of steps in a pass, for fields that are not told.
const VARIABLE: &str = "PARHELION_BLOCKING";

/// No pass has more steps.
const MOST_LEVELS: usize = 1 << 10;

/// How steps are blocked before the ranks have agreed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockingChoice<const N: usize> {
    pub(crate) radius: usize,
    /// How far it reads in fields that stay as they are.
    pub(crate) constants: usize,
    /// Bytes that a step moves for each point at least.
    pub(crate) bytes: usize,
    /// What the user chose.
    pub(crate) given: Option<Blocking<N>>,
}

/// The caches of this machine; looked up once.
///
/// # Errors
/// When `PARHELION_CACHES` has no sensible value.
fn caches() -> Result<Caches> {
    static CACHES: OnceLock<std::result::Result<Caches, String>> = OnceLock::new();
    let caches = CACHES.get_or_init(|| Caches::detect().map_err(|error| error.to_string()));
    caches.clone().map_err(|message| Error::new(ErrorKind::Argument, message))
}

impl<const N: usize> BlockingChoice<N> {
    /// This rank's wish for a block of `shape`.
    ///
    /// # Errors
    /// When the environment has no sensible value.
    pub(crate) fn wish(&self, grid: &Grid<N>, shape: [usize; N]) -> Result<Blocking<N>> {
        let mut wish = match self.given {
            Some(given) => given,
            None => self.or_environment(grid, shape)?,
        };
        wish.levels = wish.levels.clamp(1, self.most_levels(grid));
        wish.tile = wish.tile.map(|cells| cells.max(1));
        Ok(wish)
    }

    /// The most steps for which all halo comes from the next block alone: the same on all ranks.
    pub(crate) fn most_levels(&self, grid: &Grid<N>) -> usize {
        let Some(thinnest) = grid.thinnest_blocks().into_iter().flatten().min() else { return MOST_LEVELS };
        let own = thinnest.checked_div(self.radius).unwrap_or(MOST_LEVELS);
        // Constants are read one step less far.
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

    /// The blocking of this rank for the next `steps`, with as many levels on all ranks. `serves` says whether this
    /// rank's halo serves the first step; returns also whether all do.
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// As [`wish`](Self::wish), on all ranks.
    pub(crate) fn agree(
        &self,
        grid: &Grid<N>,
        shape: [usize; N],
        serves: bool,
    ) -> Result<(Blocking<N>, bool)> {
        let wish = self.wish(grid, shape);
        // Ranks may differ in what they wrote last, in their caches and their environment. 0 stands for an error.
        let mut least = [u64::from(serves), wish.as_ref().map_or(0, |wish| wish.levels as u64)];
        grid.world().all_min(&mut least);
        let [serves, levels] = least;
        if levels == 0 {
            return grid.world().agree(wish).map(|wish| (wish, false));
        }
        wish.map(|wish| (Blocking { levels: levels as usize, ..wish }, serves == 1))
    }
}
