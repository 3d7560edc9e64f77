//! Writing in the background: copies of the ranks' blocks, and the thread that brings them to disk.
//!
//! MPI is used from one thread only, so the thread makes neither MPI nor HDF5 calls. It does not need them:
//! the space of a contiguous dataset is reserved before, rank 0 has told where, and a block is then so
//! many rows at known offsets of a file.

use std::any::Any;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::thread::{Builder, JoinHandle};

use super::direct::Share;
use super::ffi;
use super::output::Output;
use super::place::Place;
use super::staging::Source;
use super::xdmf;
use crate::error::ErrorKind;
use crate::{Element, Error, Result, World};

/// So many bytes are handed to the file system before the disk is told to begin with them.
const STRETCH: usize = 8 << 20;

/// What one rank writes of a contiguous dataset: bytes as they will be in the file, and their place there.
#[derive(Debug)]
pub(super) struct Block {
    place: Place,
    /// Which bytes of the place they are.
    part: Range<usize>,
    /// As many, and maybe some more that mean nothing.
    bytes: Vec<u8>,
}

impl Block {
    /// Copies this rank's share of a field. Collective, also for what fails.
    ///
    /// # Errors
    /// When there is no memory for the copy; the same on every rank.
    pub(super) fn copy<T: Element>(world: &World, share: &Share, source: &Source<'_, T>) -> Result<Self> {
        let mut bytes = world.agree(buffer(world, share.len()))?;
        share.copy(world.pool(), source, &mut bytes[..share.len()]);
        let (place, part) = share.place();
        Ok(Self { place: place.clone(), part, bytes })
    }

    /// Writes it, and lets the disk begin before all of it is written.
    fn write(&self, file: &File) -> io::Result<()> {
        for first in self.part.clone().step_by(STRETCH) {
            let stretch = first..(first + STRETCH).min(self.part.end);
            let bytes = &self.bytes[stretch.start - self.part.start..stretch.end - self.part.start];
            self.place.put(file, first, bytes)?;
            for (offset, run) in self.place.segments(stretch) {
                ffi::begin_writing(file, offset, run.len() as u64);
            }
        }
        Ok(())
    }
}

/// Memory for a copy: that of an earlier one if possible, since the system takes longer to find new memory
/// than it takes to fill it.
fn buffer(world: &World, length: usize) -> Result<Vec<u8>> {
    let mut spare = world.spare_memory().borrow_mut();
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
pub(super) fn write(file: &File, blocks: Vec<Block>) -> io::Result<Vec<Vec<u8>>> {
    blocks.iter().try_for_each(|block| block.write(file))?;
    file.sync_all()?;
    Ok(blocks.into_iter().map(|block| block.bytes).collect())
}

/// Work on a thread of its own. Dropping it waits for the thread.
#[derive(Debug)]
pub(super) struct Background(Option<JoinHandle<Written>>);

/// What becomes of blocks: their memory, to be used again.
type Written = io::Result<Vec<Vec<u8>>>;

impl Background {
    pub(super) fn start(work: impl FnOnce() -> Written + Send + 'static) -> io::Result<Self> {
        Builder::new().name("parhelion-output".into()).spawn(work).map(|thread| Self(Some(thread)))
    }

    fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the work; a panic there is an error here.
    fn wait(&mut self) -> Written {
        let Some(thread) = self.0.take() else { return Ok(Vec::new()) };
        thread.join().unwrap_or_else(|panic| {
            Err(io::Error::other(format!("the thread that wrote it panicked: {}", text(&*panic))))
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // the caller has given up what was to be written
        let _ = self.wait();
    }
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

/// A file that is being written while the ranks compute; see [`Output::in_background`].
///
/// It holds the copies of the fields until they are written. The file has its name only after
/// [`wait`](Self::wait); one that is dropped instead waits for its thread and leaves nothing behind,
/// like an [`Output`] that is not finished.
#[must_use = "a file that is not waited for is removed"]
#[derive(Debug)]
pub struct Pending<'w> {
    // in this order: the thread ends before the file is removed
    background: Background,
    output: Output<'w>,
}

impl<'w> Pending<'w> {
    pub(super) fn new(background: Background, output: Output<'w>) -> Self {
        Self { background, output }
    }

    /// Whether this rank's part is on disk or has failed, so that [`wait`](Self::wait) only has to wait for others.
    ///
    /// Ranks may differ: whether to call `wait` must not depend on it.
    pub fn is_done(&self) -> bool {
        self.background.is_done()
    }

    /// Waits until the file is on disk, and puts it in place.
    ///
    /// # Errors
    ///
    /// If the fields could not be written, or the file not be brought to disk or renamed; the older
    /// file is then as it was.
    ///
    /// # Collective
    ///
    /// All ranks call it, and every error is the same on every rank.
    pub fn wait(self) -> Result<()> {
        self.complete().map(drop)
    }

    /// As [`wait`](Self::wait); gives what the file holds.
    pub(super) fn complete(mut self) -> Result<Vec<xdmf::Item>> {
        let timing = self.output.timing();
        let written = self.background.wait();
        let items = self.output.put_in_place(written)?;
        timing.finish(0, 0);
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grid;
    use crate::testing::on_ranks;

    #[test]
    fn a_panic_of_the_thread_is_an_error() {
        let mut background = Background::start(|| panic!("out of {}", "order")).unwrap();
        let error = background.wait().unwrap_err().to_string();
        assert!(error.contains("panicked: out of order"), "{error}");
        assert!(background.is_done() && background.wait().is_ok());
    }

    #[test]
    fn what_fails_in_one_background_fails_on_every_rank_and_leaves_nothing() {
        let path = std::env::temp_dir().join("parhelion-background.h5");
        on_ranks([1, 2, 3, 4], |world| {
            let u = Grid::builder([5, 6, 7]).build(world)?.field::<f64>("u");
            let mut output = Output::create(world, &path)?.in_background().write(&u)?;
            let (mut file, blocks) = output.seal()?;
            let draft = output.temporary().to_owned();
            if world.rank() + 1 == world.size() {
                // as if the disk refused the bytes
                file = File::open(&draft)?;
            }
            let background = Background::start(move || write(&file, blocks))?;
            let error = Pending::new(background, output).wait().unwrap_err().to_string();
            assert!(error.contains("parhelion-background.h5") && error.contains("Bad file"), "{error}");
            assert!(world.is_same(&error), "{error}");
            world.barrier();
            assert!(!path.exists() && !draft.exists());
            Ok(())
        });
    }
}
