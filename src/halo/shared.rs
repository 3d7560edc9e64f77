//! Transport of parcels through memory shared with neighbors on the same node.
#![allow(unsafe_code, reason = "hands out slices of memory that another process writes to at other times")]
//!
//! Every parcel has a channel in a segment of its sender: two buffers, used in turn, and two
//! counters. The sender packs into a buffer and then sets `filled`. The receiver unpacks from it
//! and then sets `emptied`.
//!
//! ```text
//! exchange      1        2        3           sender, before it packs 3: emptied ≥ 1?
//! buffer        1        0        1           receiver, before it unpacks 3: filled ≥ 3?
//! ```
//!
//! A neighbor that is at most one exchange behind never makes the sender wait. It cannot be further
//! behind if it also sends to this rank: it sends for exchange s − 1 after it has finished s − 2.
//!
//! Invariants, cited by the unsafe blocks here:
//!
//! - **M1** The counters and buffers of a channel lie inside its segment, at aligned places of
//!   their own (checked when it is made), and the segment is mapped for as long as the channel
//!   lives.
//! - **M2** A channel has one sender and one receiver, which count exchanges s = 1, 2, … alike.
//! - **M3** Buffer s mod 2 is written by the sender alone: after it read `emptied ≥ s − 2`
//!   (acquire) and before it sets `filled` to s (release).
//! - **M4** It is read by the receiver alone: after it read `filled ≥ s` (acquire) and before it
//!   sets `emptied` to s (release).
//!
//! By M3 and M4 every write to a buffer happens before the reads of that exchange, and these before
//! the next write: there is never a data race, and a slice given out is left alone by the other
//! side.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use super::segment::Segment;

/// Distance of counters and buffers, so that processors do not share (pairs of) cache lines.
const APART: usize = 128;

/// Number of polls of a counter before the processor is yielded: some microseconds.
const SPINS: usize = 300;

/// A number that only one process changes.
#[repr(C, align(128))]
struct Counter(AtomicU64);

/// Position of a channel in its segment: offsets of the counters and the buffers, and the size of a
/// buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChannelPlace {
    counters: usize,
    buffers: usize,
    bytes: usize,
}

impl ChannelPlace {
    /// Places for parcels of these sizes, and the size of the segment. The first `APART` bytes are
    /// for the token of the segment.
    pub(super) fn plan(parcels: impl Iterator<Item = usize> + Clone) -> (Vec<Self>, usize) {
        let mut end = APART * (1 + 2 * parcels.clone().count());
        let places = parcels.enumerate().map(|(number, bytes)| {
            let place = Self { counters: APART * (1 + 2 * number), buffers: end, bytes };
            end = place.end();
            place
        });
        (places.collect(), end)
    }

    /// Encodes the place for the message to a neighbor.
    pub(super) fn to_words(self) -> [u64; 3] {
        [self.counters, self.buffers, self.bytes].map(|offset| offset as u64)
    }

    pub(super) fn from_words([counters, buffers, bytes]: [u64; 3]) -> Self {
        Self { counters: counters as usize, buffers: buffers as usize, bytes: bytes as usize }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Distance between the two buffers.
    fn pitch(&self) -> usize {
        self.bytes.saturating_add(APART - 1) / APART * APART
    }

    fn end(&self) -> usize {
        self.buffers.saturating_add(self.pitch().saturating_mul(2))
    }
}

/// The sender's or the receiver's end of a channel.
pub(super) struct Channel {
    filled: NonNull<Counter>,
    emptied: NonNull<Counter>,
    buffers: [NonNull<u8>; 2],
    bytes: usize,
}

impl Channel {
    /// The channel at `place` of the `len` bytes from `start` on.
    ///
    /// # Safety
    /// They are mapped, or allocated, for reading and writing for as long as the channel lives. All
    /// other accesses to the place are those of the other end, or of this end at another time. The
    /// counters were zero when the first end was made (M2).
    ///
    /// # Panics
    /// When the place is not aligned or not inside.
    unsafe fn new(start: NonNull<u8>, len: usize, place: ChannelPlace) -> Self {
        let aligned = [place.counters, place.buffers, start.as_ptr() as usize].iter().all(|n| n % APART == 0);
        let inside = place.counters < place.buffers
            && place.buffers - place.counters >= 2 * APART
            && place.end() <= len;
        assert!(aligned && inside, "{place:?} is no place for a channel in {len} bytes");
        // SAFETY: inside by the check (M1).
        unsafe {
            Self {
                filled: start.add(place.counters).cast(),
                emptied: start.add(place.counters + APART).cast(),
                buffers: [start.add(place.buffers), start.add(place.buffers + place.pitch())],
                bytes: place.bytes,
            }
        }
    }

