//! The failure of one rank ends the job with that rank's message, so that no other rank waits for
//! it.

use std::io::Write;
use std::sync::{Once, OnceLock};

use mpi::traits::Communicator;

use super::World;
use crate::error::Error;

/// Rank and size, for the panic message of any thread of this rank.
static RANK: OnceLock<(usize, usize)> = OnceLock::new();

/// Makes panic messages begin with the rank, if there are several.
pub(super) fn name_rank_in_panics(rank: usize, size: usize) {
    static HOOK: Once = Once::new();
    let (rank, size) = *RANK.get_or_init(|| (rank, size));
    if size > 1 {
        HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                eprintln!("parhelion: rank {rank} of {size} panicked:");
                previous(info);
            }));
        });
    }
}

/// Called while a panic unwinds through the owner of a world. Never returns if there are other
/// ranks: they might be waiting for this one.
pub(super) fn end_all_ranks_after_panic(world: &World) {
    if world.size() > 1 {
        end_all_ranks(world, "panicked", 101);
    }
}

/// Called when this rank's last world ends. An error of this rank alone that is still alive then is
/// being returned from `main`.
pub(super) fn end_all_ranks_after_error(world: &World) {
    if world.size() > 1
        && let Some(error) = Error::unhandled()
    {
        end_all_ranks(world, &format!("failed: {error}"), 1);
    }
}

fn end_all_ranks(world: &World, what: &str, status: i32) -> ! {
    eprintln!("parhelion: rank {} of {} {what}; ending all ranks", world.rank(), world.size());
    // If output cannot be written while the job ends, nothing can be done about it.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    world.comm().abort(status)
}
