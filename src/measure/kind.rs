//! What is told apart in a report.

use serde::{Deserialize, Serialize};

/// The kinds of work that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`Grid::sweep`](crate::grid::Grid::sweep).
    Sweep,
    /// [`Grid::update`](crate::grid::Grid::update), [`Field::map`](crate::field::Field::map), [`Field::zip`](crate::field::Field::zip)
    /// and what is made of them.
    Update,
    /// [`Field::advance`](crate::field::Field::advance), its halo exchanges included.
    Advance,
    /// [`Field::fill`](crate::field::Field::fill) and its siblings.
    Fill,
    /// Sums, norms, extrema, counts, fingerprints and reductions of the user's.
    Reduce,
    /// Halo exchanges outside of [`Field::advance`](crate::field::Field::advance). What the caller computes between
    /// [`start`](crate::halo::HaloPlan::start) and [`finish`](crate::halo::Exchange::finish) is not part of them.
    Exchange,
    /// Reading a dataset.
    Read,
    /// Writing a dataset, and bringing the file to disk.
    Write,
}

impl Kind {
    pub(super) const COUNT: usize = Self::Write as usize + 1;

    /// As in reports.
    pub(super) fn word(self) -> &'static str {
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

    /// Whether its bytes move between memory and cores, so that copying is its limit.
    pub(super) fn streams_memory(self) -> bool {
        !matches!(self, Self::Exchange | Self::Read | Self::Write)
    }
}

/// Parts of a call that are timed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Copying cells to messages or shared memory.
    Pack,
    /// Waiting for other ranks: for the cells of a halo, or for the result of a collective operation.
    Wait,
    /// Copying messages or shared memory to cells.
    Unpack,
}

impl Part {
    pub(super) const COUNT: usize = Self::Unpack as usize + 1;

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Wait => "wait",
            Self::Unpack => "unpack",
        }
    }
}
