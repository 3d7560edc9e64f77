//! Contiguous datasets, written and read with `pwrite` and `pread`.
//!
//! A block of a contiguous dataset is a number of runs of bytes at known offsets of a file. The
//! ranks make these runs long ([`sharing`](super::sharing)), and then each moves its own.
//! Collective transfer through HDF5 and MPI-IO does the same for any selection, but is slower,
//! because it does not know that all ranks have boxes.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Mutex;

use hdf5::Datatype;

use crate::io::block::file_box::FileBox;
use crate::io::block::pieces::{self, Piece, Pieces};
use crate::io::block::portion::Portion;
use crate::io::block::stored::StoredMut;
use crate::io::hdf5::ffi;
use crate::io::ranks::largest;
use crate::io::transfer::mode::TransferMode;
use crate::io::transfer::sharing::{RowSharing, SharingLimits, SwapBuffers};
use crate::io::transfer::staging::{self, FileValues, Scratch};
use crate::world::World;
use parhelion_kernels::Element;

/// The part of a dataset that this rank writes or reads itself.
pub(in crate::io) struct RankShare {
    /// A box, of which `bytes` are this rank's.
    place: FileBox,
    bytes: Range<usize>,
    sharing: Option<RowSharing>,
    limits: SharingLimits,
}

impl RankShare {
    /// For the portion of each rank, of values of `size` bytes in a dataset that begins at
    /// `origin`.
    ///
    /// `None` on every rank if the values of some rank are scattered over the dataset one by one.
    /// Collective.
    pub(in crate::io) fn new(
        world: &World,
        portion: &Portion,
        (origin, size): (u64, usize),
        &TransferMode { independent, limits, .. }: &TransferMode,
    ) -> Option<Self> {
        let ranges = portion.ranges();
        if largest(world, u64::from(ranges.is_none())) > 0 {
            return None;
        }
        let ranges = ranges.expect("no rank is without");
        let sharing = if independent {
            None
        } else {
            RowSharing::new(world, (portion, &ranges), (origin, size), limits)
        };
        Some(match sharing {
            None => {
                let place = FileBox::new(portion, &ranges, (origin, size));
                let bytes = 0..place.len();
                Self { place, bytes, sharing: None, limits }
            }
            Some((sharing, place)) => {
                let Range { start, end } = sharing.mine();
                let bytes = start * sharing.slab()..end * sharing.slab();
                Self { place, bytes, sharing: Some(sharing), limits }
            }
        })
    }

    /// Bytes that this rank writes or reads itself.
    pub(in crate::io) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The place of these bytes: a box, and a range of its bytes.
    pub(in crate::io) fn place(&self) -> (&FileBox, Range<usize>) {
        (&self.place, self.bytes.clone())
    }

    /// Writes the values to the file. Collective where rows are shared, whatever fails.
    pub(in crate::io) fn write<T: Element>(&self, file: &File, source: &FileValues<'_, T>) -> io::Result<()> {
        let mut scratch = Scratch::default();
        let mut buffer = Vec::new();
        let mut outcome = Ok(());
        let mut put = |first: usize, bytes: &[u8]| {
            if outcome.is_ok() {
                outcome = self.place.put(file, first, bytes);
            }
        };
        let Some(sharing) = &self.sharing else {
            let pieces = Pieces::new(&source.portion().count, source.point(), self.limits.at_once);
            for number in 0..pieces.len() {
                let piece = pieces.get(number);
                buffer.resize(piece.len() * source.point(), 0);
                source.copy(&mut scratch, &piece, &mut buffer);
                put(pieces.before(number) * source.point(), &buffer);
            }
            return outcome;
        };
        let mut parcels = SwapBuffers::default();
        for step in 0..sharing.steps() {
            let slabs = sharing.now(step);
            buffer.resize(slabs.len() * sharing.slab(), 0);
            sharing.collect(step, &mut parcels, gather(sharing, source, &mut scratch), &mut buffer);
            put(slabs.start * sharing.slab(), &buffer);
        }
        outcome
    }

    /// Copies what this rank writes to a buffer of [`len`](Self::len) bytes, with all its cores
    /// where none waits for other ranks. Collective where rows are shared.
    pub(in crate::io) fn copy<T: Element>(
        &self,
        world: &World,
        source: &FileValues<'_, T>,
        buffer: &mut [u8],
    ) {
        let Some(sharing) = &self.sharing else {
            return copy_pieces(world, source, self.limits.at_once, buffer);
        };
        let (mut scratch, mut parcels) = (Scratch::default(), SwapBuffers::default());
        let mut rest = buffer;
        for step in 0..sharing.steps() {
            let (slabs, others) = rest.split_at_mut(sharing.now(step).len() * sharing.slab());
            sharing.collect(step, &mut parcels, gather(sharing, source, &mut scratch), slabs);
            rest = others;
        }
    }

