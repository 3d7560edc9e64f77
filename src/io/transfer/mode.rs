//! How bytes are moved: by all ranks together or by each, and how many at a time.

use super::sharing::SharingLimits;
use crate::io::hdf5::ffi::{IoMode, TransferProperties};
use crate::world::World;

/// How bytes are moved.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct TransferMode {
    /// Every rank by itself instead of all together.
    pub(in crate::io) independent: bool,
    /// Most bytes per call straight from or to the array.
    pub(in crate::io) largest_call: usize,
    /// Bytes of the buffer for pieces that are interleaved or converted.
    pub(in crate::io) staging: usize,
    /// For contiguous datasets.
    pub(in crate::io) limits: SharingLimits,
}

impl Default for TransferMode {
    fn default() -> Self {
        // MPI-IO and the libraries below it count bytes in 32 bits
        Self {
            independent: false,
            largest_call: 1 << 30,
            staging: 32 << 20,
            limits: SharingLimits::default(),
        }
    }
}

impl TransferMode {
    pub(in crate::io) fn independently(independent: bool) -> Self {
        Self { independent, ..Self::default() }
    }

    /// How many bytes go into one call.
    pub(super) fn limit(&self, direct: bool) -> usize {
        if direct { self.largest_call } else { self.staging }
    }

    pub(super) fn transfer(&self) -> hdf5::Result<TransferProperties> {
        if self.independent { TransferProperties::independent() } else { TransferProperties::collective() }
    }

    /// Refuses a transfer that was asked to be collective and was not.
    ///
    /// On one rank HDF5 takes the shorter way, rightly.
    pub(super) fn check(&self, mode: IoMode, world: &World) -> hdf5::Result<()> {
        let causes = match mode {
            IoMode::Collective => return Ok(()),
            IoMode::NotCollective(causes) => causes,
            IoMode::Mixed => 0,
        };
        if self.independent || world.size() == 1 {
            return Ok(());
        }
        Err(hdf5::Error::from(format!("HDF5 gave up collective transfer ({mode:?}, causes {causes:#x})")))
    }
}
