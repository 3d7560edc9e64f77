//! What makes appending to a file safe: the bytes that it may change, kept beside it until it is done.
//!
//! Appending to an HDF5 file overwrites bytes that are scattered over it: the superblock, object headers, the
//! indices of chunks. A process that dies in between leaves a file that no tool opens. Values are
//! never overwritten, they go to new chunks; so everything else, which is little, is first copied to
//! a journal and brought to disk. The journal has its name exactly while the file may be in between:
//! whoever finds one puts the bytes back ([`recover`]), as often as it takes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Begins a journal; the last characters are the version of its layout.
const MAGIC: &[u8; 8] = b"PHELJL01";

/// Parts of a file, sorted, none touching the next: first byte and the one after the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extents(Vec<(u64, u64)>);

impl Extents {
    /// Adds parts, in any order.
    pub(super) fn add(&mut self, parts: impl IntoIterator<Item = (u64, u64)>) {
        self.0.extend(parts.into_iter().filter(|(start, end)| start < end));
        self.0.sort_unstable();
        self.0.dedup_by(|next, before| {
            let touch = next.0 <= before.1;
            if touch {
                before.1 = before.1.max(next.1);
            }
            touch
        });
    }

    /// What of the first `length` bytes is in no part.
    fn complement(&self, length: u64) -> impl Iterator<Item = (u64, u64)> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|&(_, end)| end));
        let ends = self.0.iter().map(|&(start, _)| start).chain([length]);
        starts.zip(ends).map(move |(start, end)| (start, end.min(length))).filter(|(start, end)| start < end)
    }
}

/// The journal of a file that is being changed. Dropped before it is committed, it puts the file
/// back as it was.
#[derive(Debug)]
pub(super) struct Journal {
    file: PathBuf,
    /// What is done after a recovery, see [`recover`].
    finish: Finish,
    committed: bool,
}

/// Told how many outputs of a recovered file count, drops the others.
pub(super) type Finish = fn(&Path, usize) -> io::Result<()>;

impl Journal {
    /// Keeps all bytes of the file that are not `values`, before anything is changed.
    ///
    /// After a recovery, only the first `keep` outputs count.
    pub(super) fn begin(file: &Path, values: &Extents, keep: usize, finish: Finish) -> io::Result<Self> {
        let source = File::open(file)?;
        let length = source.metadata()?.len();
        let partial = name(file, ".partial");
        let write = || {
            let mut target = Summing { inner: BufWriter::new(File::create(&partial)?), sum: Sum::default() };
            target.write_all(MAGIC)?;
            for number in [length, keep as u64] {
                target.write_all(&number.to_le_bytes())?;
            }
            let mut buffer = Vec::new();
            for (start, end) in values.complement(length) {
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
            sync_directory(file)
        };
        write().inspect_err(|_| {
            // nothing was changed yet; what cannot be removed is overwritten by the next attempt
            let _ = fs::remove_file(&partial);
            let _ = fs::remove_file(name(file, ""));
        })?;
        Ok(Self { file: file.to_owned(), finish, committed: false })
    }

    /// Brings the changed file to disk and ends the journal: from now on the change counts.
    pub(super) fn commit(mut self) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.file)?.sync_all()?;
        fs::remove_file(name(&self.file, ""))?;
        self.committed = true;
        sync_directory(&self.file)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.committed {
            // if this fails the journal stays, and whoever opens the file next tries again
            let _ = recover(&self.file, self.finish);
        }
    }
}

/// Whether a file was left in the middle of a change, or is just being changed.
pub(in crate::io) fn is_pending(file: &Path) -> bool {
    name(file, "").exists()
}

