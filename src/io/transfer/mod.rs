//! Moving blocks between local arrays and a dataset, collectively unless asked otherwise.
//!
//! Boxes of contiguous datasets go to and from the file directly; everything else, chunks above all, goes through HDF5.

pub(in crate::io) mod background;
pub(in crate::io) mod direct;
mod sharing;
pub(in crate::io) mod staging;

use std::fs::{File, OpenOptions};
use std::io;

use hdf5::{Dataset, Datatype};

use crate::io::block::pieces::{Piece, Pieces};
use crate::io::block::placement::Placement;
use crate::io::block::portion::Portion;
use crate::io::block::selection::Run;
use crate::io::block::stored::{Stored, StoredMut};
use crate::io::file::collective::largest;
use crate::io::hdf5::ffi::{self, IoMode, Slab, Transfer};
use crate::io::hdf5::kinds::{self, FileKind};
use crate::world::World;
use direct::Share;
use parhelion_kernels::{Element, ElementKind};
use sharing::Limits;
use staging::{Scratch, Source};

/// How bytes are moved.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct How {
    /// Every rank by itself instead of all together.
    pub(in crate::io) independent: bool,
    /// Most bytes per call straight from or to the array.
    largest_call: usize,
    /// Bytes of the buffer for pieces that are interleaved or converted.
    staging: usize,
    /// For contiguous datasets.
    pub(in crate::io) limits: Limits,
}

impl Default for How {
    fn default() -> Self {
        // MPI-IO and the libraries below it count bytes in 32 bits
        Self { independent: false, largest_call: 1 << 30, staging: 32 << 20, limits: Limits::default() }
    }
}

impl How {
    pub(in crate::io) fn independently(independent: bool) -> Self {
        Self { independent, ..Self::default() }
    }

    /// How many bytes go into one call.
    fn limit(&self, direct: bool) -> usize {
        if direct { self.largest_call } else { self.staging }
    }

    fn transfer(&self) -> hdf5::Result<Transfer> {
        if self.independent { Transfer::independent() } else { Transfer::collective() }
    }

    /// Refuses a transfer that was asked to be collective and was not.
    ///
    /// On one rank HDF5 takes the shorter way, rightly.
    fn check(&self, mode: IoMode, world: &World) -> hdf5::Result<()> {
        let causes = match mode {
            IoMode::Collective => return Ok(()),
            IoMode::NotCollective(causes) => causes,
            IoMode::Mixed => 0,
        };
        if self.independent || world.size() == 1 {
            return Ok(());
        }
        Err(hdf5::Error::from(format!("HDF5 gave up collective transfer ({mode:?}, causes {causes:#x})")))
    }
}

/// Writes all of the field to a dataset of its shape and type. As [`write()`].
pub(crate) fn write_all<F: Stored>(world: &World, dataset: &Dataset, field: &F) -> hdf5::Result<()> {
    let placement = field.placement();
    let portion = Portion::to_write(&placement, &whole(&placement), field.components(), None);
    write(world, dataset, (field, &portion), F::Value::KIND, &How::default())
}

/// Reads all of a dataset of the field's shape. As [`read`].
pub(crate) fn read_all<F: StoredMut>(world: &World, dataset: &Dataset, field: &mut F) -> hdf5::Result<()> {
    let placement = field.placement();
    let axes: Vec<usize> = (0..placement.file_shape.len()).collect();
    let portion = Portion::to_read(&placement, &placement.file_shape, &whole(&placement), &axes);
    read(world, dataset, (field, &portion), &How::default())
}

/// All of every axis.
fn whole(placement: &Placement) -> Vec<Run> {
    placement.file_shape.iter().map(|&count| Run { start: 0, step: 1, count, single: false }).collect()
}

