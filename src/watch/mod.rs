//! Looking at a run while it goes on: pictures of planes, and values at points over time.
//!
//! Neither gathers a field: a picture collects as many values as it has pixels, and a probe one value for each point. `sample` finds them,
//! `ticks` chooses numbers for scales, `canvas` draws.

#[cfg(feature = "pictures")]
mod canvas;
#[cfg(feature = "pictures")]
mod picture;
mod probes;
#[cfg(feature = "pictures")]
mod sample;
#[cfg(feature = "pictures")]
mod ticks;

use mpi::collective::SystemOperation;
use mpi::traits::{Communicator, Root};

#[cfg(feature = "pictures")]
pub use picture::{Colors, Picture};
pub use probes::Probes;

use crate::{Element, Field};

/// The sum over the ranks of each value, on rank 0.
///
/// # Collective
/// Over all ranks, with as many values.
pub(super) fn sum_on_root<T: Element, const N: usize>(field: &Field<T, N>, values: &[f64]) -> Vec<f64> {
    let comm = field.grid().world().comm();
    let mut sums = vec![0.0; if comm.rank() == 0 { values.len() } else { 0 }];
    let root = comm.process_at_rank(0);
    if comm.rank() == 0 {
        root.reduce_into_root(values, &mut sums[..], SystemOperation::sum());
    } else {
        root.reduce_into(values, SystemOperation::sum());
    }
    sums
}
