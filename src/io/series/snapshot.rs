//! The output of one time, while it is written.

use std::path::Path;

use hdf5::OpenMode;

use super::Series;
use super::Store;
use super::numbered::NumberedOutput;
use crate::error::{Error, ErrorKind, Result};
use crate::io::block::stored::Stored;
use crate::io::file::open::{open_alone, with_dataset};
use crate::io::file::storage::{self, cannot, complaint};
use crate::io::hdf5::scales;
use crate::io::journal::Journal;
use crate::io::journal::time_axis::TimeAxisFile;
use crate::io::options::WriteOptions;
use crate::io::writer::FileWriter;
use crate::io::writer::plan::DatasetPlan;
use crate::io::xdmf::TimeSlot;
use crate::io::{transfer, xdmf};
use crate::messages::on_root;
use crate::stopwatch::Kind;

/// The output of one time of a [`Series`], from [`Series::at`] or [`Series::at_time_of`].
///
/// As with [`Output`](crate::io::Output), every method takes it and returns it, and one that is
/// dropped before it is finished leaves nothing behind.
#[must_use = "an output that is not finished is removed"]
#[derive(Debug)]
pub struct Snapshot<'s, 'w> {
    series: &'s mut Series<'w>,
    time: f64,
    writing: SnapshotFile<'w>,
}

#[derive(Debug)]
enum SnapshotFile<'w> {
    /// A new file.
    File(FileWriter<'w>),
    /// One more output in a file; the journal is rank 0's.
    Append { journal: Option<Journal>, items: Vec<xdmf::Item> },
}

impl<'s, 'w> Snapshot<'s, 'w> {
    pub(super) fn begin(series: &'s mut Series<'w>, time: f64) -> Result<Self> {
        let world = series.world;
        let writing = match &mut series.store {
            Store::OneFile { begun: true, content, file } => {
                let mut journal = None;
                on_root(world.comm(), || {
                    let made = file.extend(&series.target, content);
                    journal = Some(made.map_err(|reason| cannot("extend", &series.target, &reason))?);
                    Ok(())
                })?;
                SnapshotFile::Append { journal, items: Vec::new() }
            }
            Store::OneFile { begun: false, .. } => {
                SnapshotFile::File(series.new_file(&series.target, Some(time))?)
            }
            Store::Numbered { names, begun, next, .. } => {
                if !*begun {
                    on_root(world.comm(), || {
                        let removed = names.outputs_before(f64::NEG_INFINITY);
                        removed.map_err(|reason| cannot("replace", &series.target, &reason))?;
                        Ok(())
                    })?;
                    *begun = true;
                }
                let path = names.path(*next);
                let writer = series.new_file(&path, None)?.at_time(time);
                SnapshotFile::File(if series.background.wanted() { writer.in_background() } else { writer })
            }
        };
        Ok(Self { series, time, writing })
    }

    /// Writes a field under its own name.
    ///
    /// # Errors
    ///
    /// As [`Output::write`](crate::io::Output::write). In one file, also if earlier outputs do not
    /// have this field, or have it with another shape or type.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field.
    pub fn write<F: Stored>(self, field: &F) -> Result<Self> {
        self.write_with(field, &WriteOptions::new())
    }

    /// Writes a field, or a part of it, in the layout and precision of `options`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write) and [`Output::write_with`](crate::io::Output::write_with).
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field and options.
    pub fn write_with<F: Stored>(mut self, field: &F, options: &WriteOptions) -> Result<Self> {
        self.writing = match self.writing {
            SnapshotFile::File(writer) => SnapshotFile::File(writer.write(field, options)?),
            SnapshotFile::Append { journal, mut items } => {
                items.push(append(self.series, &items, field, options)?);
                SnapshotFile::Append { journal, items }
            }
        };
        Ok(self)
    }

    /// Completes the output; [in the background](Series::in_background), once it has been written.
    ///
    /// # Errors
    ///
    /// If it cannot be brought to disk or, in one file, a field of the earlier outputs is missing.
    /// If only the XDMF file cannot be written, the output is complete, and the message names that
    /// file.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn finish(self) -> Result<()> {
        let Self { series, time, writing } = self;
        let world = series.world;
        let (items, side_file) = match writing {
            SnapshotFile::File(writer)
                if series.background.wanted() && matches!(series.store, Store::Numbered { .. }) =>
            {
                series.background.start(writer, time)?;
                return Ok(());
            }
            SnapshotFile::File(writer) => writer.finish()?,
            SnapshotFile::Append { journal, items } => {
                complete(series, time, journal, &items)?;
                (items, Ok(()))
            }
        };
        let target = &series.target;
        let collection = match &mut series.store {
            Store::OneFile { begun, content, file } => {
                if !*begun {
                    *content = on_root(world.comm(), || {
                        let opened = TimeAxisFile::open(target, f64::INFINITY);
                        let (opened, content) = opened.map_err(|reason| cannot("read", target, &reason))?;
                        *file = opened;
                        Ok(content)
                    })?;
                    *begun = true;
                }
                on_root(world.comm(), || {
                    let (name, length) = (file_name(target), content.times.len());
                    let grids = content.times.iter().enumerate().filter_map(|(index, &time)| {
                        xdmf::grids(&name, Some(time), &items, Some(TimeSlot { index, length }))
                    });
                    write_side_file((time, target), &target.with_extension("xdmf"), &xdmf::collection(grids))
                })
            }
            Store::Numbered { .. } => count(series, time, &items),
        };
        side_file.and(collection)
    }
}

