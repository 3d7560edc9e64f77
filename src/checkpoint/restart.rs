//! Reading one checkpoint.

use std::fmt::Display;
use std::fs::File;
use std::hash::Hash;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hdf5::OpenMode;
use serde::de::DeserializeOwned;

use super::any_field::AnyField;
use super::description::{Description, FieldRecord};
use super::header::{CheckpointHeader, Flaw, HEADER};
use super::part::FieldComponent;
use super::scalar::Scalar;
use super::{file, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::io::{complaint, open_alone, read_all, same_everywhere, with_datasets};
use crate::messages::on_root;
use crate::stopwatch::Kind;
use crate::world::World;
use parhelion_kernels::Element;

/// A complete checkpoint, verified to the last byte. A run resumes from it with the same bits, on
/// any number of ranks.
///
/// [`Checkpoints::restart`](crate::checkpoint::Checkpoints::restart) finds the newest one;
/// [`Restart::open`] opens a given file.
pub struct Restart<'w> {
    world: &'w World,
    path: PathBuf,
    header: CheckpointHeader,
    description: Description,
    /// Newer checkpoints that could not be used, and why.
    pub(super) skipped: Vec<(PathBuf, String)>,
}

impl<'w> Restart<'w> {
    /// Opens the checkpoint in this file, after comparing all of it with its checksums.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no complete checkpoint, is damaged (the message says where),
    /// or has a newer format.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path, and get the same error. This holds for all methods
    /// that take a field.
    pub fn open(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        same_everywhere(world, "the path of a checkpoint", &path)?;
        Self::examine(world, path)?.map_err(|reason| cannot_use(path, &reason))
    }

