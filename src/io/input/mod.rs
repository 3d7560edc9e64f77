//! Reading fields from one shared file.

mod places;
mod resample;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use hdf5::OpenMode;

use crate::error::{Error, ErrorKind, Result};
use crate::io::block::portion::Portion;
use crate::io::block::selection::AxisRun;
use crate::io::block::stored::{Axis, Stored, StoredMut};
use crate::io::file::open::{open_foreign, with_dataset};
use crate::io::file::storage::{cannot, complaint};
use crate::io::hdf5::FORMAT;
use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::catalog::{Catalog, DatasetEntry};
use crate::io::hdf5::compression;
use crate::io::input::places::AxisPlaces;
use crate::io::input::resample::InterpolationSource;
use crate::io::journal;
use crate::io::options::ReadOptions;
use crate::io::ranks::same_everywhere;
use crate::io::transfer;
use crate::io::transfer::mode::TransferMode;
use crate::messages::on_root;
use crate::stopwatch::Kind;
use crate::world::World;
use parhelion_kernels::{Element, ElementKind};

/// A file that all ranks read together. Any program that writes HDF5 may have made it, with any
/// byte order and number of ranks; datasets may be contiguous, chunked or compressed.
///
/// The name of a dataset inside groups is its path, such as `fields/temperature`.
pub struct Input<'w> {
    world: &'w World,
    path: PathBuf,
    catalog: Catalog,
}

impl<'w> Input<'w> {
    /// Opens a file and looks up what it holds.
    ///
    /// # Errors
    ///
    /// If the file is missing, may not be read, or is not an HDF5 file.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path, and get the same error.
    pub fn open(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        same_everywhere(world, "the path of an input file", &path)?;
        let catalog =
            on_root(world.comm(), || look_up(&path).map_err(|reason| cannot("read", &path, &reason)))?;
        Ok(Self { world, path, catalog })
    }

