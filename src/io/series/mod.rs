//! Outputs at many times: one file with an axis of time, or one file each.
//!
//! `extendable` is the file with an axis of time and `journal` what protects it (with `state`, and
//! `extents`, `objects`, `sum` as helpers); `numbered` are the files of their own; `snapshot` is
//! the output being written, and `later` lets that happen in the background.

mod background;
mod numbered;
mod snapshot;

use std::path::{Path, PathBuf};

use background::BackgroundOutput;
use numbered::{NumberedNames, NumberedOutput};

use crate::error::{Error, ErrorKind, Result};
use crate::io::block::stored::Stored;
use crate::io::file::storage::cannot;
use crate::io::hdf5::attributes::{self, Attribute};
use crate::io::journal::time_axis::{SeriesContent, TimeAxisFile};
use crate::io::ranks::same_everywhere;
use crate::io::writer::FileWriter;
use crate::messages::on_root;
use crate::world::World;

pub use snapshot::Snapshot;

/// The outputs of a run at many times, which other tools open as one.
///
/// The path decides how they are stored:
///
/// - `heat.h5` is one file. Every dataset in it begins with an axis of time that grows. xarray
///   opens it directly.
/// - `heat-*.h5` stands for one file per output, `heat-000000.h5`, `heat-000001.h5`, …, each as
///   [`Output`](crate::io::Output) makes it.
///
/// Either way `heat.xdmf` lists the times for ParaView and pyvista.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::io::{Series, WriteOptions};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("heat.h5");
/// let world = World::init()?;
/// let grid = Grid::builder([16, 16, 16]).build(&world)?;
/// let mut u = grid.field_builder::<f64>("temperature").units("K").build()?;
/// let mut series = Series::create(&world, &path)?.time_units("s");
/// for step in 0..3 {
///     u.fill_with(|[z, _, _]| z * f64::from(step));
///     series.at(0.1 * f64::from(step))?.write_with(&u, &WriteOptions::new().compressed(1))?.finish()?;
/// }
/// assert_eq!(Input::open(&world, &path)?.shape("temperature")?, [3, 16, 16, 16]);
///
/// // later, from a checkpoint at time 0.1: outputs from then on are written again
/// let mut series = Series::resume(&world, &path, 0.1)?;
/// assert_eq!(series.times(), [0.0]);
/// series.at(0.1)?.write(&u)?.finish()?;
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// # What survives a crash
///
/// An output is complete when its [`finish`](Snapshot::finish) returns. One that fails or is
/// dropped earlier leaves no trace. If the job or the machine dies, all earlier outputs survive:
///
/// - In separate files they were complete and are not touched.
/// - In one file, everything that an append may overwrite is first saved to a journal,
///   `.heat.h5.journal`, and brought to disk: indices and headers, which are some thousandths of
///   the values if chunks have megabytes, and the space of outputs that `resume` dropped. If the
///   job dies, [`resume`](Self::resume) finds the journal and restores the file. Until then other
///   tools may fail to open it, and [`Input`](crate::io::Input) refuses to. Values of earlier
///   outputs are never overwritten. Do not move or copy the file without its journal. If the file
///   was replaced in the meantime, for example by a backup, `resume` reports that and changes
///   nothing.
///
/// # Reading a file while it grows
///
/// Other programs may have the file open for reading during the run, for example a notebook; no
/// append fails because of them. A reader sees the file as it was when it was opened, and has to
/// open it again to see later outputs. During an append, opening may fail or show an output whose
/// time is NaN: try again, or look for the journal. The next append fails if a program has the file
/// open for *writing*, or if another job appends at the same moment. To notice that, the journal
/// and for moments the file are locked with `flock`; on file systems without such locks two writers
/// go unnoticed. The variable `HDF5_USE_FILE_LOCKING` overrides this: `FALSE` switches locks off,
/// and with `TRUE` HDF5 takes its own, so that an append fails while any program has the file open.
///
/// # One file
///
/// All outputs hold the same datasets, in the layout of the first output, which is always chunked.
/// Space of outputs that `resume` drops is not all given back, and is copied to the journal with
/// every later append. `h5repack` gives it back while no job runs.
#[derive(Debug)]
pub struct Series<'w> {
    world: &'w World,
    /// The path as the user gave it.
    target: PathBuf,
    store: Store,
    time_units: Option<String>,
    attributes: Vec<(String, Attribute)>,
    background: BackgroundOutput<'w>,
}

/// The way outputs are stored, and the outputs so far.
#[derive(Debug)]
enum Store {
    OneFile {
        /// Whether the file is there.
        begun: bool,
        content: SeriesContent,
        /// On rank 0.
        file: TimeAxisFile,
    },
    Numbered {
        names: NumberedNames,
        /// Whether files of an older series have been removed.
        begun: bool,
        times: Vec<f64>,
        next: usize,
        /// On rank 0.
        outputs: Vec<NumberedOutput>,
    },
}