    /// As [`open`](Self::open), with the reason on its own if the file is damaged. Collective.
    pub(super) fn examine(world: &'w World, path: &Path) -> Result<Result<Self, String>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let timing = world.measure().start_on(Kind::Read, &name);
        // the description as it stands in the file: every rank reads the same text, and fails alike
        // if it does
        let (header, text) = match on_root(world.comm(), || Ok(look_at(path)))? {
            Ok(found) => found,
            Err(Flaw::Damaged(reason)) => return Ok(Err(reason)),
            Err(Flaw::Unreadable(reason)) => return Err(cannot_use(path, &reason)),
        };
        let description: Description =
            serde_json::from_str(&text).map_err(|error| cannot_use(path, &error.to_string()))?;
        let expected = world.agree(expected(world, path, &header))?;
        let damage = verify::find_damage(world, path, &description, &expected)?;
        let bytes: u64 = description.fields.iter().map(|field| field.data.length).sum();
        timing.finish(bytes as usize / world.size(), 1);
        Ok(match damage {
            Some(damage) => Err(damage),
            None => Ok(Self { world, path: path.to_owned(), header, description, skipped: Vec::new() }),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The step that was saved.
    pub fn step(&self) -> u64 {
        self.description.step
    }

    /// The time that was saved.
    pub fn time(&self) -> f64 {
        self.description.time.0
    }

    /// The names of the fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.description.fields.iter().map(|field| field.name.as_str())
    }

    /// Newer checkpoints that were skipped because they are damaged, and why.
    pub fn skipped(&self) -> &[(PathBuf, String)] {
        &self.skipped
    }

    /// A single value, as the type that was saved.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or it has another type.
    pub fn scalar<S: TryFrom<Scalar, Error = String>>(&self, name: &str) -> Result<S> {
        let fail = |reason: &str| {
            let message = format!("cannot restore scalar {name:?} from {}: {reason}", self.path.display());
            Error::on_all_ranks(ErrorKind::File, message)
        };
        let kept = self.description.scalars.get(name).ok_or_else(|| {
            let names: Vec<_> = self.description.scalars.keys().collect();
            fail(&format!("there is no such scalar; the checkpoint has {names:?}"))
        })?;
        S::try_from(Scalar::from(kept.clone())).map_err(|reason| fail(&reason))
    }

    /// The metadata that was saved.
    ///
    /// # Errors
    ///
    /// If it does not have this type.
    pub fn metadata<M: DeserializeOwned>(&self) -> Result<M> {
        serde_json::from_value(self.description.metadata.clone()).map_err(|error| {
            let message = format!("cannot restore the metadata from {}: {error}", self.path.display());
            Error::on_all_ranks(ErrorKind::File, message)
        })
    }

    /// Reads the field of this name, each rank its own block, and its clock. The halo becomes
    /// stale.
    ///
    /// # Errors
    ///
    /// If there is no such field, or it differs from the saved one in type, components, centering
    /// or grid. (The process grid and the halo may differ.)
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field, and get the same error. After an error the values
    /// are unspecified.
    pub fn restore<T: Element, const N: usize>(&self, field: &mut Field<T, N>) -> Result<()> {
        let name = field.name().to_owned();
        self.restore_as(&name, field)
    }

    /// Reads a field that was saved under another name, as [`restore`](Self::restore).
    ///
    /// # Errors
    ///
    /// As [`restore`](Self::restore).
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same name and field.
    pub fn restore_as<T: Element, const N: usize>(&self, name: &str, field: &mut Field<T, N>) -> Result<()> {
        let timing = self.world.measure().start_on(Kind::Read, name);
        let fail = |reason: &str| {
            let message = format!("cannot restore field {name:?} from {}: {reason}", self.path.display());
            Error::new(ErrorKind::File, message)
        };
        let wanted = field.record(name);
        same_everywhere(self.world, "the field to be restored", &Printed(&wanted))?;
        let record = self.world.agree(self.find(name, &wanted).map_err(|reason| fail(&reason)))?;
        let dataset = file::dataset_of(name);
        on_root(self.world.comm(), || {
            let checked = self.check_dataset(&dataset, record, field);
            checked.map_err(|reason| fail(&reason))
        })?;
        with_datasets(self.world, (&self.path, &[dataset], OpenMode::Read), fail, |datasets| {
            let mut done = Ok(());
            for component in 0..field.components() {
                // all of them, even after a failure: the other ranks continue too
                let filled =
                    read_all(self.world, &datasets[0], &mut FieldComponent { field: &mut *field, component });
                done = done.and(filled);
            }
            done
        })?;
        field.set_clock((record.clock.start.map(|start| start.0), record.clock.step.0, record.clock.steps));
        timing.finish(field.values_local(), size_of::<T>());
        Ok(())
    }

    pub(super) fn run(&self) -> u64 {
        self.header.run
    }

    /// The field of this name, if it is what is wanted.
    fn find(&self, name: &str, wanted: &FieldRecord) -> Result<&FieldRecord, String> {
        let Some(record) = self.description.fields.iter().find(|field| field.name == name) else {
            let names: Vec<_> = self.fields().collect();
            return Err(format!("there is no such field; the checkpoint has {names:?}"));
        };
        let differs = |what: &str, saved: &dyn std::fmt::Debug, wanted: &dyn std::fmt::Debug| {
            Err(format!("it was saved with {what} {saved:?}, but the field to be filled has {wanted:?}"))
        };
        let (from, to) = (&record.grid, &wanted.grid);
        let numbers = |list: &[super::exact::Exact]| list.iter().map(|number| number.0).collect::<Vec<_>>();
        if record.element != wanted.element {
            differs("type", &record.element, &wanted.element)
        } else if record.components != wanted.components {
            differs("components", &record.components, &wanted.components)
        } else if record.centering != wanted.centering {
            differs("centering", &record.centering, &wanted.centering)
        } else if from.cells != to.cells {
            differs("a grid of cells", &from.cells, &to.cells)
        } else if from.periodic != to.periodic {
            differs("a grid of periodic axes", &from.periodic, &to.periodic)
        } else if from.faces != to.faces {
            // An axis without faces is uniform, as are all where there is no list.
            let places = |grid: &super::description::GridRecord, axis: usize| {
                grid.faces.get(axis).filter(|faces| !faces.is_empty()).map(|faces| numbers(faces))
            };
            let differs_along = |&axis: &usize| places(from, axis) != places(to, axis);
            let axis = (0..from.cells.len()).find(differs_along).unwrap_or(0);
            match (places(from, axis), places(to, axis)) {
                (Some(from), Some(to)) => {
                    let i = (0..from.len().min(to.len())).find(|&i| from[i] != to[i]).unwrap_or(0);
                    differs(&format!("face {i} of axis {axis} at"), &from[i], &to[i])
                }
                (from, to) => {
                    let kind =
                        |faces: Option<Vec<f64>>| if faces.is_some() { "stretched" } else { "uniform" };
                    differs(&format!("cells along axis {axis} that are"), &kind(from), &kind(to))
                }
            }
        } else if from.origin != to.origin {
            differs("a grid of origin", &numbers(&from.origin), &numbers(&to.origin))
        } else if from.spacing != to.spacing {
            differs("a grid of spacing", &numbers(&from.spacing), &numbers(&to.spacing))
        } else if record.points != wanted.points {
            differs("points", &record.points, &wanted.points)
        } else {
            Ok(record)
        }
    }

    /// Refuses an HDF5 dataset that is not what the description says. On rank 0.
    fn check_dataset(&self, name: &str, record: &FieldRecord, field: &dyn AnyField) -> Result<(), String> {
        let look = || {
            let file = open_alone(&self.path, OpenMode::Read)?;
            let dataset = file.dataset(name)?;
            Ok(dataset.shape() == record.shape()
                && dataset.offset() == Some(record.data.offset)
                && dataset.storage_size() == record.data.length
                && dataset.dtype()? == field.datatype()?)
        };
        match look().map_err(|error: hdf5::Error| complaint(&error))? {
            true => Ok(()),
            false => Err("its dataset is not what the checkpoint's description says".into()),
        }
    }
}

/// Reads and checks everything but the values; gives the description as text. On rank 0.
fn look_at(path: &Path) -> Result<(CheckpointHeader, String), Flaw> {
    let unreadable = |error: io::Error| Flaw::Unreadable(error.to_string());
    let damaged = |reason: &str| Flaw::Damaged(reason.to_owned());
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Flaw::Unreadable("it is not an ordinary file".into()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let length = metadata.len();
    let mut bytes = Vec::new();
    (&file).take(HEADER).read_to_end(&mut bytes).map_err(unreadable)?;
    let header = CheckpointHeader::decode(&bytes, length)?;
    let mut text = vec![0; header.description.1 as usize];
    let described = file.read_exact_at(&mut text, header.description.0);
    if described.is_err() || crc32fast::hash(&text) != header.description_crc {
        return Err(damaged("its description is damaged"));
    }
    let senseless = |error: &dyn Display| Flaw::Damaged(format!("its description makes no sense: {error}"));
    let text = String::from_utf8(text).map_err(|error| senseless(&error))?;
    let description: Description = serde_json::from_str(&text).map_err(|error| senseless(&error))?;
    description.check(length, header.checksums.1).map_err(Flaw::Damaged)?;
    match verify::structure_crc(&file, &description, length) {
        Ok(found) if found == header.structure_crc => Ok((header, text)),
        _ => Err(damaged("its structure (HDF5 metadata or checksums) is damaged")),
    }
}

/// The checksums of this rank's share of the blocks.
fn expected(world: &World, path: &Path, header: &CheckpointHeader) -> Result<Vec<u32>> {
    let fail = |error: io::Error| cannot_use_here(path, &error.to_string());
    let file = File::open(path).map_err(fail)?;
    let (length, expected) = (file.metadata().map_err(fail)?.len(), header.file_length);
    if length != expected {
        let rank = world.rank();
        return Err(cannot_use_here(
            path,
            &format!(
                "rank {rank} finds {length} bytes where rank 0 finds {expected}; it must lie in a directory that all nodes share"
            ),
        ));
    }
    let share = verify::share(world, header.checksums.1);
    let mut bytes = vec![0; (share.end - share.start) as usize * 4];
    file.read_exact_at(&mut bytes, header.checksums.0 + 4 * share.start).map_err(fail)?;
    Ok(bytes.chunks_exact(4).map(|sum| u32::from_le_bytes(sum.try_into().expect("four bytes"))).collect())
}

fn cannot_use(path: &Path, reason: &str) -> Error {
    Error::on_all_ranks(ErrorKind::File, message(path, reason))
}

fn cannot_use_here(path: &Path, reason: &str) -> Error {
    Error::new(ErrorKind::File, message(path, reason))
}

fn message(path: &Path, reason: &str) -> String {
    format!("cannot restart from {}: {reason}", path.display())
}

/// Hashes a record by what it prints.
struct Printed<'a>(&'a FieldRecord);

impl Hash for Printed<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        format!("{:?}", self.0).hash(state);
    }
}