    /// The paths of all datasets, sorted.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        self.catalog.datasets.iter().map(|entry| entry.path.as_str())
    }

    /// The shape of a dataset, slowest axis first.
    ///
    /// # Errors
    ///
    /// If there is no such dataset.
    pub fn shape(&self, dataset: &str) -> Result<&[usize]> {
        Ok(&self.entry(dataset)?.shape)
    }

    /// The smallest kind of element that holds every value of a dataset.
    ///
    /// # Errors
    ///
    /// If there is no such dataset, or its values are not numbers.
    pub fn kind(&self, dataset: &str) -> Result<ElementKind> {
        let entry = self.entry(dataset)?;
        entry.kind.element().ok_or_else(|| {
            self.cannot_read(dataset, &format_args!("it holds {:?}, which is not a number", entry.kind))
        })
    }

    /// The attributes of a dataset that are text or numbers, with their names.
    ///
    /// # Errors
    ///
    /// If there is no such dataset.
    pub fn attributes(&self, dataset: &str) -> Result<&[(String, Attribute)]> {
        Ok(&self.entry(dataset)?.attributes)
    }

    /// The attributes of the file itself that are text or numbers, with their names.
    pub fn file_attributes(&self) -> &[(String, Attribute)] {
        &self.catalog.attributes
    }

    /// The time of the fields in the file: its attribute `time`. `None` if the file states none.
    pub fn time(&self) -> Option<f64> {
        self.catalog.attributes.iter().find(|(name, _)| name == "time")?.1.as_real()
    }

    /// Reads a dataset into a field, each rank its own block. The halo of the field becomes stale.
    ///
    /// Values are converted where necessary: integers to wider integers or floating-point numbers,
    /// floating-point and complex numbers to another precision, rounded if it is lower.
    ///
    /// # Errors
    ///
    /// If there is no such dataset, its shape is not that of the field, conversion would lose more
    /// than digits, or the axes of the field or of the file are stretched and their coordinates
    /// differ.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same dataset and field, and get the same error. After an error
    /// the field's block is unspecified.
    pub fn read_into<F: StoredMut>(&self, dataset: &str, field: &mut F) -> Result<()> {
        self.read_with(dataset, field, &ReadOptions::new())
    }

    /// Reads the part of a dataset that `options` choose into a field, each rank its own block.
    ///
    /// # Errors
    ///
    /// As [`read_into`](Self::read_into), and if the dataset has no such part.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same dataset, field and options, and get the same error.
    pub fn read_with<F: StoredMut>(&self, dataset: &str, field: &mut F, options: &ReadOptions) -> Result<()> {
        let timing = self.world.measure().start_on(Kind::Read, dataset);
        let (portion, mut source) = self.check(dataset, field, options)?;
        if field.placement().file_shape.contains(&0) {
            return Ok(());
        }
        let place = (&*self.path, dataset, OpenMode::Read);
        let mode = TransferMode::independently(options.independent);
        with_dataset(
            self.world,
            place,
            |reason| self.cannot_read(dataset, reason),
            |stored| match &mut source {
                None => transfer::read(self.world, stored, (field, &portion), &mode),
                Some(source) => transfer::read(self.world, stored, (source, &portion), &mode),
            },
        )?;
        if let Some(source) = source {
            source.interpolate(field);
        }
        timing.finish(field.placement().len() * field.components(), size_of::<F::Value>());
        Ok(())
    }

    /// What is read into this field, or from which the field is interpolated; refuses what cannot
    /// be.
    fn check<F: Stored>(
        &self,
        dataset: &str,
        field: &F,
        options: &ReadOptions,
    ) -> Result<(Portion, Option<InterpolationSource<F::Value>>)> {
        let placement = field.placement();
        let components = field.components();
        let arguments = (dataset, F::Value::KIND, &placement.file_shape, components, &options.selection);
        let what = "the dataset to be read, the field's shape or the options";
        same_everywhere(self.world, what, &(arguments, options.independent, options.interpolated))?;
        let axes = field.axes();
        let cells: Vec<bool> = axes.iter().map(|axis| axis.cells).collect();
        let stored = self.stored_coordinates(dataset, &axes)?;
        let local = || {
            let entry = self.entry(dataset)?;
            if let Some(reason) = entry.kind.refusal(F::Value::KIND) {
                return Err(self.cannot_read(dataset, &format_args!("it {reason}")));
            }
            if let Some(reason) = compression::unreadable(&entry.filters) {
                return Err(self.cannot_read(dataset, &format_args!("it {reason}")));
            }
            (0..components).try_for_each(|component| placement.check(field.component(component).len()))?;
            let runs =
                options.selection.runs(&entry.shape).map_err(|error| self.cannot_read(dataset, &error))?;
            let mut wanted = placement.file_shape.clone();
            wanted.extend((components > 1).then_some(components));
            let along = if options.interpolated {
                if F::Value::POISON.is_none() {
                    let reason = "only fields of floating-point or complex numbers are interpolated";
                    return Err(self.cannot_read(dataset, reason));
                }
                if (0..cells.len()).any(|axis| !cells[axis] && field.is_periodic(axis)) {
                    let reason = "fields that are staggered along a periodic axis are not interpolated";
                    return Err(self.cannot_read(dataset, reason));
                }
                // any number of cells will do, but not of axes or components
                let fits = |axis: usize, &run: &usize| axis < placement.file_shape.len() || run == components;
                matching(&runs, wanted.len(), fits)
            } else {
                matching(&runs, wanted.len(), |axis, &count| count == wanted[axis])
            };
            let Some(mut along) = along else {
                let what = if components > 1 { " with its components as the last axis" } else { "" };
                let chosen: Vec<usize> = runs.iter().map(|run| run.count).collect();
                let part = if chosen == entry.shape {
                    String::new()
                } else {
                    format!(", of which {chosen:?} are chosen")
                };
                let reason =
                    format!("its shape is {:?}{part}, but the field's{what} is {wanted:?}", entry.shape);
                return Err(self.cannot_read(dataset, &reason));
            };
            along.truncate(placement.file_shape.len());
            // the coordinates of what is chosen, of the axes for which the file has them
            let chosen_places: Vec<Option<Vec<f64>>> = along
                .iter()
                .zip(&stored)
                .map(|(&axis, stored)| {
                    let run = &runs[axis];
                    let stored = stored.as_ref().filter(|stored| stored.len() == entry.shape[axis])?;
                    Some((0..run.count).map(|i| stored[run.start + i * run.step]).collect())
                })
                .collect();
            if !options.interpolated {
                if let Some(reason) = places::mismatch(&axes, &chosen_places) {
                    return Err(self.cannot_read(dataset, &reason));
                }
                return Ok((Portion::to_read(&placement, &entry.shape, &runs, &along), None));
            }
            let chosen: Vec<usize> = along.iter().map(|&axis| runs[axis].count).collect();
            if chosen.contains(&0) {
                return Err(self.cannot_read(dataset, "it holds nothing to interpolate"));
            }
            let places: Vec<AxisPlaces> = axes
                .iter()
                .zip(&placement.file_shape)
                .zip(chosen.iter().zip(chosen_places))
                .map(|((axis, &points), (&count, stored))| AxisPlaces::new(axis, points, count, stored))
                .collect();
            let source = InterpolationSource::new(&placement, &places, components);
            Ok((Portion::to_read(&source.placement(), &entry.shape, &runs, &along), Some(source)))
        };
        self.world.agree(local())
    }

    /// The coordinates in the file along each axis of a field, where there is a dataset of the
    /// axis's name beside the one to be read or at the root, and the field or they are not uniform.
    ///
    /// # Collective
    /// All ranks call it, with the same arguments.
    fn stored_coordinates(&self, dataset: &str, axes: &[Axis]) -> Result<Vec<Option<Vec<f64>>>> {
        let group = dataset.rsplit_once('/').map_or("", |(group, _)| group);
        on_root(self.world.comm(), || {
            let found = |axis: &Axis| {
                let beside = format!("{group}/{}", axis.name);
                let entry = self.catalog.find(&beside).or_else(|| self.catalog.find(&axis.name))?;
                (entry.shape.len() == 1 && entry.kind.refusal(ElementKind::F64).is_none())
                    .then_some(&*entry.path)
            };
            let read = || -> hdf5::Result<Vec<Option<Vec<f64>>>> {
                let file = open_foreign(&self.path)?;
                let values = |axis| found(axis).map(|path| file.dataset(path)?.read_raw::<f64>());
                axes.iter().map(|axis| values(axis).transpose()).collect()
            };
            if axes.iter().all(|axis| found(axis).is_none()) {
                return Ok(vec![None; axes.len()]);
            }
            let all = read().map_err(|error| self.cannot_read(dataset, &complaint(&error)))?;
            // uniform coordinates are taken as those of the same box, as where the file has none
            let needed = |(stored, axis): (Option<Vec<f64>>, &Axis)| {
                stored.filter(|stored| axis.boundaries.is_some() || !places::uniform(stored))
            };
            Ok(all.into_iter().zip(axes).map(needed).collect())
        })
    }

    fn entry(&self, dataset: &str) -> Result<&DatasetEntry> {
        self.catalog.find(dataset).ok_or_else(|| {
            let reason = format_args!("there is no such dataset; the file holds {}", self.overview());
            self.cannot_read(dataset, &reason)
        })
    }

    /// The names of what is there, for messages.
    fn overview(&self) -> String {
        const SHOWN: usize = 12;
        let names: Vec<String> = self.datasets().take(SHOWN).map(|name| format!("{name:?}")).collect();
        match self.catalog.datasets.len() {
            0 => "none".into(),
            count if count > SHOWN => format!("{} and {} more", names.join(", "), count - SHOWN),
            _ => names.join(", "),
        }
    }

    fn cannot_read(&self, dataset: &str, reason: &(impl Display + ?Sized)) -> Error {
        let message = format!("cannot read {dataset:?} from {}: {reason}", self.path.display());
        Error::on_all_ranks(ErrorKind::File, message)
    }
}