/// Writes a portion of the field as values of kind `stored`. Collective, also for ranks that own
/// nothing.
///
/// Every rank makes the same number of calls, whatever fails; the caller agrees on the outcome.
pub(in crate::io) fn write<F: Stored>(
    world: &World,
    dataset: &Dataset,
    (field, portion): (&F, &Portion),
    stored: ElementKind,
    how: &How,
) -> hdf5::Result<()> {
    let components = field.components();
    let source = Source::new(field, portion, stored);
    let ready = || {
        let kind = kinds::datatype(stored, kinds::COMPLEX_MEMBERS)?;
        let origin = if dataset.dtype()? == kind { dataset.offset() } else { None };
        Ok((kind, origin, how.transfer()?))
    };
    let (kind, origin, transfer) = together(world, ready())?;
    let share = origin.and_then(|origin| Share::new(world, portion, (origin, kind.size()), how));
    if let Some(share) = share {
        let file = opened(world, OpenOptions::new().write(true).open(dataset.filename()))?;
        return share.write(&file, &source).map_err(plain);
    }
    let (mut scratch, direct) = (Scratch::default(), source.direct());
    let pieces = Pieces::new(&portion.count, size_of::<F::Value>() * components, how.limit(direct.is_some()));
    let file_shape = portion.file_shape();
    each_piece(world, &pieces, |piece| {
        let place = portion.in_file(piece);
        let file = slab(&file_shape, &place);
        if let Some(values) = direct.filter(|_| piece.len() > 0) {
            let start = portion.local_start(piece);
            let memory =
                Slab { extent: &portion.memory_shape, start: &start, count: &piece.count, step: None };
            let bytes = ffi::bytes(values);
            return how.check(ffi::write(dataset, &kind, (memory, bytes), file, &transfer)?, world);
        }
        let length = piece.len() * components;
        let bytes = source.gather(&mut scratch, piece);
        let memory = Slab { extent: &[length], start: &[0], count: &[length], step: None };
        how.check(ffi::write(dataset, &kind, (memory, bytes), file, &transfer)?, world)
    })
}

