//! The file that [`Output`](super::Output) and [`Series`](super::Series) write, from its draft to
//! its name.

mod finish;
pub(in crate::io) mod pending;
pub(in crate::io) mod plan;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use hdf5::OpenMode;

use plan::DatasetPlan;

use super::block::stored::Stored;
use super::file::open::{open_alone, with_dataset};
use super::file::storage::{self, Draft, cannot, complaint};
use super::hdf5::attributes::{self, Attribute};
use super::journal::time_axis;
use super::options::WriteOptions;
use super::ranks::same_everywhere;
use super::transfer::background::BlockCopy;
use super::transfer::direct::RankShare;
use super::transfer::staging::FileValues;
use super::{transfer, xdmf};
use crate::error::{Error, ErrorKind, Result};
use crate::messages::on_root;
use crate::stopwatch::Kind;
use crate::world::World;

/// A file being written. It appears under its name only when complete; dropped before, it leaves
/// nothing behind and the previous file untouched.
#[must_use = "a file that is not finished is removed"]
#[derive(Debug)]
pub(in crate::io) struct FileWriter<'w> {
    world: &'w World,
    /// The path as the user gave it.
    target: PathBuf,
    /// Where the file is until it is complete.
    temporary: PathBuf,
    /// On rank 0: the file under its temporary name, which is removed when this is dropped.
    draft: Option<Draft>,
    time: Option<f64>,
    attributes: Vec<(String, Attribute)>,
    items: Vec<xdmf::Item>,
    /// This rank's copies of what is not in the file yet, where writing waits until the end.
    copies: Option<Vec<BlockCopy>>,
    /// Whether datasets have an axis of time before the others.
    time_axis: bool,
}

impl<'w> FileWriter<'w> {
    /// Begins a file. With a `first_time` and its units, every dataset has an axis of time that can
    /// grow, of length one so far. Collective.
    pub(in crate::io) fn create(
        world: &'w World,
        path: &Path,
        first_time: Option<(f64, Option<&str>)>,
    ) -> Result<Self> {
        let target = path.to_owned();
        same_everywhere(world, "the path of an output file", &target)?;
        let mut draft = None;
        let temporary: String = on_root(world.comm(), || {
            if target.extension().is_some_and(|extension| extension == "xdmf") {
                let reason = "that is the name of the side file for ParaView; end it in .h5";
                return Err(cannot("create", &target, reason));
            }
            let made = Draft::create(&target)?;
            // it is replaced only when the new one is complete; until then it had better be whole
            let _ = time_axis::recover(&target);
            let begin = || {
                let file = open_alone(&made.path, OpenMode::Create)?;
                if let Some((time, units)) = first_time {
                    time_axis::define_time(&file, time, units)?;
                }
                file.close()
            };
            begin().map_err(|error| cannot("create", &target, &complaint(&error)))?;
            let path = made.text()?;
            draft = Some(made);
            Ok(path)
        })?;
        Ok(Self {
            world,
            target,
            temporary: temporary.into(),
            draft,
            time: None,
            attributes: Vec::new(),
            items: Vec::new(),
            copies: None,
            time_axis: first_time.is_some(),
        })
    }

    /// Sets the attribute `time` of the file.
    pub(in crate::io) fn at_time(mut self, time: f64) -> Self {
        self.time = Some(time);
        self
    }

    /// Attaches an attribute to the file. Collective.
    pub(in crate::io) fn attribute(mut self, name: &str, value: Attribute) -> Result<Self> {
        attributes::check(self.world, &self.target, &self.attributes, (name, &value))?;
        self.attributes.push((name.into(), value));
        Ok(self)
    }

    /// Attaches attributes that were checked before.
    pub(in crate::io) fn with_attributes(mut self, attributes: &[(String, Attribute)]) -> Self {
        self.attributes.extend_from_slice(attributes);
        self
    }

    /// Lets the fields that follow be copied, and written by [`finish_later`](Self::finish_later).
    pub(in crate::io) fn in_background(mut self) -> Self {
        self.copies.get_or_insert_default();
        self
    }

    /// Writes a field, or a part of it. Collective.
    pub(in crate::io) fn write<F: Stored>(mut self, field: &F, options: &WriteOptions) -> Result<Self> {
        let timing =
            self.world.measure().start_on(Kind::Write, options.name.as_deref().unwrap_or(field.name()));
        let mut plan = DatasetPlan::new(self.world, &self.target, field, options)?;
        if self.time_axis {
            plan.require_chunks(self.world, field);
        }
        let name = &plan.item.name;
        // only a contiguous dataset has an origin
        let origin: Option<u64> = on_root(self.world.comm(), || {
            self.define(&plan).map_err(|error| self.cannot_write(name, &error))
        })?;
        let portion = plan.portion(field, self.time_axis.then_some((1, 0)));
        let origin = origin.filter(|_| self.copies.is_some());
        let place = |origin| (origin, plan.item.kind.size());
        let share = origin.and_then(|origin| RankShare::new(self.world, &portion, place(origin), &plan.mode));
        if let (Some(copies), Some(share)) = (&mut self.copies, share) {
            let source = FileValues::new(field, &portion, plan.item.kind);
            copies.push(BlockCopy::copy(self.world, &share, &source)?);
        } else if !plan.is_empty() {
            let place = (&*self.temporary, name.as_str(), OpenMode::ReadWrite);
            with_dataset(
                self.world,
                place,
                |reason| self.cannot_write(name, reason),
                |dataset| transfer::write(self.world, dataset, (field, &portion), plan.item.kind, &plan.mode),
            )?;
        }
        timing.finish(portion.count.iter().product::<usize>() * field.components(), plan.item.kind.size());
        self.items.push(plan.item);
        Ok(self)
    }

    /// Makes the dataset with everything but its values, and reserves their space. On rank 0.
    ///
    /// Gives where in the file the values begin if they are contiguous.
    fn define(&self, plan: &DatasetPlan) -> Result<Option<u64>, String> {
        let text = |error: hdf5::Error| complaint(&error);
        let file = open_alone(&self.temporary, OpenMode::ReadWrite).map_err(text)?;
        let before = storage::length(&self.temporary).map_err(|error| error.to_string())?;
        let time = self.time_axis.then(|| file.dataset(time_axis::TIME)).transpose().map_err(text)?;
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
