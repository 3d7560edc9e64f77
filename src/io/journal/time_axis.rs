//! A file whose datasets have an axis of time that grows, as rank 0 handles it.

use std::io;
use std::ops::Range;
use std::path::Path;

use hdf5::{Dataset, Extent, File, OpenMode, SimpleExtents};
use serde::{Deserialize, Serialize};

use crate::io::block::index::unravel;
use crate::io::file::lock::claim;
use crate::io::file::open::open_alone;
use crate::io::file::storage::{self, complaint};
use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::kinds::{self, FileKind};
use crate::io::hdf5::{compression, ffi, scales};
use crate::io::journal::extents::Extents;
use crate::io::journal::objects::Objects;
use crate::io::journal::state::{self, StateMark};
use crate::io::journal::{self, Journal};
use crate::io::xdmf;

/// Name of the axis of time and its dataset.
pub(in crate::io) const TIME: &str = "time";
/// Times in a chunk of that dataset.
const TIMES_PER_CHUNK: usize = 512;

/// A dataset that grows with every output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::io) struct GrowingDataset {
    pub(in crate::io) name: String,
    /// Without the axis of time.
    shape: Vec<usize>,
    /// Type of the values, as text.
    kind: String,
    /// Numbers of the filters of its chunks.
    filters: Vec<i32>,
}

impl GrowingDataset {
    pub(in crate::io) fn is_compressed(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Why this rank cannot write to the dataset.
    pub(in crate::io) fn unwritable(&self) -> Option<String> {
        let filters: Vec<_> = self.filters.iter().map(|&number| (number, Vec::new())).collect();
        compression::refusal(&filters).map(|reason| format!("it {reason}"))
    }

    /// Why a field cannot be appended to the dataset.
    pub(in crate::io) fn refusal(&self, item: &xdmf::Item, independent: bool) -> Option<String> {
        let mut shape = item.shape.clone();
        shape.extend((item.components > 1).then_some(item.components));
        let kind = kinds::datatype(item.kind, kinds::COMPLEX_MEMBERS).map(|kind| FileKind::of(&kind));
        let kind = kind.map_or_else(|error| complaint(&error), |kind| format!("{kind:?}"));
        if (&shape, &kind) != (&self.shape, &self.kind) {
            return Some(format!(
                "earlier outputs have shape {:?} and type {}, this one {shape:?} and {kind}",
                self.shape, self.kind
            ));
        }
        let alone = self.is_compressed() && independent;
        alone.then(|| {
            "a compressed dataset needs all ranks at once, it cannot be written independently".into()
        })
    }
}

/// The times and datasets of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::io) struct SeriesContent {
    pub(in crate::io) times: Vec<f64>,
    pub(in crate::io) known: Vec<GrowingDataset>,
}

impl SeriesContent {
    /// Reads the times and datasets of an open file; an error if it has no axis of time.
    fn of(file: &File) -> hdf5::Result<Self> {
        let foreign = |what: &str| {
            hdf5::Error::from(format!("it is no series with an extendable axis of time: {what}"))
        };
        if !file.link_exists(TIME) {
            return Err(foreign("there is no dataset \"time\""));
        }
        let time = file.dataset(TIME)?;
        if time.ndim() != 1 || !time.is_resizable() {
            return Err(foreign("its dataset \"time\" cannot grow"));
        }
        let times = time.read_raw::<f64>()?;
        let mut known = Vec::new();
        for dataset in file.datasets()? {
            if scales::is_scale(&dataset)? {
                continue;
            }
            let (name, shape) = (dataset.name(), dataset.get_shape()?);
            let name = name.trim_start_matches('/').to_owned();
            if shape.first() != Some(&times.len()) || !dataset.is_resizable() {
                return Err(foreign(&format!(
                    "{name:?} has shape {shape:?}, but there are {} times",
                    times.len()
                )));
            }
            let kind = format!("{:?}", FileKind::of(&dataset.dtype()?));
            known.push(GrowingDataset {
                name,
                shape: shape[1..].to_vec(),
                kind,
                filters: compression::of(&dataset),
            });
        }
        Ok(Self { times, known })
    }
}

