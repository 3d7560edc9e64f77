//! The end of a file: its attributes, what is to be on disk, its name.

use std::fs::{File, OpenOptions};
#[cfg(test)]
use std::path::Path;

use hdf5::OpenMode;

use super::FileWriter;
use super::pending::Pending;
use crate::error::{Error, ErrorKind, Result};
use crate::io::file::open::open_alone;
use crate::io::file::storage::{self, cannot, complaint};
use crate::io::hdf5::FORMAT;
use crate::io::hdf5::attributes::Attribute;
use crate::io::journal::{self, state};
use crate::io::transfer::background::{self, BlockCopy, OutputThread, Written};
use crate::io::xdmf;
use crate::messages::on_root;
use crate::stopwatch::{Kind, Timing};

impl<'w> FileWriter<'w> {
    /// Starts a thread that writes the copies and brings the file to disk. Collective.
    pub(in crate::io) fn finish_later(mut self) -> Result<Pending<'w>> {
        let timing = self.timing();
        let (file, copies) = self.seal()?;
        let started = OutputThread::start(move || background::write(&file, copies));
        let started = started.map_err(|error| cannot("write", &self.target, &error));
        let background = self.world.agree(started)?;
        timing.finish(0, 0);
        Ok(Pending::new(background, self))
    }

    /// Puts the complete file in place. Returns what it holds, and whether only its side file
    /// failed. Collective.
    pub(in crate::io) fn finish(mut self) -> Result<(Vec<xdmf::Item>, Result<()>)> {
        let timing = self.timing();
        let (file, copies) = self.seal()?;
        let done = self.put_in_place(background::write(&file, copies))?;
        timing.finish(0, 0);
        Ok(done)
    }

    /// Writes all but the copies; gives what [`background::write`] needs for the rest. Collective.
    pub(in crate::io) fn seal(&mut self) -> Result<(File, Vec<BlockCopy>)> {
        on_root(self.world.comm(), || {
            self.write_attributes().map_err(|error| cannot("write", &self.target, &complaint(&error)))?;
            Ok(())
        })?;
        // on every rank: each node brings what its ranks wrote to disk
        let file = OpenOptions::new().write(true).open(&self.temporary);
        let file = self.world.agree(file.map_err(|error| cannot("write", &self.target, &error)))?;
        Ok((file, self.copies.take().unwrap_or_default()))
    }

    /// Gives the file its name if all is `written`, and the memory of the copies to later ones;
    /// gives what the file holds, and whether only its side file failed. Collective.
    pub(in crate::io) fn put_in_place(mut self, written: Written) -> Result<(Vec<xdmf::Item>, Result<()>)> {
        let spare = self.world.agree(written.map_err(|error| cannot("write", &self.target, &error)))?;
        self.world.attached::<background::SpareMemory>().0.borrow_mut().extend(spare);
        let (draft, target) = (self.draft.take(), &self.target);
        on_root(self.world.comm(), || {
            let draft = draft.expect("rank 0 keeps the draft until the end");
            self.verify().map_err(|error| cannot("write", target, &error))?;
            journal::discard(target).map_err(|error| cannot("write", target, &error))?;
            draft.move_in_place()?;
            Ok(())
        })?;
        let side_file = on_root(self.world.comm(), || {
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            // that of a series with an axis of time is for all outputs together
            let document = if self.time_axis { None } else { xdmf::document(&name, self.time, &self.items) };
            let written = document
                .map_or(Ok(()), |document| storage::replace(&target.with_extension("xdmf"), &document));
            written.map_err(|error| {
                let message = format!("{} is complete, but not its side file: {error}", target.display());
                Error::new(ErrorKind::File, message)
            })
        });
        Ok((self.items, side_file))
    }

    /// Starts to measure the work on the file as a whole.
    pub(in crate::io) fn timing(&self) -> Timing {
        let name = self.target.file_name().unwrap_or_default().to_string_lossy();
        self.world.measure().start_on(Kind::Write, &name)
    }

    #[cfg(test)]
    pub(in crate::io) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Writes the attributes of the file itself. On rank 0.
    fn write_attributes(&self) -> hdf5::Result<()> {
        let file = open_alone(&self.temporary, OpenMode::ReadWrite)?;
        Attribute::from("CF-1.8").write(&file, "Conventions")?;
        Attribute::from(FORMAT).write(&file, "parhelion_format")?;
        if let Some(time) = self.time {
            Attribute::from(time).write(&file, "time")?;
        }
        for (name, value) in &self.attributes {
            value.write(&file, name)?;
        }
        if self.time_axis {
            let described = format!("{:?} {:?}", self.attributes, self.items);
            state::note(&file, state::first(&described))?;
        }
        file.flush()?;
        file.close()
    }

    /// Refuses a file that is too short for its datasets. On rank 0.
    fn verify(&self) -> Result<(), String> {
        let text = |error: hdf5::Error| complaint(&error);
        // HDF5 itself refuses a file that ends before the end it has noted
        let file = open_alone(&self.temporary, OpenMode::Read).map_err(text)?;
        let length = std::fs::metadata(&self.temporary).map_err(|error| error.to_string())?.len();
        for item in &self.items {
            let dataset = file.dataset(&item.name).map_err(text)?;
            let end = dataset.offset().map_or(0, |offset| offset + dataset.storage_size());
            if end > length {
                return Err(format!("{:?} should end at byte {end} of a file of {length}", item.name));
            }
        }
        Ok(())
    }
}
