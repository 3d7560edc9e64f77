//! The transport of a plan's parcels: messages and shared memory.

use std::time::Instant;

use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Source};
use parhelion_kernels::Pool;

use super::parcels::{Inboxes, Outboxes, Parcel, messages};
use super::persistent::{Persistent, Way};
use super::shared::Shared;

/// Number of exchanges that measure the speed of a link, after one to warm up.
const ROUNDS: usize = 4;

/// A plan's parcels with the requests, buffers and channels that move them.
///
/// An exchange calls `begin`, packs the outboxes, calls `post`, `wait`, unpacks the inboxes, and
/// calls `release` and `wait_sent`.
pub(super) struct Link {
    sends: Persistent,
    receives: Persistent,
    shared: Shared,
    pub(super) outgoing: Vec<Parcel>,
    pub(super) incoming: Vec<Parcel>,
}

impl Link {
    /// Messages of at most `longest` bytes for the parcels that are not shared; `shared` has the
    /// channels of the others.
    pub(super) fn new(
        comm: &SimpleCommunicator,
        pool: &Pool,
        longest: usize,
        [outgoing, incoming]: [Vec<Parcel>; 2],
        shared: Shared,
    ) -> Self {
        let persistent = |way, parcels: &[Parcel]| {
            let (messages, bytes) = messages(parcels);
            Persistent::new(comm, pool, way, &messages, bytes, longest)
        };
        let (sends, receives) = (persistent(Way::Send, &outgoing), persistent(Way::Receive, &incoming));
        Self { sends, receives, shared, outgoing, incoming }
    }

    /// Waits for the messages of a leaked exchange and until outgoing buffers are free, then starts
    /// to receive.
    pub(super) fn begin(&mut self, comm: &SimpleCommunicator) {
        self.receives.wait();
        self.sends.wait();
        self.shared.begin(|| progress(comm));
        self.receives.start();
    }

    /// The bytes of all outgoing parcels, to pack into.
    pub(super) fn outboxes(&mut self) -> Outboxes<'_> {
        Outboxes::new(&self.outgoing, self.sends.buffer_mut(), self.shared.outboxes())
    }

    /// Sends all parcels.
    pub(super) fn post(&mut self) {
        self.shared.post();
        self.sends.start();
    }

    /// Lets MPI progress, and returns whether all parcels were sent and received.
    pub(super) fn progress(&mut self) -> bool {
        // Both calls let MPI progress, so neither is skipped.
        let (sent, received) = (self.sends.test(), self.receives.test());
        sent && received && self.shared.arrived()
    }

    /// Waits until all parcels have arrived.
    pub(super) fn wait(&mut self, comm: &SimpleCommunicator) {
        self.shared.wait(|| progress(comm));
        self.receives.wait();
    }

    /// The bytes of all incoming parcels.
    pub(super) fn inboxes(&self) -> Inboxes<'_> {
        Inboxes::new(&self.incoming, self.receives.buffer(), self.shared.inboxes())
    }

    /// Returns incoming buffers to their senders.
    pub(super) fn release(&mut self) {
        self.shared.release();
    }

    /// Waits until all messages are sent.
    pub(super) fn wait_sent(&mut self) {
        self.sends.wait();
    }

    /// Numbers of MPI messages of one exchange: those sent, and the total.
    pub(super) fn messages(&self) -> (usize, usize) {
        (self.sends.len(), self.sends.len() + self.receives.len())
    }

    /// Bytes sent in one exchange by the parcels for which `count` is true.
    pub(super) fn bytes_sent(&self, count: impl Fn(&Parcel) -> bool) -> usize {
        self.outgoing.iter().filter(|&parcel| count(parcel)).map(|parcel| parcel.bytes).sum()
    }

    /// Measures two links for the same parcels in turn. Returns the time of the fastest exchange of
    /// each on this rank, in nanoseconds. One thread writes and reads all bytes, as packing and
    /// unpacking would.
    ///
    /// # Collective
    /// Over all ranks of the parcels.
    pub(super) fn compare(mut links: [&mut Self; 2], comm: &SimpleCommunicator) -> [u64; 2] {
        let mut fastest = [u64::MAX; 2];
        for round in 0..=ROUNDS {
            for (link, fastest) in links.iter_mut().zip(&mut fastest) {
                let started = Instant::now();
                link.trial(comm);
                if round > 0 {
                    *fastest = (*fastest).min(started.elapsed().as_nanos() as u64);
                }
            }
        }
        fastest
    }

    fn trial(&mut self, comm: &SimpleCommunicator) {
        self.begin(comm);
        self.outboxes().fill(1);
        self.post();
        self.wait(comm);
        std::hint::black_box(self.inboxes().sum());
        self.release();
        self.wait_sent();
    }
}

/// Lets MPI progress. Other ranks may be waiting for that while this one waits for shared memory.
fn progress(comm: &SimpleCommunicator) {
    let _ = comm.any_process().immediate_probe();
}
