//! Writing in the background: copies of the ranks' blocks, and the thread that brings them to disk.
//!
//! MPI is used from one thread only, so the thread makes neither MPI nor HDF5 calls. It needs none:
//! the space of a contiguous dataset is reserved earlier, rank 0 has told all ranks where it
//! begins, and a block is then a number of rows at known offsets of a file.

use std::any::Any;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, ErrorKind, Result};
use crate::io::block::file_box::FileBox;
use crate::io::file::system;
use crate::io::transfer::direct::RankShare;
use crate::io::transfer::staging::FileValues;
use crate::world::World;
use parhelion_kernels::Element;

/// Bytes that are passed to the file system before the disk is told to start writing them.
const STRETCH: usize = 8 << 20;

/// Writes past the page cache begin and end at multiples of this, in the file and in memory: the
/// page of the processor, and a multiple of the blocks of a disk.
const ALIGNED: usize = 4096;

/// Shorter runs of bytes go through the page cache, because each direct write waits for the disk.
const WORTH_IT: usize = 1 << 20;

/// What one rank writes of a contiguous dataset: bytes as they will be in the file, and their place
/// there.
#[derive(Debug)]
pub(in crate::io) struct BlockCopy {
    place: FileBox,
    /// Which bytes of the place they are.
    part: Range<usize>,
    /// The bytes, from `first` on: in memory as far from a multiple of [`ALIGNED`] as in the file.
    memory: Vec<u8>,
    first: usize,
}

impl BlockCopy {
    /// Copies this rank's share of a field. Collective, also for what fails.
    ///
    /// # Errors
    /// When there is no memory for the copy; the same on every rank.
    pub(in crate::io) fn copy<T: Element>(
        world: &World,
        share: &RankShare,
        source: &FileValues<'_, T>,
    ) -> Result<Self> {
        let mut memory = world.agree(buffer(world, share.len() + ALIGNED))?;
        let (place, part) = share.place();
        let offset = place.segments(part.clone()).next().map_or(0, |(offset, _)| offset);
        let first = ahead(offset as usize, memory.as_ptr() as usize);
        share.copy(world, source, &mut memory[first..first + share.len()]);
        Ok(Self { place: place.clone(), part, memory, first })
    }

    /// Writes it, past the page cache if `direct` can; lets the disk begin before all of it is
    /// written.
    fn write(&self, file: &File, direct: &mut Option<File>) -> io::Result<()> {
        let bytes = &self.memory[self.first..self.first + self.part.len()];
        for (offset, run) in self.place.segments(self.part.clone()) {
            let bytes = &bytes[run.start - self.part.start..run.end - self.part.start];
            let head = ahead(0, offset as usize).min(bytes.len());
            let middle = (bytes.len() - head) / ALIGNED * ALIGNED;
            let past_cache = direct
                .as_ref()
                .filter(|_| middle >= WORTH_IT && (bytes[head..].as_ptr() as usize).is_multiple_of(ALIGNED));
            let done =
                past_cache.map(|it| it.write_all_at(&bytes[head..head + middle], offset + head as u64));
            match done {
                Some(Ok(())) => {
                    file.write_all_at(&bytes[..head], offset)?;
                    file.write_all_at(&bytes[head + middle..], offset + (head + middle) as u64)?;
                    continue;
                }
                // some file systems say so only now; what is wrong with the disk will be said again
                Some(Err(_)) => *direct = None,
                None => {}
            }
            for (number, stretch) in bytes.chunks(STRETCH).enumerate() {
                let offset = offset + (number * STRETCH) as u64;
                file.write_all_at(stretch, offset)?;
                system::begin_writing(file, offset, stretch.len() as u64);
            }
        }
        Ok(())
    }
}

/// Distance from `from` to the next number with the remainder of `goal`, modulo [`ALIGNED`].
fn ahead(goal: usize, from: usize) -> usize {
    (goal % ALIGNED + ALIGNED - from % ALIGNED) % ALIGNED
}

/// The same file, opened for writing past the page cache. Copying bytes into the cache is the only
/// part of writing that takes a core from the computation. `None` where the system cannot bypass
/// the cache.
#[cfg(target_os = "linux")]
fn past_page_cache(file: &File) -> Option<File> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn past_page_cache(_: &File) -> Option<File> {
    None
}

/// Memory of copies that have been written, kept with the world for the next ones.
#[derive(Default)]
pub(in crate::io) struct SpareMemory(pub(in crate::io) RefCell<Vec<Vec<u8>>>);

/// Memory for a copy: that of an earlier copy if possible, because getting new memory from the
/// system takes longer than filling it.
fn buffer(world: &World, length: usize) -> Result<Vec<u8>> {
    let spare = world.attached::<SpareMemory>();
    let mut spare = spare.0.borrow_mut();
    spare.sort_by_key(Vec::len);
    if let Some(number) = spare.iter().position(|buffer| buffer.len() >= length) {
        return Ok(spare.remove(number));
    }
    // one that is too small is of no more use if buffers have become larger
    spare.pop();
    let refusal = |_| {
        let reason =
            format!("no memory for a copy of {length} bytes of a field; write it without a background");
        Error::new(ErrorKind::File, reason)
    };
    // asked first, for what follows would end the process
    Vec::<u8>::new().try_reserve_exact(length).map_err(refusal)?;
    // untouched zeros: the threads that fill it find the memory
    Ok(vec![0; length])
}

/// Writes the blocks and waits until the file is on disk. Gives the blocks' memory back.
pub(in crate::io) fn write(file: &File, blocks: Vec<BlockCopy>) -> io::Result<Vec<Vec<u8>>> {
    let mut direct = if blocks.is_empty() { None } else { past_page_cache(file) };
    blocks.iter().try_for_each(|block| block.write(file, &mut direct))?;
    file.sync_all()?;
    Ok(blocks.into_iter().map(|block| block.memory).collect())
}

/// Work on a thread. Dropping it waits for the thread.
#[derive(Debug)]
pub(in crate::io) struct OutputThread(Option<JoinHandle<Written>>);

/// The memory of blocks that are written, to be used again.
pub(in crate::io) type Written = io::Result<Vec<Vec<u8>>>;

impl OutputThread {
    pub(in crate::io) fn start(work: impl FnOnce() -> Written + Send + 'static) -> io::Result<Self> {
        Builder::new().name("parhelion-output".into()).spawn(work).map(|thread| Self(Some(thread)))
    }

    pub(in crate::io) fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the work; a panic there is an error here.
    pub(in crate::io) fn wait(&mut self) -> Written {
        let Some(thread) = self.0.take() else { return Ok(Vec::new()) };
        thread.join().unwrap_or_else(|panic| {
            Err(io::Error::other(format!("the thread that wrote it panicked: {}", text(&*panic))))
        })
    }
}

impl Drop for OutputThread {
    fn drop(&mut self) {
        // the caller has given up what was to be written
        let _ = self.wait();
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_thread_is_an_error() {
        let mut background = OutputThread::start(|| panic!("out of {}", "order")).unwrap();
        let error = background.wait().unwrap_err().to_string();
        assert!(error.contains("panicked: out of order"), "{error}");
        assert!(background.is_done() && background.wait().is_ok());
    }
}
