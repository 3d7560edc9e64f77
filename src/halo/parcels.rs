//! Parcels: the cells that go from rank to rank, and their order.

use std::ops::Range;

use parhelion_kernels::{ElementKind, Packing, Region};

use super::persistent::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::grid::Centering;

/// Alignment of the parts of a parcel, so that any element type may follow another.
const PART_ALIGN: usize = 64;

/// The largest number of parcels sent or received: the directions to neighbors on 4 axes.
const MOST: usize = 80;

/// The properties of a field on which a plan depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub struct FieldShape {
    pub kind: ElementKind,
    pub components: usize,
    pub centering: Centering,
}

/// The cells of all fields that go to one neighbor, or come from it, in one direction.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) rank: usize,
    /// Distinguishes the parcels between two ranks.
    pub(super) tag: i32,
    pub(super) bytes: usize,
    /// Whether it passes through shared memory; otherwise it is a message.
    pub(super) shared: bool,
}

/// The place of one field's cells in a parcel: those of component 0, then of 1, ….
#[derive(Clone, Debug)]
pub struct ParcelPart<const N: usize> {
    pub(crate) parcel: usize,
    pub(crate) region: Region<N>,
    pub(crate) bytes: Range<usize>,
}

/// One field's parts in all incoming parcels.
pub struct Incoming<const N: usize> {
    /// Their regions.
    pub(crate) packing: Packing<N>,
    pub(crate) parts: Vec<ParcelPart<N>>,
}

impl<const N: usize> Incoming<N> {
    pub(super) fn new(parts: Vec<ParcelPart<N>>) -> Result<Self> {
        let packing = Packing::new(parts.iter().map(|part| part.region).collect());
        let packing = packing.map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
        Ok(Self { packing, parts })
    }
}

/// All outgoing or all incoming parcels, and each field's parts in them, in ascending order.
pub(super) struct ParcelList<const N: usize> {
    pub(super) parcels: Vec<Parcel>,
    pub(super) parts: Vec<Vec<ParcelPart<N>>>,
}

impl<const N: usize> ParcelList<N> {
    pub(super) fn new(fields: usize) -> Self {
        Self { parcels: Vec::new(), parts: vec![Vec::new(); fields] }
    }

    /// Adds a parcel with one box of cells of each field, or nothing if all boxes are empty.
    pub(super) fn add(&mut self, rank: usize, tag: i32, shapes: &[FieldShape], boxes: &[Region<N>]) {
        let mut end = 0_usize;
        for ((shape, &region), parts) in shapes.iter().zip(boxes).zip(&mut self.parts) {
            if region.is_empty() {
                continue;
            }
            let begin = end.next_multiple_of(PART_ALIGN);
            end = begin + region.len() * shape.components * shape.kind.size();
            parts.push(ParcelPart { parcel: self.parcels.len(), region, bytes: begin..end });
        }
        if end > 0 {
            let bytes = end.next_multiple_of(PART_ALIGN);
            self.parcels.push(Parcel { rank, tag, bytes, shared: false });
        }
    }
}

/// The messages for those of `parcels` that are not shared, one after the other in a buffer, and
/// its bytes.
pub(super) fn messages(parcels: &[Parcel]) -> (Vec<Message>, usize) {
    let mut end = 0;
    let messages = parcels.iter().filter(|parcel| !parcel.shared).map(|parcel| {
        let start = end;
        end += parcel.bytes;
        Message { rank: parcel.rank, tag: parcel.tag, bytes: start..end }
    });
    (messages.collect(), end)
}

/// For every outgoing parcel, the bytes not yet taken and the number of bytes taken.
pub struct Outboxes<'a>([(&'a mut [u8], usize); MOST]);

impl<'a> Outboxes<'a> {
    /// The bytes of `parcels`: those of messages from `messages`, those of shared parcels from
    /// `shared`, in order.
    pub(super) fn new(
        parcels: &[Parcel],
        mut messages: &'a mut [u8],
        mut shared: impl Iterator<Item = &'a mut [u8]>,
    ) -> Self {
        let mut boxes = std::array::from_fn(|_| Default::default());
        for (place, parcel) in boxes.iter_mut().zip(parcels) {
            let bytes = if parcel.shared {
                shared.next().expect("each shared parcel has a channel")
            } else {
                let (bytes, rest) = messages.split_at_mut(parcel.bytes);
                messages = rest;
                bytes
            };
            *place = (bytes, 0);
        }
        Self(boxes)
    }

    /// Sets every byte not yet taken.
    pub(super) fn fill(self, value: u8) {
        self.0.into_iter().for_each(|(bytes, _)| bytes.fill(value));
    }

    /// Takes the bytes of a part. The parts of one parcel must be taken in ascending order.
    pub(crate) fn take<const N: usize>(&mut self, part: &ParcelPart<N>) -> &'a mut [u8] {
        let (rest, gone) = &mut self.0[part.parcel];
        let (_, bytes) = std::mem::take(rest).split_at_mut(part.bytes.start - *gone);
        let (bytes, after) = bytes.split_at_mut(part.bytes.len());
        (*rest, *gone) = (after, part.bytes.end);
        bytes
    }
}

/// The bytes of every incoming parcel.
pub struct Inboxes<'a>([&'a [u8]; MOST]);

impl<'a> Inboxes<'a> {
    /// Like [`Outboxes::new`].
    pub(super) fn new(
        parcels: &[Parcel],
        mut messages: &'a [u8],
        mut shared: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let mut boxes: [&[u8]; MOST] = [&[]; MOST];
        for (place, parcel) in boxes.iter_mut().zip(parcels) {
            if parcel.shared {
                *place = shared.next().expect("each shared parcel has a channel");
            } else {
                (*place, messages) = messages.split_at(parcel.bytes);
            }
        }
        Self(boxes)
    }

    /// The sum of all bytes.
    pub(super) fn sum(&self) -> u64 {
        self.0.iter().copied().flatten().map(|&byte| u64::from(byte)).sum()
    }

    pub(crate) fn part<const N: usize>(&self, part: &ParcelPart<N>) -> &'a [u8] {
        &self.0[part.parcel][part.bytes.clone()]
    }
}

/// The cells that a block sends to its neighbor in `direction`. Their number is the width of the
/// neighbor's halo on the opposite side.
pub(super) fn sent<const N: usize>(
    interior: Region<N>,
    direction: [isize; N],
    widths: [[usize; 2]; N],
) -> Region<N> {
    (0..N).fold(interior, |cells, a| {
        let [low, high] = widths[a].map(|width| width as isize);
        match direction[a] {
            -1 => cells.with_axis(a, interior.start[a], interior.start[a] + high),
            1 => cells.with_axis(a, interior.end[a] - low, interior.end[a]),
            _ => cells,
        }
    })
}

/// The halo cells that a block receives from its neighbor in `direction`.
pub(super) fn received<const N: usize>(
    interior: Region<N>,
    direction: [isize; N],
    widths: [[usize; 2]; N],
) -> Region<N> {
    (0..N).fold(interior, |cells, a| {
        let [low, high] = widths[a].map(|width| width as isize);
        match direction[a] {
            -1 => cells.with_axis(a, interior.start[a] - low, interior.start[a]),
            1 => cells.with_axis(a, interior.end[a], interior.end[a] + high),
            _ => cells,
        }
    })
}