/// The axes of a dataset that are the axes of an array, components included: all of them, or those
/// that were not fixed at one index. There must be `axes`, and each must fit: its number and length
/// are given.
fn matching(runs: &[AxisRun], axes: usize, fits: impl Fn(usize, &usize) -> bool) -> Option<Vec<usize>> {
    let all: Vec<usize> = (0..runs.len()).collect();
    let free: Vec<usize> = all.iter().copied().filter(|&axis| !runs[axis].single).collect();
    let good = |found: &Vec<usize>| {
        found.len() == axes && found.iter().enumerate().all(|(axis, &of)| fits(axis, &runs[of].count))
    };
    [all, free].into_iter().find(good)
}

/// Opens a file and lists what it holds, or says why not.
fn look_up(path: &Path) -> Result<Catalog, String> {
    // the system's own words are clearer than the library's
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not an ordinary file".into());
    }
    if journal::is_pending(path) {
        let reason =
            "it is being appended to, or a job died while appending to it: then Series::resume repairs it";
        return Err(reason.into());
    }
    let file = open_foreign(path).map_err(|error| {
        if error.contains_minor(hdf5::MinorErrorCode::NotHdf5) {
            "it is not an HDF5 file".to_owned()
        } else {
            complaint(&error)
        }
    })?;
    let catalog = Catalog::of(&file).map_err(|error| complaint(&error))?;
    let format = file.attr("parhelion_format").and_then(|format| format.read_scalar::<i64>()).unwrap_or(0);
    if format > FORMAT {
        return Err(format!(
            "it has format {format} of output files, but this version of the library reads up to {FORMAT}; use a newer one"
        ));
    }
    Ok(catalog)
}