    fn filled(&self) -> &AtomicU64 {
        // SAFETY: M1; shared references to an atomic number may exist anywhere.
        unsafe { &self.filled.as_ref().0 }
    }

    fn emptied(&self) -> &AtomicU64 {
        // SAFETY: as in `filled`.
        unsafe { &self.emptied.as_ref().0 }
    }
}

/// Progress of this rank in an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No exchange is in progress.
    Idle,
    /// The outgoing buffers are this rank's to fill.
    Packing,
    /// They are filled; the incoming ones may arrive.
    UnderWay,
    /// The incoming buffers are this rank's to read.
    Unpacking,
}

/// The shared-memory part of a plan: its ends of all channels.
pub(super) struct Shared {
    outgoing: Vec<Channel>,
    incoming: Vec<Channel>,
    /// Number of the current exchange, or of the last one.
    exchange: u64,
    phase: Phase,
    /// The memory of the channels (M1); dropped after them.
    _segments: Vec<Segment>,
}

impl Shared {
    /// A plan's part without any channel.
    pub(super) fn none() -> Self {
        Self::with_channels(Vec::new(), Vec::new(), Vec::new())
    }

    /// Channels for outgoing parcels at `places` in this rank's `own` segment, and for incoming
    /// ones at places in the segments of neighbors; see [`Neighbor`].
    pub(super) fn new(own: Segment, places: &[ChannelPlace], neighbors: Vec<Neighbor>) -> Self {
        // SAFETY: the segments live in this value. Places in them are given out once: by
        // `ChannelPlace::plan` to the sender's plan, and by its message to the one neighbor that
        // the parcel is for.
        let channel =
            |segment: &Segment, place| unsafe { Channel::new(segment.start(), segment.len(), place) };
        let outgoing = places.iter().map(|&place| channel(&own, place)).collect();
        let mut incoming = Vec::new();
        for Neighbor { segment, places } in &neighbors {
            incoming.extend(places.iter().map(|&(parcel, place)| (parcel, channel(segment, place))));
        }
        incoming.sort_by_key(|&(parcel, _)| parcel);
        let incoming = incoming.into_iter().map(|(_, channel)| channel).collect();
        let segments = neighbors.into_iter().map(|neighbor| neighbor.segment);
        Self::with_channels(outgoing, incoming, segments.chain([own]).collect())
    }

    fn with_channels(outgoing: Vec<Channel>, incoming: Vec<Channel>, segments: Vec<Segment>) -> Self {
        Self { outgoing, incoming, exchange: 0, phase: Phase::Idle, _segments: segments }
    }

    /// Begins an exchange: waits until the buffers to pack into are free, calling `progress` while
    /// waiting.
    pub(super) fn begin(&mut self, progress: impl FnMut()) {
        // Parcels of a leaked exchange are never read; their senders may continue.
        self.count_emptied();
        self.exchange += 1;
        let free = |channel: &Channel| channel.emptied().load(Ordering::Acquire) + 2 >= self.exchange;
        wait_until(|| self.outgoing.iter().all(free), progress);
        self.phase = Phase::Packing;
    }

