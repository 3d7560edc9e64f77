//! Choice of the transport: MPI messages, or memory shared with neighbors on the same node.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering;

use mpi::request::scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Source};

use super::link::Link;
use super::parcels::Parcel;
use super::segment::{Segment, SegmentFile};
use super::shared::{ChannelPlace, Neighbor, Shared, token};
use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

/// Environment variable with the transport of plans for which the user sets none.
const TRANSPORT_VARIABLE: &str = "PARHELION_HALO";

/// Sent instead of a descriptor by a rank that could not make a segment.
const NO_SEGMENT: u64 = u64::MAX;

/// Transport of halo cells to neighbors on the same node. Other neighbors get MPI messages.
///
/// Default: the value of the environment variable `PARHELION_HALO` (`messages`, `auto` or
/// `shared`), or [`Auto`](Self::Auto) if it is not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HaloTransport {
    /// MPI messages, as to any other rank.
    Messages,
    /// The faster of the two. Making a plan measures some exchanges of both kinds on the slowest
    /// rank; [`HaloPlan`](crate::halo::HaloPlan) prints the times. If a rank cannot share memory,
    /// all ranks use messages. If a node has more ranks than cores, nothing can be measured, and
    /// shared memory is used.
    ///
    /// The choice does not affect results, only time. On 2 ranks of one node (Open MPI 4.1, two
    /// cores of an AMD EPYC) an exchange through shared memory took 0.5 to 0.7 of the time of
    /// messages for parcels below 100 kB, and 0.4 to 0.9 for larger ones of whole rows. Where
    /// strided copies take most of the time, across the fastest axis of 256³ cells, it took 0.7 to
    /// 1.2.
    #[default]
    Auto,
    /// Shared memory. Planning fails if a rank cannot share memory.
    Shared,
}

impl HaloTransport {
    /// Returns the transport, and whether every rank may have a core for itself. The transport is
    /// `requested`, else that of the environment, else [`Auto`](Self::Auto). Where ranks differ,
    /// messages win over automatic, and automatic over shared.
    ///
    /// # Collective
    /// Over all ranks.
    pub(super) fn choose(world: &World, requested: Option<Self>) -> Result<(Self, bool)> {
        let mine = requested.map_or_else(Self::from_environment, Ok);
        // 0 stands for an error.
        let mut least =
            [mine.as_ref().map_or(0, |mine| 1 + *mine as u64), u64::from(world.ranks_have_cores())];
        world.all_min(&mut least);
        match least {
            [0, _] => world.agree(mine.map(|mine| (mine, false))),
            [least, cores] => {
                Ok(([Self::Messages, Self::Auto, Self::Shared][least as usize - 1], cores == 1))
            }
        }
    }

    fn from_environment() -> Result<Self> {
        let Ok(text) = std::env::var(TRANSPORT_VARIABLE) else { return Ok(Self::Auto) };
        match text.trim() {
            "" | "auto" => Ok(Self::Auto),
            "messages" => Ok(Self::Messages),
            "shared" => Ok(Self::Shared),
            _ => Err(Error::new(
                ErrorKind::Argument,
                format!("{TRANSPORT_VARIABLE} is '{text}'; it may be auto, messages or shared"),
            )),
        }
    }
}

/// Settings for the transport of a plan's parcels.
pub(super) struct LinkSettings {
    pub(super) transport: Option<HaloTransport>,
    /// Number of ranks to treat as a node, instead of those of the real node.
    pub(super) ranks_per_node: Option<usize>,
    /// Largest size of a message in bytes.
    pub(super) longest: usize,
    /// A tag that no message in progress has.
    pub(super) tag: i32,
}

/// The link for `parcels`, and the reason for the choice, if there was one.
///
/// # Collective
/// Over all ranks. `comm` numbers them as the parcels do.
///
/// # Errors
/// As for [`HaloPlanBuilder::build`](super::HaloPlanBuilder::build).
pub(super) fn link(
    world: &World,
    comm: &SimpleCommunicator,
    settings: &LinkSettings,
    parcels: [Vec<Parcel>; 2],
) -> Result<(Link, Option<String>)> {
    let (transport, measurable) = HaloTransport::choose(world, settings.transport)?;
    let link = |parcels, shared| Link::new(comm, world.pool(), settings.longest, parcels, shared);
    if transport == HaloTransport::Messages {
        return Ok((link(parcels, Shared::none()), None));
    }
    let node = settings.ranks_per_node.map_or(world.node(), |ranks| world.rank() / ranks);
    let mut marked = parcels.clone();
    let channels = match share(world, comm, node, settings.tag, &mut marked) {
        Ok(channels) => channels,
        Err(error) if transport == HaloTransport::Shared => return Err(error),
        Err(error) => return Ok((link(parcels, Shared::none()), Some(error.to_string()))),
    };
    let mut shared = link(marked, channels);
    if transport == HaloTransport::Shared || world.size() == 1 {
        return Ok((shared, None));
    }
    if !measurable {
        return Ok((shared, Some("shared memory, untried: there are more ranks than cores".into())));
    }
    let mut messages = link(parcels, Shared::none());
    // The maximum over all ranks is the complement of the minimum of the complements.
    let mut times = Link::compare([&mut shared, &mut messages], comm).map(|time| !time);
    world.all_min(&mut times);
    let [by_memory, by_messages] = times.map(|time| !time);
    let faster = if by_memory <= by_messages { shared } else { messages };
    let micros = |time: u64| time as f64 * 1e-3;
    let why = format!(
        "tried: {:.1} µs through shared memory, {:.1} µs by messages, packing apart",
        micros(by_memory),
        micros(by_messages)
    );
    Ok((faster, Some(why)))
}