/// Makes the scale of the axis of time, with one time, in a new file.
pub(in crate::io) fn define_time(file: &File, time: f64, units: Option<&str>) -> hdf5::Result<()> {
    let scale = file
        .new_dataset_builder()
        .empty::<f64>()
        .shape(SimpleExtents::from_vec(vec![Extent::resizable(1)]))
        .chunk([TIMES_PER_CHUNK])
        .obj_track_times(false)
        .create(TIME)?;
    scale.write_raw(&[time])?;
    scales::make_scale(&scale, TIME)?;
    for (name, text) in [("axis", Some("T")), ("long_name", Some("time")), ("units", units)] {
        if let Some(text) = text {
            Attribute::from(text).write(&scale, name)?;
        }
    }
    Ok(())
}

/// A file with an axis of time, on rank 0.
#[derive(Debug, Default)]
pub(in crate::io) struct TimeAxisFile {
    /// The ranges of values, which are never changed again.
    values: Extents,
    /// The state of the file; `None` if the file has none, or its place is unknown.
    mark: Option<StateMark>,
}

impl TimeAxisFile {
    /// Repairs the file if necessary, drops the outputs at or after `from`, and returns what is
    /// left.
    pub(in crate::io) fn open(path: &Path, from: f64) -> Result<(Self, SeriesContent), String> {
        recover(path).map_err(|error| error.to_string())?;
        let look = || {
            let file = open_alone(path, OpenMode::Read)?;
            let content = SeriesContent::of(&file)?;
            let objects = objects(path)?;
            let mut opened =
                Self { values: Extents::default(), mark: StateMark::find(&file, objects.as_ref())? };
            opened.values.add(places(&file, objects.as_ref(), &content, 0..content.times.len())?);
            file.close()?;
            Ok((opened, content))
        };
        let (opened, content) = look().map_err(|error: hdf5::Error| complaint(&error))?;
        // an output whose time is NaN was never completed
        let keep = content
            .times
            .iter()
            .position(|time| !matches!(time.partial_cmp(&from), Some(std::cmp::Ordering::Less)));
        let Some(keep) = keep else { return Ok((opened, content)) };
        let journal = opened.journal(path, keep)?;
        change(path, |file| {
            resize(file, keep)?;
            state::note(file, journal.next_state)
        })?;
        journal.commit().map_err(|error| error.to_string())?;
        // it lists dropped outputs, and is written again with the next output
        let _ = std::fs::remove_file(path.with_extension("xdmf"));
        Self::open(path, f64::INFINITY)
    }

    /// Makes room for one more output, whose time is NaN so far.
    pub(in crate::io) fn extend(&self, path: &Path, content: &SeriesContent) -> Result<Journal, String> {
        recover(path).map_err(|error| error.to_string())?;
        let count = content.times.len();
        let before = storage::length(path).map_err(|error| error.to_string())?;
        let journal = self.journal(path, count)?;
        change(path, |file| {
            if SeriesContent::of(file)? != *content {
                return Err(hdf5::Error::from("another program has changed it since the last output"));
            }
            resize(file, count + 1)?;
            let times: Vec<f64> = content.times.iter().copied().chain([f64::NAN]).collect();
            file.dataset(TIME)?.write_raw(&times)?;
            state::note(file, journal.next_state)
        })?;
        storage::reserve_growth(path, before).map_err(|error| error.to_string())?;
        Ok(journal)
    }

