//! Moving blocks between local arrays and a dataset. Default: all ranks together.
//!
//! Boxes of contiguous datasets go to and from the file directly; everything else, chunks above
//! all, goes through HDF5.

pub(in crate::io) mod background;
pub(in crate::io) mod direct;
pub(in crate::io) mod mode;
pub(in crate::io) mod sharing;
pub(in crate::io) mod staging;

use std::fs::{File, OpenOptions};
use std::io;

use hdf5::{Dataset, Datatype};

use crate::io::block::pieces::{Piece, Pieces};
use crate::io::block::placement::Placement;
use crate::io::block::portion::Portion;
use crate::io::block::selection::AxisRun;
use crate::io::block::stored::{Stored, StoredMut};
use crate::io::hdf5::ffi::{self, Hyperslab, TransferProperties};
use crate::io::hdf5::kinds::{self, FileKind};
use crate::io::ranks::largest;
use crate::world::World;
use direct::RankShare;
use mode::TransferMode;
use parhelion_kernels::{Element, ElementKind};
use staging::{FileValues, Scratch};

/// Writes all of the field to a dataset of its shape and type. As [`write()`].
pub(crate) fn write_all<F: Stored>(world: &World, dataset: &Dataset, field: &F) -> hdf5::Result<()> {
    let placement = field.placement();
    let portion = Portion::to_write(&placement, &whole(&placement), field.components(), None);
    write(world, dataset, (field, &portion), F::Value::KIND, &TransferMode::default())
}

/// Reads all of a dataset of the field's shape. As [`read`].
pub(crate) fn read_all<F: StoredMut>(world: &World, dataset: &Dataset, field: &mut F) -> hdf5::Result<()> {
    let placement = field.placement();
    let axes: Vec<usize> = (0..placement.file_shape.len()).collect();
    let portion = Portion::to_read(&placement, &placement.file_shape, &whole(&placement), &axes);
    read(world, dataset, (field, &portion), &TransferMode::default())
}

/// All of every axis.
fn whole(placement: &Placement) -> Vec<AxisRun> {
    placement.file_shape.iter().map(|&count| AxisRun { start: 0, step: 1, count, single: false }).collect()
}

/// Writes a portion of the field as values of kind `stored`. Collective, also for ranks that own
/// nothing.
///
/// Every rank makes the same number of calls, even after a failure; the caller agrees on the
/// outcome.
pub(in crate::io) fn write<F: Stored>(
    world: &World,
    dataset: &Dataset,
    (field, portion): (&F, &Portion),
    stored: ElementKind,
    mode: &TransferMode,
) -> hdf5::Result<()> {
    let components = field.components();
    let source = FileValues::new(field, portion, stored);
    let ready = || {
        let kind = kinds::datatype(stored, kinds::COMPLEX_MEMBERS)?;
        let origin = if dataset.dtype()? == kind { dataset.offset() } else { None };
        Ok((kind, origin, mode.transfer()?))
    };
    let (kind, origin, transfer) = together(world, ready())?;
    let share = origin.and_then(|origin| RankShare::new(world, portion, (origin, kind.size()), mode));
    if let Some(share) = share {
        let file = opened(world, OpenOptions::new().write(true).open(dataset.filename()))?;
        return share.write(&file, &source).map_err(plain);
    }
    let (mut scratch, direct) = (Scratch::default(), source.direct());
    let pieces =
        Pieces::new(&portion.count, size_of::<F::Value>() * components, mode.limit(direct.is_some()));
    let file_shape = portion.file_shape();
    each_piece(world, &pieces, |piece| {
        let place = portion.in_file(piece);
        let file = slab(&file_shape, &place);
        if let Some(values) = direct.filter(|_| piece.len() > 0) {
            let start = portion.local_start(piece);
            let memory =
                Hyperslab { extent: &portion.memory_shape, start: &start, count: &piece.count, step: None };
            let bytes = bytemuck::cast_slice(values);
            return mode.check(ffi::write(dataset, &kind, (memory, bytes), file, &transfer)?, world);
        }
        let length = piece.len() * components;
        let bytes = source.gather(&mut scratch, piece);
        let memory = Hyperslab { extent: &[length], start: &[0], count: &[length], step: None };
        mode.check(ffi::write(dataset, &kind, (memory, bytes), file, &transfer)?, world)
    })
}

