//! Writing fields to one shared file.

mod finish;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use hdf5::OpenMode;

use super::{journal, transfer, xdmf};
use crate::error::{Error, ErrorKind, Result};
use crate::io::block::stored::Stored;
use crate::io::dataset::Plan;
use crate::io::file::collective::{on_root, open_alone, same_everywhere, with_dataset};
use crate::io::file::storage::{self, Draft, cannot, complaint};
use crate::io::hdf5::attributes::{self, Attribute};
use crate::io::options::WriteOptions;
use crate::io::transfer::background::Block;
use crate::io::transfer::direct::Share;
use crate::io::transfer::staging::Source;
use crate::measure::Kind;
use crate::world::World;

/// Version of [the format](crate::guide::file_format) of the files.
pub(in crate::io) const FORMAT: i64 = 1;

/// A file that all ranks write together, and that appears under its name only when complete.
///
/// The file grows under a temporary name in the same directory. [`finish`](Self::finish) makes
/// sure that it is on disk and gives it its name, replacing an older file in one step. An output
/// that is dropped before, because of an error or otherwise, leaves nothing behind, and the older
/// file as it was. Every method takes the output and gives it back, so that the compiler warns of
/// one that is not finished and an output that failed cannot be used further.
///
/// Each field becomes a dataset in C order, contiguous unless [`WriteOptions`] say otherwise and in the
/// machine's byte order, with its attributes `units` and `long_name` and a dimension scale per axis,
/// as xarray, netCDF and h5py expect them ([the format](crate::guide::file_format)). Components become the
/// last axis, complex numbers compounds of `r` and `i`.
/// Beside `heat.h5`, ParaView and pyvista find the fields of one to three axes on their grid in
/// `heat.xdmf`; complex ones, and those of other than 1, 2, 3, 6 or 9 components, are left out there.
#[must_use = "a file that is not finished is removed"]
#[derive(Debug)]
pub struct Output<'w> {
    world: &'w World,
    /// The path as the user gave it.
    target: PathBuf,
    /// Where the file is until it is complete.
    temporary: PathBuf,
    /// On rank 0: the file under its temporary name, and the right to remove it.
    draft: Option<Draft>,
    time: Option<f64>,
    attributes: Vec<(String, Attribute)>,
    items: Vec<xdmf::Item>,
    /// This rank's copies of what is not in the file yet, where writing waits until the end.
    copies: Option<Vec<Block>>,
    /// Whether datasets have an axis of time before the others, with one time.
    extendable: bool,
}