/// Adds a complete file to the numbered ones. Collective.
pub(super) fn count(series: &mut Series<'_>, time: f64, items: &[xdmf::Item]) -> Result<()> {
    let Store::Numbered { names, times, next, outputs, .. } = &mut series.store else {
        unreachable!("only files of their own are numbered")
    };
    let number = *next;
    times.push(time);
    *next += 1;
    on_root(series.world.comm(), || {
        let grids = xdmf::grids(&file_name(&names.path(number)), Some(time), items, None);
        outputs.push(NumberedOutput { number, time, grids });
        let grids = outputs.iter().filter_map(|output| output.grids.clone());
        write_side_file((time, &series.target), &names.collection(), &xdmf::collection(grids))
    })
}

/// Writes a field to the last place on the axis of time. Collective.
fn append<F: Stored>(
    series: &Series<'_>,
    items: &[xdmf::Item],
    field: &F,
    options: &WriteOptions,
) -> Result<xdmf::Item> {
    let world = series.world;
    let Store::OneFile { content, .. } = &series.store else { unreachable!("only one file is appended to") };
    let plan = DatasetPlan::new(world, &series.target, field, options)?;
    let name = &plan.item.name;
    let timing = world.measure().start_on(Kind::Write, name);
    let cannot_write = |reason: &str| {
        let message = format!("cannot write {name:?} to {}: {reason}", series.target.display());
        Error::on_all_ranks(ErrorKind::File, message)
    };
    if items.iter().any(|item| item.name == *name) {
        return Err(cannot_write("this output already holds something of that name"));
    }
    let Some(known) = content.known.iter().find(|known| known.name == *name) else {
        let names: Vec<&str> = content.known.iter().map(|known| known.name.as_str()).collect();
        return Err(cannot_write(&format!(
            "earlier outputs hold only {names:?}; a file per output may vary"
        )));
    };
    if let Some(reason) = known.refusal(&plan.item, plan.mode.independent) {
        return Err(cannot_write(&reason));
    }
    // ranks may differ in what they have
    world.agree(known.unwritable().map_or(Ok(()), |reason| Err(cannot_write(&reason))))?;
    on_root(world.comm(), || {
        let file = open_alone(&series.target, OpenMode::Read);
        let mismatch = file.and_then(|file| scales::mismatch(&file, &plan.item.axes, &plan.item.shape));
        match mismatch.map_err(|error| cannot_write(&complaint(&error)))? {
            Some(reason) => Err(cannot_write(&reason)),
            None => Ok(()),
        }
    })?;
    if known.is_compressed() {
        on_root(world.comm(), || {
            let enough = storage::require(&series.target, plan.bytes());
            enough.map_err(|error| cannot_write(&error.to_string()))
        })?;
    }
    let last = content.times.len();
    let portion = plan.portion(field, Some((last + 1, last)));
    with_dataset(world, (&series.target, name, OpenMode::ReadWrite), cannot_write, |dataset| {
        transfer::write(world, dataset, (field, &portion), plan.item.kind, &plan.mode)
    })?;
    timing.finish(portion.count.iter().product::<usize>() * field.components(), plan.item.kind.size());
    Ok(plan.item)
}

/// Completes the output that was appended. Collective.
fn complete(
    series: &mut Series<'_>,
    time: f64,
    journal: Option<Journal>,
    items: &[xdmf::Item],
) -> Result<()> {
    let world = series.world;
    let target = &series.target;
    let timing = world.measure().start_on(Kind::Write, &file_name(target));
    let Store::OneFile { content, file, .. } = &mut series.store else {
        unreachable!("only one file is appended to")
    };
    let missing = content.known.iter().find(|known| items.iter().all(|item| item.name != known.name));
    if let Some(known) = missing {
        let message = format!(
            "cannot finish the output at time {time:?} of {}: earlier outputs hold {:?}, this one does not",
            target.display(),
            known.name
        );
        return Err(Error::on_all_ranks(ErrorKind::Argument, message));
    }
    // every node brings what its ranks wrote to disk
    let synced = storage::sync(target);
    world.agree(synced.map_err(|error| cannot("write", target, &error)))?;
    let mut after = content.clone();
    after.times.push(time);
    on_root(world.comm(), || {
        let journal = journal.expect("rank 0 keeps the journal until the end");
        let done = file.complete(target, &after, journal);
        done.map_err(|reason| cannot("write", target, &reason))
    })?;
    *content = after;
    timing.finish(0, 0);
    Ok(())
}

/// Writes the side file of a series whose output of this time is complete.
fn write_side_file((time, series): (f64, &Path), path: &Path, document: &str) -> Result<()> {
    storage::replace(path, document).map_err(|error| {
        let message = format!(
            "the output at time {time:?} of {} is complete, but not the side file: {error}",
            series.display()
        );
        Error::new(ErrorKind::File, message)
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