    /// Notes the time of the output that was written last, which completes it.
    pub(in crate::io) fn complete(
        &mut self,
        path: &Path,
        content: &SeriesContent,
        journal: Journal,
    ) -> Result<(), String> {
        let last = content.times.len() - 1;
        let (places, mark) = change(path, |file| {
            file.dataset(TIME)?.write_raw(&content.times)?;
            // what is looked up in the bytes must be there
            file.flush()?;
            let objects = objects(path)?;
            let mark = StateMark::find(file, objects.as_ref())?;
            Ok((places(file, objects.as_ref(), content, last..last + 1)?, mark))
        })?;
        journal.commit().map_err(|error| error.to_string())?;
        self.values.add(places);
        self.mark = mark;
        Ok(())
    }

    fn journal(&self, path: &Path, keep: usize) -> Result<Journal, String> {
        // while another program writes to it, the bytes to be kept are not those that will be there
        drop(claim(path).map_err(|error| error.to_string())?);
        Journal::begin(path, &self.values, keep, self.mark, finish).map_err(|error| error.to_string())
    }
}

/// Lets `work` change the file, while no other writer has it.
fn change<R>(path: &Path, work: impl FnOnce(&File) -> hdf5::Result<R>) -> Result<R, String> {
    let _claim = claim(path).map_err(|error| error.to_string())?;
    let change = || {
        let file = open_alone(path, OpenMode::ReadWrite)?;
        let done = work(&file)?;
        file.close()?;
        Ok(done)
    };
    change().map_err(|error: hdf5::Error| complaint(&error))
}

/// Repairs the file if a job died while changing it.
pub(in crate::io) fn recover(path: &Path) -> io::Result<()> {
    journal::recover(path, finish)
}

/// Ends a recovery: drops all outputs but the first `keep`.
fn finish(path: &Path, keep: usize) -> io::Result<()> {
    let cut = |file: &File| if file.dataset(TIME)?.size() > keep { resize(file, keep) } else { Ok(()) };
    change(path, cut).map_err(io::Error::other)
}

/// Sets the length of the axis of time.
fn resize(file: &File, count: usize) -> hdf5::Result<()> {
    for dataset in file.datasets()? {
        if dataset.name().trim_start_matches('/') == TIME || !scales::is_scale(&dataset)? {
            let mut shape = dataset.get_shape()?;
            shape[0] = count;
            dataset.resize(shape)?;
        }
    }
    Ok(())
}

fn objects(path: &Path) -> hdf5::Result<Option<Objects>> {
    Objects::open(path).map_err(|error| hdf5::Error::from(error.to_string()))
}

/// Where the chunks of some outputs lie in the file.
fn places(
    file: &File,
    objects: Option<&Objects>,
    content: &SeriesContent,
    outputs: Range<usize>,
) -> hdf5::Result<Vec<(u64, u64)>> {
    let mut places = Vec::new();
    for known in &content.known {
        let range = outputs.start as u64..outputs.end as u64;
        let found = objects.map(|objects| objects.chunks(file, &known.name, range)).transpose();
        match found.map_err(|error| hdf5::Error::from(error.to_string()))?.flatten() {
            Some(found) => places.extend(found),
            None => {
                let dataset = file.dataset(&known.name)?;
                for output in outputs.clone() {
                    each_chunk(&dataset, output, |place| places.push(place))?;
                }
            }
        }
    }
    Ok(places)
}

/// First byte and the one after the last of every chunk of an output, as the library knows them.
fn each_chunk(dataset: &Dataset, output: usize, mut visit: impl FnMut((u64, u64))) -> hdf5::Result<()> {
    let shape = dataset.get_shape()?;
    let chunk = dataset.chunk().ok_or_else(|| hdf5::Error::from("a dataset that grows has chunks"))?;
    let counts: Vec<usize> = (1..shape.len()).map(|a| shape[a].div_ceil(chunk[a])).collect();
    for number in 0..counts.iter().product() {
        let mut first = vec![output; shape.len()];
        for (axis, index) in unravel(number, &counts) {
            first[axis + 1] = index * chunk[axis + 1];
        }
        if let Some((start, length)) = ffi::chunk_place(dataset, &first)? {
            visit((start, start + length));
        }
    }
    Ok(())
}