/// The channels for all parcels to and from ranks of the same `node`, which are marked as shared.
///
/// # Collective
/// Over all ranks.
///
/// # Errors
/// When a rank cannot share memory with a neighbor of its node; the same on all ranks.
fn share(
    world: &World,
    comm: &SimpleCommunicator,
    node: usize,
    tag: i32,
    parcels: &mut [Vec<Parcel>; 2],
) -> Result<Shared> {
    let node = node as u64;
    let peers: BTreeSet<usize> = parcels.iter().flatten().map(|parcel| parcel.rank).collect();
    let nodes = swap(comm, tag, peers.into_iter().map(|peer| (peer, vec![node], 1)).collect());
    for parcel in parcels.iter_mut().flatten() {
        parcel.shared = nodes[&parcel.rank] == [node];
    }
    let [outgoing, incoming] = parcels;
    let (opened, file) = open_channels(comm, tag, outgoing, incoming);
    // Every rank takes part in the agreement, neighbors or not.
    let opened = world.agree(opened);
    // All neighbors have mapped the segment by now. A rank that failed also keeps its file open
    // until here, so that its neighbors do not fail too and the ranks agree on the first error.
    drop(file);
    opened
}

/// Makes this rank's segment, announces it to the neighbors, and maps theirs. The segment's file
/// must be kept open until all neighbors have done the same.
///
/// A rank that cannot make a segment announces that too, so that no rank waits for it.
fn open_channels(
    comm: &SimpleCommunicator,
    tag: i32,
    outgoing: &[Parcel],
    incoming: &[Parcel],
) -> (Result<Shared>, Option<SegmentFile>) {
    let out: Vec<&Parcel> = outgoing.iter().filter(|parcel| parcel.shared).collect();
    let into: Vec<&Parcel> = incoming.iter().filter(|parcel| parcel.shared).collect();
    let peers: BTreeSet<usize> = out.iter().chain(&into).map(|parcel| parcel.rank).collect();
    if peers.is_empty() {
        return (Ok(Shared::none()), None);
    }
    let (places, len) = ChannelPlace::plan(out.iter().map(|parcel| parcel.bytes));
    let secret = RandomState::new().hash_one(len);
    let made = Segment::create(len).inspect(|(segment, _)| token(segment).store(secret, Ordering::Release));
    let number = made.as_ref().map_or(NO_SEGMENT, |(_, file)| file.number() as u64);
    let letter = |&peer: &usize| {
        let mut words = vec![u64::from(std::process::id()), number, secret, len as u64];
        for (parcel, place) in out.iter().zip(&places).filter(|(parcel, _)| parcel.rank == peer) {
            words.push(parcel.tag as u64);
            words.extend(place.to_words());
        }
        let parcels = into.iter().filter(|parcel| parcel.rank == peer).count();
        (peer, words, 4 + 4 * parcels)
    };
    let heard = swap(comm, tag, peers.iter().map(letter).collect());
    let (own, file) = match made {
        Ok(made) => made,
        Err(error) => return (Err(failure(&format!("{len} bytes cannot be shared"), &error)), None),
    };
    if heard.values().any(|words| words[1] == NO_SEGMENT) {
        // That neighbor has an error with the reason, which all ranks will return.
        return (Ok(Shared::none()), Some(file));
    }
    let neighbors = heard.iter().map(|(&peer, words)| open(peer, words, &into)).collect::<Result<_>>();
    (neighbors.map(|neighbors| Shared::new(own, &places, neighbors)), Some(file))
}

/// Maps the segment that `peer` described by `words`.
fn open(peer: usize, words: &[u64], into: &[&Parcel]) -> Result<Neighbor> {
    let [process, number, secret, len, ref parcels @ ..] = *words else {
        unreachable!("the number of words was agreed on")
    };
    let what = format!("the memory of rank {peer} cannot be mapped");
    let segment =
        Segment::open(process as u32, number as i32, len as usize).map_err(|error| failure(&what, &error))?;
    if token(&segment).load(Ordering::Acquire) != secret {
        return Err(failure(&what, &"another process was found in its place"));
    }
    let places = parcels.chunks_exact(4).map(|words| {
        let place = ChannelPlace::from_words([words[1], words[2], words[3]]);
        let parcel = into.iter().position(|parcel| parcel.rank == peer && parcel.tag as u64 == words[0]);
        let parcel = parcel.filter(|&parcel| into[parcel].bytes == place.bytes());
        parcel.map(|parcel| (parcel, place))
    });
    match places.collect() {
        Some(places) => Ok(Neighbor { segment, places }),
        None => Err(failure(&what, &"its parcels are not those expected from it")),
    }
}

fn failure(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Parallel, format!("no halo exchange through shared memory: {what}: {why}"))
}

/// Sends each `(peer, words, count)` to that peer, and receives `count` words from it.
fn swap(
    comm: &SimpleCommunicator,
    tag: i32,
    letters: Vec<(usize, Vec<u64>, usize)>,
) -> BTreeMap<usize, Vec<u64>> {
    scope(|scope| {
        let process = |peer: usize| comm.process_at_rank(peer as i32);
        let sends: Vec<_> = letters
            .iter()
            .map(|(peer, words, _)| process(*peer).immediate_send_with_tag(scope, &words[..], tag))
            .collect();
        let receive = |&(peer, _, count): &(usize, Vec<u64>, usize)| {
            let mut words = vec![0; count];
            process(peer).receive_into_with_tag(&mut words[..], tag);
            (peer, words)
        };
        let received = letters.iter().map(receive).collect();
        sends.into_iter().for_each(|send| send.wait_without_status());
        received
    })
}