/// Reads a portion of the dataset into the field, converting the values if need be. Collective, also
/// for ranks that own nothing.
///
/// Every rank makes the same number of calls, whatever fails; the caller agrees on the outcome.
pub(in crate::io) fn read<F: StoredMut>(
    world: &World,
    dataset: &Dataset,
    (field, portion): (&mut F, &Portion),
    how: &How,
) -> hdf5::Result<()> {
    let components = field.components();
    let ready = || {
        let stored = dataset.dtype()?;
        let wanted = FileKind::of(&stored).memory_type(F::Value::KIND)?;
        Ok((stored, wanted, how.transfer()?))
    };
    let (stored, wanted, transfer): (Datatype, Datatype, Transfer) = together(world, ready())?;
    let share = dataset.offset().and_then(|origin| Share::new(world, portion, (origin, stored.size()), how));
    if let Some(share) = share {
        let file = opened(world, File::open(dataset.filename()))?;
        return share.read(&file, (field, portion), (&stored, &wanted));
    }
    let convert = stored != wanted;
    let direct = components == 1 && !convert && portion.is_dense();
    // `stored` may be wider than an element; the buffer holds either
    let value = size_of::<F::Value>().max(stored.size());
    let pieces = Pieces::new(&portion.count, value * components, how.limit(direct));
    let file_shape = portion.file_shape();
    let mut buffer = Vec::new();
    each_piece(world, &pieces, |piece| {
        let place = portion.in_file(piece);
        let file = slab(&file_shape, &place);
        if direct && piece.len() > 0 {
            let start = portion.local_start(piece);
            let memory =
                Slab { extent: &portion.memory_shape, start: &start, count: &piece.count, step: None };
            let bytes = ffi::bytes_mut(field.component_mut(0));
            return how.check(ffi::read(dataset, &stored, (memory, bytes), file, &transfer)?, world);
        }
        let length = piece.len() * components;
        buffer.resize((length * value).div_ceil(size_of::<F::Value>()), F::Value::default());
        let memory = Slab { extent: &[length], start: &[0], count: &[length], step: None };
        let bytes = ffi::bytes_mut(&mut buffer);
        how.check(ffi::read(dataset, &stored, (memory, bytes), file, &transfer)?, world)?;
        if convert {
            ffi::convert(&stored, &wanted, length, ffi::bytes_mut(&mut buffer))?;
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

/// The system's own words.
fn plain(error: io::Error) -> hdf5::Error {
    error.to_string().into()
}

/// What was prepared, if it was on every rank: no rank may begin a transfer that another cannot.
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

fn slab<'a>(extent: &'a [usize], [start, count, step]: &'a [Vec<usize>; 3]) -> Slab<'a> {
    let plain = step.iter().all(|&step| step == 1);
    Slab { extent, start, count, step: (!plain).then_some(step) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hdf5::OpenMode;

    use super::*;
    use crate::error::Result;
    use crate::field::Field;
    use crate::grid::{Centering, Grid};
    use crate::io::block::portion::Portion;
    use crate::io::block::selection::Selection;
    use crate::io::dataset::Plan;
    use crate::io::file::collective::{on_root, open_alone, with_dataset};
    use crate::io::file::storage::cannot;
    use crate::io::options::WriteOptions;
    use crate::testing::on_ranks;

    /// Limits as far below the blocks of the test as those of MPI are below blocks of many GiB.
    fn small() -> How {
        let limits = Limits { long_enough: 100, at_once: 120 };
        How { independent: false, largest_call: 100, staging: 40, limits }
    }

    fn number([z, y, x]: [usize; 3]) -> f64 {
        ((z * 100 + y) * 100 + x) as f64
    }

    fn field(grid: &Grid<3>, components: usize) -> Result<Field<f64, 3>> {
        grid.field_builder("u").centering(Centering::Face(1)).components(components).build()
    }

    fn there_and_back(
        world: &World,
        path: &Path,
        options: &WriteOptions,
        components: usize,
        [from, to]: [[usize; 3]; 2],
    ) -> Result<()> {
        let mut u = field(&Grid::builder([5, 6, 7]).procs(from).build(world)?, components)?;
        for component in 0..components {
            u.fill_component_indexed(component, |index| number(index) + 0.25 * component as f64);
        }
        let plan = Plan::new(world, &u, options)?;
        let fail = |reason: &str| cannot("use", path, reason);
        on_root(world, || {
            let define = || {
                let file = open_alone(path, OpenMode::Create)?;
                plan.define(&file, None)?;
                file.close()
            };
            define().map(|()| Vec::new()).map_err(|error: hdf5::Error| fail(&error.to_string()))
        })?;
        let portion = plan.portion(&u, None);
        with_dataset(world, (path, "u", OpenMode::ReadWrite), fail, |dataset| {
            write(world, dataset, (&u, &portion), plan.item.kind, &small())
        })?;
        let mut back = field(&Grid::builder([5, 6, 7]).procs(to).build(world)?, components)?;
        let runs = Selection::default().runs(&portion.file_shape())?;
        let portion = Portion::to_read(&back.placement(), &portion.file_shape(), &runs, &[0, 1, 2]);
        with_dataset(world, (path, "u", OpenMode::Read), fail, |dataset| {
            read(world, dataset, (&mut back, &portion), &small())
        })?;
        for component in 0..components {
            for local in back.region_local().indices() {
                let start = back.region_global().start;
                let global = std::array::from_fn(|a| (start[a] + local[a]) as usize);
                let found = back.component(component).get(local);
                assert_eq!(found, number(global) + 0.25 * component as f64, "{options:?} {from:?} {to:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn blocks_beyond_the_limits_go_in_many_calls() {
        let path = std::env::temp_dir().join("parhelion-pieces.h5");
        // blocks are uneven, so that ranks make different numbers of calls
        on_ranks([1, 2, 3, 4], |world| {
            let n = world.size();
            for components in [1, 3] {
                for options in [
                    WriteOptions::new().chunked(),
                    WriteOptions::new().chunks([2, 4, 3]),
                    WriteOptions::new().chunks([2, 4, 3]).compressed(1),
                ] {
                    there_and_back(world, &path, &options, components, [[1, n, 1], [1, 1, n]])?;
                }
            }
            // contiguous: with short and with long rows, and planes that ranks share
            let mut grids = vec![[1, 1, n], [1, n, 1], [n, 1, 1]];
            grids.extend((n == 4).then_some([1, 2, 2]));
            for (number, &from) in grids.iter().enumerate() {
                for &to in &grids {
                    for options in
                        [WriteOptions::new(), WriteOptions::new().as_f32(), WriteOptions::new().independent()]
                    {
                        there_and_back(world, &path, &options, 1 + 2 * (number % 2), [from, to])?;
                    }
                }
            }
            world.barrier();
            if world.rank() == 0 {
                std::fs::remove_file(&path)?;
            }
            Ok(())
        });
    }
}