impl<'w> Output<'w> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// If there cannot be a file of that name: its directory is missing or may not be written to,
    /// or there is something of that name that is not an ordinary file.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path. So do all methods of an output, and every error is
    /// the same on every rank.
    pub fn create(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        Self::begin(world, path.as_ref(), None)
    }

    /// Begins a file whose datasets have an axis of time that can be extended, with one time so far
    /// and its units. Collective.
    pub(in crate::io) fn create_extendable(
        world: &'w World,
        path: &Path,
        time: (f64, Option<&str>),
    ) -> Result<Self> {
        Self::begin(world, path, Some(time))
    }

    fn begin(world: &'w World, path: &Path, first: Option<(f64, Option<&str>)>) -> Result<Self> {
        let target = path.to_owned();
        same_everywhere(world, "the path of an output file", &target)?;
        let mut draft = None;
        let temporary = on_root(world, || {
            if target.extension().is_some_and(|extension| extension == "xdmf") {
                let reason = "that is the name of the side file for ParaView; end it in .h5";
                return Err(cannot("create", &target, reason));
            }
            let made = Draft::create(&target)?;
            // it is replaced only when the new one is complete; until then it had better be whole
            let _ = journal::extendable::recover(&target);
            let begin = || {
                let file = open_alone(&made.path, OpenMode::Create)?;
                if let Some((time, units)) = first {
                    journal::extendable::define_time(&file, time, units)?;
                }
                file.close()
            };
            begin().map_err(|error| cannot("create", &target, &complaint(&error)))?;
            let path = made.path.to_str().map(|path| path.as_bytes().to_vec());
            draft = Some(made);
            path.ok_or_else(|| cannot("create", &target, "the path is not UTF-8"))
        })?;
        let temporary = PathBuf::from(String::from_utf8_lossy(&temporary).into_owned());
        Ok(Self {
            world,
            target,
            temporary,
            draft,
            time: None,
            attributes: Vec::new(),
            items: Vec::new(),
            copies: None,
            extendable: first.is_some(),
        })
    }

    /// States the time of the fields in the file: its attribute `time`.
    pub fn time(mut self, time: f64) -> Self {
        self.time = Some(time);
        self
    }

    /// Attaches an attribute to the file. Rank 0's name and value count.
    ///
    /// # Errors
    ///
    /// If the file was given an attribute of that name before, or it cannot be one: it is empty or one that the
    /// library sets itself (`time`, which [`time`](Self::time) is for, `Conventions`, `parhelion_format`,
    /// `parhelion_state`), or the value is a list of more than 64000 bytes, or contains a null character.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn attribute(mut self, name: &str, value: impl Into<Attribute>) -> Result<Self> {
        let value = value.into();
        attributes::check(self.world, &self.target, &self.attributes, (name, &value))?;
        self.attributes.push((name.into(), value));
        Ok(self)
    }

    /// With attributes that were checked before.
    pub(in crate::io) fn with_attributes(mut self, attributes: &[(String, Attribute)]) -> Self {
        self.attributes.extend_from_slice(attributes);
        self
    }

    /// Writes a field under its own name.
    ///
    /// # Errors
    ///
    /// If the file already holds something of that name, the name is empty or contains a `/`, an
    /// axis has the name of another with other coordinates, or the disk is full.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field.
    pub fn write<F: Stored>(self, field: &F) -> Result<Self> {
        self.write_with(field, &WriteOptions::new())
    }

    /// Writes a field under another name.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same name and field.
    pub fn write_as<F: Stored>(self, name: &str, field: &F) -> Result<Self> {
        self.write_with(field, &WriteOptions::new().name(name))
    }

    /// Writes a field, or a part of it, in the layout and precision of `options`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and if the options do not go with the field or with each other, or a rank lacks a
    /// filter.
    /// Compressed datasets need space for their values before compression.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field and options.
    pub fn write_with<F: Stored>(mut self, field: &F, options: &WriteOptions) -> Result<Self> {
        let timing =
            self.world.measure().start_on(Kind::Write, options.name.as_deref().unwrap_or(field.name()));
        let mut plan = Plan::new(self.world, field, options)?;
        if self.extendable {
            plan.require_chunks(self.world, field);
        }
        let name = &plan.item.name;
        let origin = on_root(self.world, || {
            let origin = self.define(&plan).map_err(|error| self.cannot_write(name, &error))?;
            Ok(origin.map_or(Vec::new(), |origin| origin.to_le_bytes().into()))
        })?;
        let portion = plan.portion(field, self.extendable.then_some((1, 0)));
        // only a contiguous dataset has an origin
        let origin = origin.try_into().map(u64::from_le_bytes).ok().filter(|_| self.copies.is_some());
        let place = |origin| (origin, plan.item.kind.size());
        let share = origin.and_then(|origin| Share::new(self.world, &portion, place(origin), &plan.how));
        if let (Some(copies), Some(share)) = (&mut self.copies, share) {
            let source = Source::new(field, &portion, plan.item.kind);
            copies.push(Block::copy(self.world, &share, &source)?);
        } else if !plan.is_empty() {
            let place = (&*self.temporary, name.as_str(), OpenMode::ReadWrite);
            with_dataset(
                self.world,
                place,
                |reason| self.cannot_write(name, reason),
                |dataset| transfer::write(self.world, dataset, (field, &portion), plan.item.kind, &plan.how),
            )?;
        }
        timing.finish(portion.count.iter().product::<usize>() * field.components(), plan.item.kind.size());
        self.items.push(plan.item);
        Ok(self)
    }

    /// Lets the fields that follow be written while the ranks compute on.
    ///
    /// A field is then copied when it is written, and may change at once. [`finish_later`](Self::finish_later)
    /// starts a thread on each rank that writes the rank's copies and brings them to disk;
    /// [`Pending::wait`](crate::io::Pending::wait) ends it. Every output between the two holds one copy of all its fields in
    /// memory, so a loop over steps waits for the last output before it begins the next:
    ///
    /// ```
    /// use parhelion::io::Pending;
    /// use parhelion::prelude::*;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let name = |step: usize| directory.path().join(format!("heat-{step}.h5"));
    /// let world = World::init()?;
    /// let grid = Grid::builder([32, 32, 32]).build(&world)?;
    /// let mut u = grid.field::<f64>("temperature");
    /// let mut pending: Option<Pending> = None;
    /// for step in 0..=20 {
    ///     u.fill_with(|_| step as f64); // the computation
    ///     if step % 10 == 0 {
    ///         pending.take().map_or(Ok(()), Pending::wait)?; // had ten steps to get done
    ///         let output = Output::create(&world, name(step))?.in_background();
    ///         pending = Some(output.time(0.1 * step as f64).write(&u)?.finish_later()?);
    ///     }
    /// }
    /// pending.map_or(Ok(()), Pending::wait)?;
    /// assert_eq!(Input::open(&world, name(20))?.time(), Some(2.0));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// The file is the same as without. Chunked and compressed datasets are written at once, since that takes
    /// all ranks together; only bringing them to disk is left to the thread.
    ///
    /// What can be hidden is the time of the disk. Where the file system can do without its page cache (`O_DIRECT`), the
    /// thread takes hardly any of the cores' time; where files lie in memory, it needs a core that does not compute
    /// (`PARHELION_THREADS`). Making the copies cannot be hidden. Their memory is kept for the next output
    /// until the [`World`] ends.
    pub fn in_background(mut self) -> Self {
        self.copies.get_or_insert_default();
        self
    }

    /// Makes the dataset with everything but its values, and reserves their space. On rank 0.
    ///
    /// Gives where in the file the values begin if they are contiguous.
    fn define(&self, plan: &Plan) -> Result<Option<u64>, String> {
        let text = |error: hdf5::Error| complaint(&error);
        let file = open_alone(&self.temporary, OpenMode::ReadWrite).map_err(text)?;
        let before = storage::length(&self.temporary).map_err(|error| error.to_string())?;
        let time =
            self.extendable.then(|| file.dataset(journal::extendable::TIME)).transpose().map_err(text)?;
        let dataset = plan.define(&file, time.as_ref()).map_err(text)?;
        drop(time);
        let place = dataset.offset().map(|offset| (offset, dataset.storage_size()));
        drop(dataset);
        file.close().map_err(text)?;
        let reserved = match (place, plan.is_compressed()) {
            (Some((_, 0)), _) => Ok(()),
            (Some((offset, length)), _) => storage::reserve(&self.temporary, offset, length),
            // chunks lie in what the file has grown by
            (None, false) => storage::reserve_growth(&self.temporary, before),
            (None, true) => storage::require(&self.temporary, plan.bytes()),
        };
        reserved.map_err(|error| error.to_string())?;
        Ok(place.map(|(origin, _)| origin))
    }

    fn cannot_write(&self, name: &str, reason: &(impl Display + ?Sized)) -> Error {
        let message = format!("cannot write {name:?} to {}: {reason}", self.target.display());
        Error::new(ErrorKind::File, message)
    }
}
