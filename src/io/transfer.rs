//! Moving blocks between local arrays and datasets, collectively.
//!
//! Elements that look alike in memory and file go straight from or to the halo'd array. Several
//! components, which the file interleaves, and values that need converting pass through a small
//! buffer piece by piece: one collective call per piece with contiguous rows costs far less than
//! the calls with single elements, or the independent ones, that HDF5 would make of them.

use hdf5::Dataset;

use super::collective::largest;
use super::ffi::{self, IoMode, Slab, Transfer};
use super::kinds::{self, FileKind};
use super::pieces::{Piece, Pieces};
use super::placement::Placement;
use super::staging;
use super::stored::{Stored, StoredMut};
use crate::{Element, World};

/// Most bytes per collective call. MPI-IO and the libraries below it count in 32 bits.
const LARGEST_CALL: usize = 1 << 30;
/// Bytes of the buffer for pieces that are interleaved or converted.
const STAGING: usize = 32 << 20;

/// Writes this rank's block of the field. Collective, also for ranks that own nothing.
///
/// Every rank makes the same number of calls, whatever fails; the caller agrees on the outcome.
pub(crate) fn write<F: Stored>(world: &World, dataset: &Dataset, field: &F) -> hdf5::Result<()> {
    let placement = field.placement();
    let components = field.components();
    let element = size_of::<F::Value>() * components;
    let limit = if components == 1 { LARGEST_CALL } else { STAGING };
    let pieces = Pieces::new(&placement.shape, element, limit);
    let kind = kinds::datatype(F::Value::KIND, kinds::COMPLEX_MEMBERS)?;
    let transfer = Transfer::collective()?;
    let mut buffer = Vec::new();
    each_piece(world, &pieces, |piece| {
        let file = FileSlab::new(&placement, piece, components);
        let mode = if components == 1 && piece.len() > 0 {
            let start = local_start(&placement, piece);
            let memory = Slab { extent: &placement.memory_shape, start: &start, count: &piece.count };
            ffi::write(dataset, &kind, (memory, ffi::bytes(field.component(0))), file.slab(), &transfer)?
        } else {
            let length = piece.len() * components;
            buffer.resize(length, F::Value::default());
            for component in 0..if piece.len() > 0 { components } else { 0 } {
                let local = (field.component(component), &placement);
                staging::gather(local, piece, (component, components), &mut buffer);
            }
            let memory = Slab { extent: &[length], start: &[0], count: &[length] };
            ffi::write(dataset, &kind, (memory, ffi::bytes(&buffer)), file.slab(), &transfer)?
        };
        check_mode(mode, world);
        Ok(())
    })
}

/// Reads this rank's block of the field, converting the values if need be. Collective, also for
/// ranks that own nothing.
///
/// Every rank makes the same number of calls, whatever fails; the caller agrees on the outcome.
pub(crate) fn read<F: StoredMut>(world: &World, dataset: &Dataset, field: &mut F) -> hdf5::Result<()> {
    let placement = field.placement();
    let components = field.components();
    let stored = dataset.dtype()?;
    let wanted = FileKind::of(&stored).memory_type(F::Value::KIND)?;
    let convert = stored != wanted;
    let direct = components == 1 && !convert;
    // `stored` may be wider than an element; the buffer holds either
    let value = size_of::<F::Value>().max(stored.size());
    let limit = if direct { LARGEST_CALL } else { STAGING };
    let pieces = Pieces::new(&placement.shape, value * components, limit);
    let transfer = Transfer::collective()?;
    let mut buffer = Vec::new();
    each_piece(world, &pieces, |piece| {
        let file = FileSlab::new(&placement, piece, components);
        if direct && piece.len() > 0 {
            let start = local_start(&placement, piece);
            let memory = Slab { extent: &placement.memory_shape, start: &start, count: &piece.count };
            let bytes = ffi::bytes_mut(field.component_mut(0));
            check_mode(ffi::read(dataset, &stored, (memory, bytes), file.slab(), &transfer)?, world);
            return Ok(());
        }
        let length = piece.len() * components;
        buffer.resize((length * value).div_ceil(size_of::<F::Value>()), F::Value::default());
        let memory = Slab { extent: &[length], start: &[0], count: &[length] };
        let bytes = ffi::bytes_mut(&mut buffer);
        check_mode(ffi::read(dataset, &stored, (memory, bytes), file.slab(), &transfer)?, world);
        if convert {
            ffi::convert(&stored, &wanted, length, ffi::bytes_mut(&mut buffer))?;
        }
        for component in 0..if piece.len() > 0 { components } else { 0 } {
            let local = (field.component_mut(component), &placement);
            staging::scatter(local, piece, (component, components), &buffer);
        }
        Ok(())
    })
}

/// In debug builds, panics if the library did not do together what it was asked to.
fn check_mode(mode: IoMode, world: &World) {
    debug_assert!(
        mode == IoMode::Collective || world.size() == 1,
        "HDF5 gave up collective transfer: {mode:?}"
    );
}

/// Runs `work` on every piece of this rank and then on empty ones, until the rank with the most
/// pieces has done its last; gives the first error.
fn each_piece(
    world: &World,
    pieces: &Pieces,
    mut work: impl FnMut(&Piece) -> hdf5::Result<()>,
) -> hdf5::Result<()> {
    let mut outcome = Ok(());
    for number in 0..largest(world, pieces.len() as u64) as usize {
        let result = work(&pieces.get(number));
        outcome = outcome.and(result);
    }
    outcome
}

/// Index in the local array at which a piece begins.
fn local_start(placement: &Placement, piece: &Piece) -> Vec<usize> {
    placement.memory_start.iter().zip(&piece.start).map(|(block, piece)| block + piece).collect()
}

/// The box of the dataset that a piece is.
struct FileSlab {
    extent: Vec<usize>,
    start: Vec<usize>,
    count: Vec<usize>,
}

impl FileSlab {
    fn new(placement: &Placement, piece: &Piece, components: usize) -> Self {
        let mut slab = Self {
            extent: placement.file_shape.clone(),
            start: placement
                .file_start
                .iter()
                .zip(&piece.start)
                .map(|(block, piece)| block + piece)
                .collect(),
            count: piece.count.clone(),
        };
        if components > 1 {
            slab.extent.push(components);
            slab.start.push(0);
            slab.count.push(components);
        }
        slab
    }

    fn slab(&self) -> Slab<'_> {
        Slab { extent: &self.extent, start: &self.start, count: &self.count }
    }
}