impl<'w> Series<'w> {
    /// Begins a series. An older series of that name stays until the first output of this one: a
    /// single file is replaced when that output is complete, numbered files are removed when it
    /// begins.
    ///
    /// # Errors
    ///
    /// If the name has more than one `*`.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path. This holds for all methods of a series, and every
    /// error is the same on every rank.
    pub fn create(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        let target = path.as_ref().to_owned();
        same_everywhere(world, "the path of a series", &target)?;
        if target.to_string_lossy().matches('*').count() != usize::from(NumberedNames::of(&target).is_some())
        {
            let reason = "one * in the last part of the path stands for the number of the file";
            let message = format!("cannot create {}: {reason}", target.display());
            return Err(Error::on_all_ranks(ErrorKind::Argument, message));
        }
        let store = match NumberedNames::of(&target) {
            None => Store::OneFile {
                begun: false,
                content: SeriesContent::default(),
                file: TimeAxisFile::default(),
            },
            Some(names) => {
                Store::Numbered { names, begun: false, times: Vec::new(), next: 0, outputs: Vec::new() }
            }
        };
        let background = BackgroundOutput::default();
        Ok(Self { world, target, store, time_units: None, attributes: Vec::new(), background })
    }

    /// Continues a series after a restart at `time`. Outputs at that time or later are dropped,
    /// because the run writes them again. If there is no series yet, begins one.
    ///
    /// Repairs the file of a job that died while appending. With an infinite `time` it does nothing
    /// else.
    ///
    /// # Errors
    ///
    /// If the file is no series of this kind, or cannot be read or changed.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path and time.
    pub fn resume(world: &'w World, path: impl AsRef<Path>, time: f64) -> Result<Self> {
        let mut series = Self::create(world, path)?;
        same_everywhere(world, "the time at which a series is resumed", &time.to_bits())?;
        if time.is_nan() {
            return Err(series.refuse("the time to resume at is NaN"));
        }
        let fail = |reason: String| cannot("resume", &series.target, &reason);
        match &mut series.store {
            Store::OneFile { begun, content, file } => {
                let found: Option<SeriesContent> = on_root(world.comm(), || {
                    if !series.target.exists() {
                        return Ok(None);
                    }
                    let (opened, content) = TimeAxisFile::open(&series.target, time).map_err(fail)?;
                    *file = opened;
                    Ok(Some(content))
                })?;
                if let Some(found) = found {
                    (*begun, *content) = (true, found);
                }
            }
            Store::Numbered { names, begun, times, next, outputs } => {
                (*times, *next) = on_root(world.comm(), || {
                    *outputs = names.outputs_before(time).map_err(fail)?;
                    let times = outputs.iter().map(|output| output.time).collect();
                    Ok((times, outputs.last().map_or(0, |last| last.number + 1)))
                })?;
                *begun = true;
            }
        }
        Ok(series)
    }

    /// Sets the unit of the times of a new series, such as `s` or `days since 2000-01-01`.
    pub fn time_units(mut self, units: impl Into<String>) -> Self {
        self.time_units = Some(units.into());
        self
    }

    /// Attaches an attribute to the files of a new series. The name and value of rank 0 are used.
    ///
    /// # Errors
    ///
    /// As [`Output::attribute`](crate::io::Output::attribute).
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

    /// The times of the outputs that are complete.
    pub fn times(&self) -> &[f64] {
        match &self.store {
            Store::OneFile { content, .. } => &content.times,
            Store::Numbered { times, .. } => times,
        }
    }

    /// Begins the output of a time, which must be later than all before.
    ///
    /// # Errors
    ///
    /// If the time is not later, or the file cannot be made or extended. [In the
    /// background](Self::in_background), also if the previous output failed.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same time.
    pub fn at(&mut self, time: f64) -> Result<Snapshot<'_, 'w>> {
        self.wait()?;
        same_everywhere(self.world, "the time of an output", &time.to_bits())?;
        if !time.is_finite() || self.times().last().is_some_and(|&last| time <= last) {
            let last = self.times().last();
            return Err(self.refuse(&format!("an output at time {time:?} cannot come after one at {last:?}")));
        }
        Snapshot::begin(self, time)
    }

    /// Begins the output of a field's own time, which must be later than all before.
    ///
    /// ```
    /// use parhelion::prelude::*;
    /// use parhelion::io::Series;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("heat.h5");
    /// let world = World::init()?;
    /// let mut u = Grid::builder([16, 16]).build(&world)?.field::<f64>("temperature");
    /// u.set_time(2.0, 0.1);
    /// let mut series = Series::create(&world, &path)?;
    /// series.at_time_of(&u)?.write(&u)?.finish()?;
    /// assert_eq!(series.times(), [2.0]);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the field has no time, because [`Field::set_time`](crate::Field::set_time) was never
    /// called, and as [`at`](Self::at).
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field.
    pub fn at_time_of<F: Stored>(&mut self, field: &F) -> Result<Snapshot<'_, 'w>> {
        let time = field.time();
        same_everywhere(self.world, "the time of a field", &time.map(f64::to_bits))?;
        let Some(time) = time else {
            return Err(self.refuse(&format!(
                "field {:?} has no time; set it with Field::set_time, or pass a time to Series::at",
                field.name()
            )));
        };
        self.at(time)
    }

    /// A new file of this series, with its attributes.
    fn new_file(&self, path: &Path, first_time: Option<f64>) -> Result<FileWriter<'w>> {
        let first_time = first_time.map(|time| (time, self.time_units.as_deref()));
        Ok(FileWriter::create(self.world, path, first_time)?.with_attributes(&self.attributes))
    }

    /// The error for an impossible call, made on every rank.
    fn refuse(&self, reason: &str) -> Error {
        let message = format!("cannot write the series {}: {reason}", self.target.display());
        Error::on_all_ranks(ErrorKind::Argument, message)
    }
}