    /// Reads values of type `stored` into the field, where they are `wanted`. Collective where rows
    /// are shared, whatever fails.
    pub(in crate::io) fn read<F: StoredMut>(
        &self,
        file: &File,
        (field, portion): (&mut F, &Portion),
        kinds: (&Datatype, &Datatype),
    ) -> hdf5::Result<()> {
        let point = kinds.0.size() * field.components();
        let mut target = FieldTarget { field, portion, kinds, values: Vec::new(), outcome: Ok(()) };
        let mut buffer = Vec::new();
        let Some(sharing) = &self.sharing else {
            let pieces = Pieces::new(&portion.count, point, self.limits.at_once);
            for number in 0..pieces.len() {
                let piece = pieces.get(number);
                buffer.resize(piece.len() * point, 0);
                target.fetch(|| self.place.get(file, pieces.before(number) * point, &mut buffer));
                target.put(&piece, &buffer);
            }
            return target.outcome;
        };
        let mut parcels = SwapBuffers::default();
        for step in 0..sharing.steps() {
            let slabs = sharing.now(step);
            buffer.resize(slabs.len() * sharing.slab(), 0);
            target.fetch(|| self.place.get(file, slabs.start * sharing.slab(), &mut buffer));
            sharing.distribute(step, &mut parcels, &buffer, |slabs, mut bytes| {
                for piece in pieces::of_slabs(&portion.count, sharing.axis(), slabs) {
                    let (mine, others) = bytes.split_at(piece.len() * point);
                    target.put(&piece, mine);
                    bytes = others;
                }
            });
        }
        target.outcome
    }
}

/// Copies all of a block, each core a part. Cores that do not compute take part too, because they
/// are idle meanwhile.
fn copy_pieces<T: Element>(world: &World, source: &FileValues<'_, T>, at_once: usize, buffer: &mut [u8]) {
    let pieces = Pieces::new(&source.portion().count, source.point(), at_once);
    let threads = world.threads().max(world.cores());
    let bound = |thread: usize| pieces.len() * thread / threads;
    let mut rest = buffer;
    let parts: Vec<_> = (0..threads)
        .map(|thread| {
            let bytes = (pieces.before(bound(thread + 1)) - pieces.before(bound(thread))) * source.point();
            let (part, others) = std::mem::take(&mut rest).split_at_mut(bytes);
            rest = others;
            Mutex::new(part)
        })
        .collect();
    let work = |thread: usize| {
        let mut part = parts[thread].lock().expect("each thread has its own");
        let (mut rest, mut scratch) = (&mut **part, Scratch::default());
        for number in bound(thread)..bound(thread + 1) {
            let piece = pieces.get(number);
            let (out, others) = rest.split_at_mut(piece.len() * source.point());
            source.copy(&mut scratch, &piece, out);
            rest = others;
        }
    };
    if threads == world.threads() {
        return world.pool().run(work);
    }
    std::thread::scope(|scope| {
        let work = &work;
        (1..threads).for_each(|thread| drop(scope.spawn(move || work(thread))));
        work(0);
    });
}

/// The function that gathers this rank's parts of some slabs.
fn gather<T: Element>(
    sharing: &RowSharing,
    source: &FileValues<'_, T>,
    scratch: &mut Scratch<T>,
) -> impl FnMut(Range<usize>, &mut [u8]) {
    |slabs, mut out| {
        for piece in pieces::of_slabs(&source.portion().count, sharing.axis(), slabs) {
            let (part, others) = out.split_at_mut(piece.len() * source.point());
            source.copy(scratch, &piece, part);
            out = others;
        }
    }
}

/// A field being filled.
struct FieldTarget<'a, F: StoredMut> {
    field: &'a mut F,
    portion: &'a Portion,
    /// Types of the values in the file and in the field.
    kinds: (&'a Datatype, &'a Datatype),
    values: Vec<F::Value>,
    /// The first failure; nothing is read after it.
    outcome: hdf5::Result<()>,
}

impl<F: StoredMut> FieldTarget<'_, F> {
    fn fetch(&mut self, work: impl FnOnce() -> io::Result<()>) {
        if self.outcome.is_ok() {
            self.outcome = work().map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => "the file ends before the dataset does".into(),
                _ => error.to_string().into(),
            });
        }
    }

    /// Fills a piece of the field from these bytes of the file.
    fn put(&mut self, piece: &Piece, bytes: &[u8]) {
        if self.outcome.is_err() || piece.len() == 0 {
            return;
        }
        let components = self.field.components();
        let (stored, wanted) = self.kinds;
        let convert = stored != wanted;
        if components == 1 && !convert {
            return staging::spread((self.field.component_mut(0), self.portion), piece, bytes);
        }
        let length = piece.len() * components;
        let value = size_of::<F::Value>().max(stored.size());
        self.values.resize((length * value).div_ceil(size_of::<F::Value>()), F::Value::default());
        bytemuck::cast_slice_mut(&mut self.values)[..bytes.len()].copy_from_slice(bytes);
        if convert {
            self.outcome = ffi::convert(stored, wanted, length, bytemuck::cast_slice_mut(&mut self.values));
        }
        for component in 0..components {
            let local = (self.field.component_mut(component), self.portion);
            staging::scatter(local, piece, (component, components), &self.values);
        }
    }
}
