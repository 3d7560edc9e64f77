//! Files with an axis of time that grows ([`time_axis`]), and the journal that makes appending to
//! them safe: the bytes that an append may change are kept beside the file until it is done.
//!
//! Appending to an HDF5 file overwrites bytes that are scattered over it: the superblock, object
//! headers, the indices of chunks. A process that dies in between leaves a file that no tool opens.
//! Values are never overwritten, because they go to new chunks. So everything else is first copied
//! to a journal and brought to disk. The journal has its name exactly while the file may be in
//! between. A process that finds one puts the bytes back ([`recover`]), as often as it takes.
//!
//! "Everything else" is little, unless the file has dead space: HDF5 does not say where the space
//! of outputs lies that were dropped in an earlier job, so it is copied too, with every append.
//!
//! Two things keep a journal from the wrong hands. The process that makes the change locks it, so
//! another job neither takes it for that of a dead one nor begins a change itself. And it states in
//! which [state](state) the file was and will be, so it is not applied to another file of that
//! name, such as one from a backup.

mod extents;
mod objects;
pub(in crate::io) mod state;
mod sum;
pub(in crate::io) mod time_axis;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::io::file::lock;
use crate::io::file::storage::sync_directory_of;
use crate::io::journal::extents::Extents;
use crate::io::journal::state::StateMark;
use crate::io::journal::sum::{Sum, Summing};

/// Begins a journal; the last characters are the version of its layout.
const MAGIC: &[u8; 8] = b"PHELJL02";
/// Most bytes that are copied at once.
const PIECE: u64 = 1 << 20;
/// Bytes of the sum at the end.
const SUM: u64 = 8;

/// The journal of a file that is being changed. Dropped before it is committed, it puts the file
/// back as it was.
#[derive(Debug)]
pub(in crate::io) struct Journal {
    file: PathBuf,
    /// The journal itself, locked.
    handle: File,
    /// The state of the file once the change is committed.
    pub(in crate::io) next_state: i64,
    /// Runs after a recovery, see [`recover`].
    finish: Finish,
    committed: bool,
}

/// Drops all outputs of a recovered file but the first ones, of which it gets the number.
pub(in crate::io) type Finish = fn(&Path, usize) -> io::Result<()>;

/// The first bytes of a journal.
struct JournalHeader {
    /// Bytes of the file before the change.
    length: u64,
    /// Number of complete outputs.
    keep: u64,
    /// Where the file notes its state, if that is known.
    mark: Option<StateMark>,
}

impl JournalHeader {
    const LENGTH: u64 = 40;

    fn encode(&self) -> Vec<u8> {
        let mark = self.mark.unwrap_or(StateMark { offset: u64::MAX, state: 0 });
        let numbers = [self.length, self.keep, mark.offset, mark.state as u64];
        MAGIC.iter().copied().chain(numbers.into_iter().flat_map(u64::to_le_bytes)).collect()
    }

    /// `None` if that is no journal of this version.
    fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut magic = [0; 8];
        from.read_exact(&mut magic)?;
        let mut number = || read_number(from);
        let (length, keep, offset, state) = (number()?, number()?, number()?, number()? as i64);
        let mark = (offset != u64::MAX).then_some(StateMark { offset, state });
        Ok((magic == *MAGIC).then_some(Self { length, keep, mark }))
    }
}

fn read_number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

impl Journal {
    /// Keeps all bytes of the file that are not `values`, before anything is changed.
    ///
    /// After a recovery, only the first `keep` outputs count. The state of the file is noted at
    /// `mark`.
    ///
    /// # Errors
    /// When another process is changing the file or has done so, or the journal cannot be written.
    pub(in crate::io) fn begin(
        file: &Path,
        values: &Extents,
        keep: usize,
        mark: Option<StateMark>,
        finish: Finish,
    ) -> io::Result<Self> {
        let source = File::open(file)?;
        let length = source.metadata()?.len();
        let partial = name(file, ".partial");
        // not truncated yet: it may be that of another process
        let handle = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&partial)?;
        if !lock::take(&handle) {
            return Err(busy());
        }
        // it gets its name under the same lock, so no other process can have begun unseen
        if name(file, "").exists() {
            fs::remove_file(&partial)?;
            return Err(busy());
        }
        let write = || {
            if let Some(StateMark { offset, state }) = mark
                && StateMark::read(&source, offset)? != Some(state)
            {
                return Err(io::Error::other("another program has changed it since the last output"));
            }
            handle.set_len(0)?;
            let mut target = Summing { inner: BufWriter::new(&handle), sum: Sum::default() };
            target.write_all(&JournalHeader { length, keep: keep as u64, mark }.encode())?;
            let mut buffer = Vec::new();
            for (start, end) in values.complement(length).flat_map(pieces) {
                target.write_all(&start.to_le_bytes())?;
                target.write_all(&(end - start).to_le_bytes())?;
                buffer.resize((end - start) as usize, 0);
                source.read_exact_at(&mut buffer, start)?;
                target.write_all(&buffer)?;
            }
            let Summing { mut inner, sum } = target;
            inner.write_all(&sum.0.to_le_bytes())?;
            inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&partial, name(file, ""))?;
            sync_directory_of(&partial)?;
            Ok(sum.0 as i64)
        };
        let next_state = write().inspect_err(|_: &io::Error| {
            // nothing was changed yet; what cannot be removed is overwritten by the next attempt
            let _ = fs::remove_file(&partial);
            let _ = fs::remove_file(name(file, ""));
        })?;
        Ok(Self { file: file.to_owned(), handle, next_state, finish, committed: false })
    }

    /// Brings the changed file to disk and removes the journal, which makes the change permanent.
    pub(in crate::io) fn commit(mut self) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.file)?.sync_all()?;
        discard(&self.file)?;
        // otherwise it may be there again after a crash: then better now
        sync_directory_of(&name(&self.file, ""))?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.committed {
            // if this fails the journal stays, and the next process that opens the file tries again
            let _ = undo(&self.file, &self.handle, self.finish);
        }
    }
}