    /// The bytes of all outgoing parcels.
    ///
    /// # Panics
    /// Unless the exchange has begun and nothing is posted yet.
    pub(super) fn outboxes(&mut self) -> impl Iterator<Item = &mut [u8]> {
        assert_eq!(self.phase, Phase::Packing, "parcels are packed between begin and post");
        let buffer = (self.exchange % 2) as usize;
        self.outgoing.iter_mut().map(move |channel| {
            // SAFETY: M1; this end is the sender, which saw the buffer empty and did not post it
            // (M3); the slices are apart, and `&mut self` makes them the only ones.
            unsafe { std::slice::from_raw_parts_mut(channel.buffers[buffer].as_ptr(), channel.bytes) }
        })
    }

    /// Hands the outgoing parcels over.
    pub(super) fn post(&mut self) {
        assert_eq!(self.phase, Phase::Packing, "parcels are posted once");
        self.outgoing.iter().for_each(|channel| channel.filled().store(self.exchange, Ordering::Release));
        self.phase = Phase::UnderWay;
    }

    /// Returns whether all incoming parcels have arrived.
    pub(super) fn arrived(&self) -> bool {
        let full = |channel: &Channel| channel.filled().load(Ordering::Acquire) >= self.exchange;
        self.phase == Phase::Idle || self.incoming.iter().all(full)
    }

    /// Waits until all incoming parcels have arrived, calling `progress` while waiting.
    pub(super) fn wait(&mut self, progress: impl FnMut()) {
        assert_eq!(self.phase, Phase::UnderWay, "parcels are awaited after some were posted");
        wait_until(|| self.arrived(), progress);
        self.phase = Phase::Unpacking;
    }

    /// The bytes of all incoming parcels.
    ///
    /// # Panics
    /// Unless they have been waited for.
    pub(super) fn inboxes(&self) -> impl Iterator<Item = &[u8]> {
        assert_eq!(self.phase, Phase::Unpacking, "parcels are unpacked between wait and release");
        let buffer = (self.exchange % 2) as usize;
        self.incoming.iter().map(move |channel| {
            // SAFETY: M1; this end is the receiver, which saw the buffer filled and did not give it
            // back (M4): that needs `&mut self`.
            unsafe { std::slice::from_raw_parts(channel.buffers[buffer].as_ptr(), channel.bytes) }
        })
    }

    /// Returns the incoming buffers to their senders.
    pub(super) fn release(&mut self) {
        assert_eq!(self.phase, Phase::Unpacking, "parcels are given back once");
        self.count_emptied();
        self.phase = Phase::Idle;
    }

    fn count_emptied(&mut self) {
        self.incoming.iter().for_each(|channel| channel.emptied().store(self.exchange, Ordering::Release));
    }
}

/// The segment of a neighbor, and the places in it of the parcels for this rank: for each the
/// number of the parcel among all that come in.
pub(super) struct Neighbor {
    pub(super) segment: Segment,
    pub(super) places: Vec<(usize, ChannelPlace)>,
}

/// The number at the beginning of a segment by which neighbors recognize it.
pub(super) fn token(segment: &Segment) -> &AtomicU64 {
    assert!(segment.len() >= APART, "every segment begins with a token");
    // SAFETY: in bounds and aligned; no channel is there (`ChannelPlace::plan`), only this atomic
    // number.
    unsafe { &segment.start().cast::<Counter>().as_ref().0 }
}