/// Puts a file back as it was, if a job died while changing it; only after `finish` succeeded the
/// journal ends.
pub(super) fn recover(file: &Path, finish: Finish) -> io::Result<()> {
    let journal = match fs::read(name(file, "")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let damaged = || {
        let message = format!(
            "its journal {} is damaged; without that file it is used as it is",
            name(file, "").display()
        );
        io::Error::new(ErrorKind::InvalidData, message)
    };
    let (content, sum) = journal.split_last_chunk::<8>().ok_or_else(damaged)?;
    let mut found = Sum::default();
    found.add(content);
    if u64::from_le_bytes(*sum) != found.0 || !content.starts_with(MAGIC) {
        return Err(damaged());
    }
    let mut rest = &content[MAGIC.len()..];
    let mut number = || {
        let (first, others) = rest.split_first_chunk::<8>()?;
        rest = others;
        Some(u64::from_le_bytes(*first))
    };
    let (length, keep) = (number().ok_or_else(damaged)?, number().ok_or_else(damaged)?);
    let target = OpenOptions::new().write(true).open(file)?;
    target.set_len(length)?;
    let mut rest = &content[MAGIC.len() + 16..];
    while let Some((start, others)) = rest.split_first_chunk::<8>() {
        let (size, others) = others.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (start, size) = (u64::from_le_bytes(*start), u64::from_le_bytes(*size));
        let (bytes, others) = others.split_at_checked(size as usize).ok_or_else(damaged)?;
        target.write_all_at(bytes, start)?;
        rest = others;
    }
    target.sync_all()?;
    finish(file, keep as usize)?;
    fs::remove_file(name(file, ""))?;
    sync_directory(file)
}

/// Forgets what a journal says of a file that is about to be replaced as a whole.
pub(in crate::io) fn discard(file: &Path) -> io::Result<()> {
    match fs::remove_file(name(file, "")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Where the journal of a file lies.
fn name(file: &Path, suffix: &str) -> PathBuf {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.journal{suffix}"))
}

/// Names must survive a crash too; not every file system can promise that.
fn sync_directory(file: &Path) -> io::Result<()> {
    if let Some(directory) = name(file, "").parent().and_then(|path| File::open(path).ok()) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// FNV-1a of 64 bits: enough to see a torn journal.
struct Sum(u64);

impl Default for Sum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// Sums what it passes on.
struct Summing<W> {
    inner: W,
    sum: Sum,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_and_the_rest_is_their_complement() {
        let mut extents = Extents::default();
        extents.add([(10, 20), (40, 50), (5, 5)]);
        extents.add([(20, 30), (0, 2)]);
        assert_eq!(extents.0, [(0, 2), (10, 30), (40, 50)]);
        assert_eq!(extents.complement(60).collect::<Vec<_>>(), [(2, 10), (30, 40), (50, 60)]);
        assert_eq!(extents.complement(45).collect::<Vec<_>>(), [(2, 10), (30, 40)]);
    }

    /// A file of 100 bytes of which 20..70 are values.
    fn setting(directory: &Path) -> (PathBuf, Vec<u8>, Extents) {
        let (file, before) = (directory.join("a.h5"), (0..100).collect::<Vec<u8>>());
        fs::write(&file, &before).unwrap();
        let mut values = Extents::default();
        values.add([(20, 70)]);
        (file, before, values)
    }

    fn change(file: &Path) {
        let handle = OpenOptions::new().write(true).open(file).unwrap();
        handle.write_all_at(&[255; 20], 0).unwrap();
        handle.write_all_at(&[255; 60], 70).unwrap();
    }

    #[test]
    fn a_change_that_is_not_committed_is_undone() {
        let directory = tempfile::tempdir().unwrap();
        let (file, before, values) = setting(directory.path());
        let journal = Journal::begin(&file, &values, 3, |_, _| Ok(())).unwrap();
        assert!(is_pending(&file) && fs::metadata(name(&file, "")).unwrap().len() < 150);
        change(&file);
        drop(journal);
        assert_eq!(fs::read(&file).unwrap(), before);
        assert!(!is_pending(&file));
        // as after the death of the process, and with the file cut short
        let journal = std::mem::ManuallyDrop::new(Journal::begin(&file, &values, 3, |_, _| Ok(())).unwrap());
        change(&file);
        OpenOptions::new().write(true).open(&journal.file).unwrap().set_len(90).unwrap();
        recover(&file, |_, keep| {
            assert_eq!(keep, 3);
            Ok(())
        })
        .unwrap();
        assert_eq!(fs::read(&file).unwrap(), before);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn a_change_that_is_committed_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (file, before, values) = setting(directory.path());
        let journal = Journal::begin(&file, &values, 3, |_, _| Ok(())).unwrap();
        change(&file);
        journal.commit().unwrap();
        recover(&file, |_, _| unreachable!()).unwrap();
        assert_ne!(fs::read(&file).unwrap(), before);
    }

    #[test]
    fn a_journal_that_is_damaged_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let (file, _, values) = setting(directory.path());
        let _left = std::mem::ManuallyDrop::new(Journal::begin(&file, &values, 3, |_, _| Ok(())).unwrap());
        let mut bytes = fs::read(name(&file, "")).unwrap();
        bytes[40] ^= 1;
        fs::write(name(&file, ""), bytes).unwrap();
        let error = recover(&file, |_, _| unreachable!()).unwrap_err().to_string();
        assert!(error.contains("damaged") && error.contains(".a.h5.journal"), "{error}");
    }
}