/// Splits a range into parts of at most [`PIECE`] bytes.
fn pieces((start, end): (u64, u64)) -> impl Iterator<Item = (u64, u64)> {
    (start..end).step_by(PIECE as usize).map(move |from| (from, end.min(from + PIECE)))
}

/// Whether a file was left in the middle of a change, or is being changed now.
pub(in crate::io) fn is_pending(file: &Path) -> bool {
    name(file, "").exists()
}

/// Puts a file back as it was, if a job died while changing it; only after `finish` succeeded the
/// journal ends.
///
/// # Errors
/// When another process is changing the file, or the journal is damaged or not that of this file.
pub(in crate::io) fn recover(file: &Path, finish: Finish) -> io::Result<()> {
    let path = name(file, "");
    let journal = match OpenOptions::new().read(true).write(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if !lock::take(&journal) {
        return Err(busy());
    }
    // it may have ended before it was locked, and must not be applied then
    let identity = |of: &fs::Metadata| (of.dev(), of.ino());
    match fs::metadata(&path) {
        Ok(named) if identity(&named) == identity(&journal.metadata()?) => undo(file, &journal, finish),
        _ => recover(file, finish),
    }
}

/// Applies a journal that is locked by the caller.
fn undo(file: &Path, journal: &File, finish: Finish) -> io::Result<()> {
    // the work of another program must not be overwritten; `finish` claims the file for itself
    drop(lock::claim(file)?);
    let path = name(file, "");
    let complain = |what: &str| {
        let message = format!("its journal {} {what}; without that file it is used as it is", path.display());
        io::Error::new(ErrorKind::InvalidData, message)
    };
    let damaged = || complain("is damaged");
    let sum = verified_sum(journal)?.ok_or_else(damaged)?;
    let mut rest = BufReader::new(journal);
    rest.seek(SeekFrom::Start(0))?;
    let header = JournalHeader::read(&mut rest)?.ok_or_else(damaged)?;
    let target = OpenOptions::new().read(true).write(true).open(file)?;
    if let Some(StateMark { offset, state }) = header.mark {
        // neither before nor after the change that the journal is of
        if !StateMark::read(&target, offset)?.is_some_and(|found| [state, sum as i64].contains(&found)) {
            return Err(complain(
                "is of another state of this file, which was replaced since (by a backup?)",
            ));
        }
    }
    target.set_len(header.length)?;
    let mut left = journal.metadata()?.len() - JournalHeader::LENGTH - SUM;
    let mut bytes = Vec::new();
    while left > 0 {
        let (start, size) = (read_number(&mut rest)?, read_number(&mut rest)?);
        left = left.checked_sub(16).and_then(|left| left.checked_sub(size)).ok_or_else(damaged)?;
        if size > PIECE {
            return Err(damaged());
        }
        bytes.resize(size as usize, 0);
        rest.read_exact(&mut bytes)?;
        target.write_all_at(&bytes, start)?;
    }
    target.sync_all()?;
    finish(file, header.keep as usize)?;
    discard(file)?;
    sync_directory_of(&path)
}

/// The sum at the end of a journal, if it matches the content.
fn verified_sum(journal: &File) -> io::Result<Option<u64>> {
    let Some(content) = journal.metadata()?.len().checked_sub(SUM) else { return Ok(None) };
    let (mut sum, mut bytes) = (Sum::default(), Vec::new());
    for (start, end) in pieces((0, content)) {
        bytes.resize((end - start) as usize, 0);
        journal.read_exact_at(&mut bytes, start)?;
        sum.add(&bytes);
    }
    let mut noted = [0; SUM as usize];
    journal.read_exact_at(&mut noted, content)?;
    Ok((u64::from_le_bytes(noted) == sum.0 && content >= JournalHeader::LENGTH).then_some(sum.0))
}

fn busy() -> io::Error {
    io::Error::new(ErrorKind::ResourceBusy, "another job is changing it at this moment; one may at a time")
}

/// Removes the journal of a file that is about to be replaced as a whole.
pub(in crate::io) fn discard(file: &Path) -> io::Result<()> {
    match fs::remove_file(name(file, "")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The path of the journal of a file.
fn name(file: &Path, suffix: &str) -> PathBuf {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.journal{suffix}"))
}

#[cfg(test)]
mod tests;