/// Reads a portion of the dataset into the field, converting the values if need be. Collective,
/// also for ranks that own nothing.
///
/// Every rank makes the same number of calls, even after a failure; the caller agrees on the
/// outcome.
pub(in crate::io) fn read<F: StoredMut>(
    world: &World,
    dataset: &Dataset,
    (field, portion): (&mut F, &Portion),
    mode: &TransferMode,
) -> hdf5::Result<()> {
    let components = field.components();
    let ready = || {
        let stored = dataset.dtype()?;
        let wanted = FileKind::of(&stored).memory_type(F::Value::KIND)?;
        Ok((stored, wanted, mode.transfer()?))
    };
    let (stored, wanted, transfer): (Datatype, Datatype, TransferProperties) = together(world, ready())?;
    let share =
        dataset.offset().and_then(|origin| RankShare::new(world, portion, (origin, stored.size()), mode));
    if let Some(share) = share {
        let file = opened(world, File::open(dataset.filename()))?;
        return share.read(&file, (field, portion), (&stored, &wanted));
    }
    let convert = stored != wanted;
    let direct = components == 1 && !convert && portion.is_dense();
    // `stored` may be wider than an element; the buffer holds either
    let value = size_of::<F::Value>().max(stored.size());
    let pieces = Pieces::new(&portion.count, value * components, mode.limit(direct));
    let file_shape = portion.file_shape();
    let mut buffer = Vec::new();
    each_piece(world, &pieces, |piece| {
        let place = portion.in_file(piece);
        let file = slab(&file_shape, &place);
        if direct && piece.len() > 0 {
            let start = portion.local_start(piece);
            let memory =
                Hyperslab { extent: &portion.memory_shape, start: &start, count: &piece.count, step: None };
            let bytes = bytemuck::cast_slice_mut(field.component_mut(0));
            return mode.check(ffi::read(dataset, &stored, (memory, bytes), file, &transfer)?, world);
        }
        let length = piece.len() * components;
        buffer.resize((length * value).div_ceil(size_of::<F::Value>()), F::Value::default());
        let memory = Hyperslab { extent: &[length], start: &[0], count: &[length], step: None };
        let bytes = bytemuck::cast_slice_mut(&mut buffer);
        mode.check(ffi::read(dataset, &stored, (memory, bytes), file, &transfer)?, world)?;
        if convert {
            ffi::convert(&stored, &wanted, length, bytemuck::cast_slice_mut(&mut buffer))?;
        }
        for component in 0..if piece.len() > 0 { components } else { 0 } {
            let local = (field.component_mut(component), portion);
            staging::scatter(local, piece, (component, components), &buffer);
        }
        Ok(())
    })
}

/// A file that all ranks could open. Collective.
fn opened(world: &World, file: io::Result<File>) -> hdf5::Result<File> {
    together(world, file.map_err(plain))
}

/// The error in the words of the operating system.
fn plain(error: io::Error) -> hdf5::Error {
    error.to_string().into()
}

/// Returns what was prepared, if every rank could prepare it: no rank may begin a transfer that
/// another cannot.
fn together<T>(world: &World, prepared: hdf5::Result<T>) -> hdf5::Result<T> {
    match (largest(world, u64::from(prepared.is_err())), prepared) {
        (0, prepared) => prepared,
        (_, Err(error)) => Err(error),
        (_, Ok(_)) => Err(hdf5::Error::from("another rank could not prepare the transfer")),
    }
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

fn slab<'a>(extent: &'a [usize], [start, count, step]: &'a [Vec<usize>; 3]) -> Hyperslab<'a> {
    let plain = step.iter().all(|&step| step == 1);
    Hyperslab { extent, start, count, step: (!plain).then_some(step) }
}