/// Spins for a moment, then yields to other processes and lets MPI progress between polls.
fn wait_until(done: impl Fn() -> bool, mut progress: impl FnMut()) {
    for _ in 0..SPINS {
        if done() {
            return;
        }
        std::hint::spin_loop();
    }
    while !done() {
        progress();
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets the ends of one channel go to different threads, as if they were processes.
    struct Sendable(Shared);
    // SAFETY: only addresses; the protocol under test is what makes their use right.
    unsafe impl Send for Sendable {}

    /// Two ends with two channels each way, in plain memory: sanitizers and Miri see both at one
    /// address.
    fn pair(memory: &mut [Counter], bytes: [usize; 4]) -> [Sendable; 2] {
        let (places, len) = ChannelPlace::plan(bytes.into_iter());
        assert_eq!(len, size_of_val(memory));
        let start = NonNull::new(memory.as_mut_ptr()).unwrap().cast();
        // SAFETY: the memory outlives the channels in the tests below; each place has two ends.
        let channel = |&place: &ChannelPlace| unsafe { Channel::new(start, len, place) };
        let channels = |places: &[ChannelPlace]| -> Vec<Channel> { places.iter().map(channel).collect() };
        let end = |out: &[ChannelPlace], into: &[ChannelPlace]| {
            Sendable(Shared::with_channels(channels(out), channels(into), Vec::new()))
        };
        let (there, back) = places.split_at(2);
        [end(there, back), end(back, there)]
    }

    fn memory(bytes: [usize; 4]) -> Vec<Counter> {
        let (_, len) = ChannelPlace::plan(bytes.into_iter());
        (0..len / APART).map(|_| Counter(AtomicU64::new(0))).collect()
    }

    fn exchange(end: &mut Shared, value: u8, unpacks: bool) -> Vec<u8> {
        end.begin(|| ());
        end.outboxes().for_each(|bytes| bytes.fill(value));
        end.post();
        if !unpacks {
            return Vec::new(); // leaked
        }
        end.wait(|| ());
        let seen = end.inboxes().flatten().copied().collect();
        end.release();
        seen
    }

    #[test]
    fn each_exchange_brings_its_own_bytes() {
        let rounds: u64 = if cfg!(miri) { 60 } else { 20_000 };
        let bytes = [100, 1, 64, 300];
        let mut memory = memory(bytes);
        let [mut a, mut b] = pair(&mut memory, bytes);
        std::thread::scope(|scope| {
            for (this, sent, got) in [(&mut a, 0, 364), (&mut b, 100, 101)] {
                scope.spawn(move || {
                    let end = { this };
                    for round in 1..=rounds {
                        let other = ((round + 100 - sent) % 251) as u8;
                        let mine = ((round + sent) % 251) as u8;
                        let leaked = (round + sent) % 17 == 0;
                        let seen = exchange(&mut end.0, mine, !leaked);
                        let wanted = if leaked { 0 } else { got };
                        assert_eq!(seen.len(), wanted);
                        assert!(seen.iter().all(|&value| value == other), "round {round}: {seen:?}");
                    }
                });
            }
        });
    }

    #[test]
    fn a_sender_waits_for_a_receiver_two_exchanges_behind() {
        let bytes = [8, 8, 8, 8];
        let mut memory = memory(bytes);
        let [Sendable(mut a), Sendable(mut b)] = pair(&mut memory, bytes);
        exchange(&mut a, 1, false);
        exchange(&mut a, 2, false);
        let mut looks = 0;
        a.begin(|| {
            looks += 1;
            if looks == 5 {
                assert_eq!(exchange(&mut b, 1, true), [1; 16]);
            }
        });
        assert_eq!(looks, 5);
        a.outboxes().for_each(|buffer| buffer.fill(3));
        a.post();
        assert_eq!(exchange(&mut b, 2, true), [2; 16]);
        assert_eq!(exchange(&mut b, 3, true), [3; 16]);
        a.wait(|| ());
        assert!(a.inboxes().flatten().all(|&value| value == 3));
    }

    #[test]
    #[should_panic(expected = "parcels are unpacked between wait and release")]
    fn buffers_are_not_given_out_early() {
        let mut end = Shared::none();
        end.begin(|| ());
        end.post();
        end.inboxes().count();
    }

    #[test]
    #[should_panic(expected = "is no place for a channel")]
    fn places_outside_of_the_segment_are_refused() {
        let mut memory = memory([8; 4]);
        let (places, len) = ChannelPlace::plan([8, 8, 8, 1000].into_iter());
        let start = NonNull::new(memory.as_mut_ptr()).unwrap().cast();
        // SAFETY: refused before any use.
        unsafe { Channel::new(start, len.min(size_of_val(&memory[..])), places[3]) };
    }
}
