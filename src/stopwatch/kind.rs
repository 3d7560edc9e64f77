//! The kinds of work, and the parts of a call, that a report tells apart.

use serde::{Deserialize, Serialize};

/// The kinds of work that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`Grid::sweep`](crate::grid::Grid::sweep).
    Sweep,
    /// [`Grid::update`](crate::grid::Grid::update),
    /// [`Field::map_inplace`](crate::field::Field::map_inplace),
    /// [`Field::zip_mut_with`](crate::field::Field::zip_mut_with) and what is made of them.
    Update,
    /// [`Field::advance`](crate::field::Field::advance), its halo exchanges included.
    Advance,
    /// [`Field::fill`](crate::field::Field::fill) and its siblings.
    Fill,
    /// Sums, norms, extrema, counts, fingerprints and custom reductions.
    Reduce,
    /// Halo exchanges outside of [`Field::advance`](crate::field::Field::advance), without what the
    /// caller computes between [`start`](crate::halo::HaloPlan::start) and
    /// [`finish`](crate::halo::Exchange::finish).
    Exchange,
    /// Reading a dataset.
    Read,
    /// Writing a dataset, and flushing the file to disk.
    Write,
}

impl Kind {
    pub(crate) const COUNT: usize = Self::Write as usize + 1;

    /// Its name in reports.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Update => "update",
            Self::Advance => "advance",
            Self::Fill => "fill",
            Self::Reduce => "reduce",
            Self::Exchange => "exchange",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// Whether its bytes move between memory and cores, so that the speed of copying limits it.
    pub(crate) fn streams_memory(self) -> bool {
        !matches!(self, Self::Exchange | Self::Read | Self::Write)
    }
}

/// Parts of a call that are timed separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Copying cells to messages or shared memory.
    Pack,
    /// Waiting for other ranks: for the cells of a halo, or for the result of a collective
    /// operation.
    Wait,
    /// Copying messages or shared memory to cells.
    Unpack,
}

impl Part {
    pub(crate) const COUNT: usize = Self::Unpack as usize + 1;

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Wait => "wait",
            Self::Unpack => "unpack",
        }
    }
}
