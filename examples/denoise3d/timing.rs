//! Where the time of a run goes.

use std::time::{Duration, Instant};

use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;
use parhelion::{Grid, World};

/// Bytes that a cell moves to or from memory in one step: the image read by the reduction and by the
/// sweep, the new image read into cache and written back.
const BYTES_PER_CELL: f64 = 16.0;

/// Wall time of each kind of work on this rank.
#[derive(Debug)]
pub(crate) struct Timing {
    world: World,
    start: Instant,
    compute: Duration,
    halo: Duration,
    reduction: Duration,
    input: Duration,
    output: Duration,
}

macro_rules! kinds {
    ($($kind:ident)*) => {$(
        /// Runs `work` and adds its time to this kind.
        pub(crate) fn $kind<R>(&mut self, work: impl FnOnce() -> R) -> R {
            let start = Instant::now();
            let result = work();
            self.$kind += start.elapsed();
            result
        }
    )*};
}

impl Timing {
    /// Starts the clock.
    pub(crate) fn new(world: &World) -> Self {
        let zero = Duration::ZERO;
        let world = world.clone();
        Self {
            world,
            start: Instant::now(),
            compute: zero,
            halo: zero,
            reduction: zero,
            input: zero,
            output: zero,
        }
    }

    kinds!(compute halo reduction input output);

    /// Prints the longest times of all ranks, on rank 0.
    ///
    /// # Collective
    /// Over all ranks.
    pub(crate) fn print<const N: usize>(&self, grid: &Grid<N>, steps: usize) {
        let steps_alone = self.compute + self.halo + self.reduction;
        let local = [
            self.start.elapsed(),
            steps_alone,
            self.compute,
            self.halo,
            self.reduction,
            self.input,
            self.output,
        ]
        .map(|time| time.as_secs_f64());
        let mut longest = [0.0; 7];
        self.world.communicator().all_reduce_into(&local[..], &mut longest[..], SystemOperation::max());
        if self.world.rank() != 0 {
            return;
        }
        let [total, stepping, compute, halo, reduction, input, output] = longest;
        let cells = grid.decomposition().shape().iter().product::<usize>();
        let updates = (cells * steps) as f64;
        println!(
            "{cells} cells, {steps} steps in {stepping:.3} s, {total:.3} s in all (longest of all ranks)"
        );
        println!(
            "  compute {compute:.3} s, halo {halo:.3} s, reduction {reduction:.3} s, input {input:.3} s, output {output:.3} s"
        );
        println!(
            "  {:.1} million cell updates a second, effective bandwidth {:.2} GB/s",
            updates / stepping / 1e6,
            updates * BYTES_PER_CELL / stepping / 1e9
        );
    }
}
