//! Writing in the background: copies of the ranks' blocks, and the thread that brings them to disk.
//!
//! MPI is used from one thread only, so the thread makes neither MPI nor HDF5 calls. It does not need them:
//! the space of a contiguous dataset is reserved before, rank 0 has told where, and a block is then so
//! many rows at known offsets of a file.

use std::any::Any;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread::{Builder, JoinHandle};

use super::output::Output;
use super::pieces::{Piece, Pieces};
use super::portion::Portion;
use super::staging::Stage;
use super::stored::Stored;
use crate::{ElementKind, Result};

/// Bytes that are gathered at a time: few enough to stay in a cache until they are copied again.
const GATHERED: usize = 256 << 10;

/// One rank's values of a contiguous dataset, as they will be in the file, and their place there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// In C order.
    bytes: Vec<u8>,
    /// Where the dataset begins in the file.
    origin: u64,
    /// The dataset, the first index and the length of the block per axis; the last axis are the bytes of a value.
    extent: Vec<usize>,
    start: Vec<usize>,
    count: Vec<usize>,
}

impl Block {
    /// Copies a portion of the field as values of kind `stored`.
    ///
    /// # Errors
    /// When there is no memory for the copy.
    pub(super) fn copy<F: Stored>(
        (field, portion): (&F, &Portion),
        stored: ElementKind,
        origin: u64,
    ) -> std::result::Result<Self, String> {
        let whole = Piece { start: vec![0; portion.count.len()], count: portion.count.clone() };
        let [mut start, mut count, _] = portion.in_file(&whole);
        let mut extent = portion.file_shape();
        let size = stored.size();
        extent.push(size);
        start.push(0);
        count.push(size);
        let length: usize = whole.len() * field.components() * size;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(length)
            .map_err(|_| format!("no memory for a copy of {length} bytes; write it without a background"))?;
        let pieces = Pieces::new(&portion.count, size_of::<F::Value>() * field.components(), GATHERED);
        let mut stage = Stage::new(stored);
        for number in 0..pieces.len() {
            bytes.extend_from_slice(stage.gather((field, portion), &pieces.get(number)));
        }
        Ok(Self { bytes, origin, extent, start, count })
    }

    /// The runs of bytes that are contiguous in the file too: offset in the file, and the bytes.
    fn rows(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let Self { origin, extent, start, count, .. } = self;
        let axes = extent.len();
        let mut stride = vec![1_u64; axes];
        for axis in (1..axes).rev() {
            stride[axis - 1] = stride[axis] * extent[axis] as u64;
        }
        // behind the last axis of which the block has only a part, nothing is between its values
        let split = (0..axes).rev().find(|&axis| count[axis] != extent[axis]).unwrap_or(0);
        let length = count[split..].iter().product::<usize>().max(1);
        let first = origin + start[split] as u64 * stride[split];
        self.bytes.chunks(length).enumerate().map(move |(mut row, bytes)| {
            let mut offset = first;
            for axis in (0..split).rev() {
                offset += (start[axis] + row % count[axis]) as u64 * stride[axis];
                row /= count[axis];
            }
            (offset, bytes)
        })
    }
}

/// Writes the blocks and waits until the file is on disk. Frees each block when it is written.
pub(super) fn write(file: &File, blocks: Vec<Block>) -> io::Result<()> {
    for block in blocks {
        block.rows().try_for_each(|(offset, bytes)| file.write_all_at(bytes, offset))?;
    }
    file.sync_all()
}

/// Work on a thread of its own. Dropping it waits for the thread.
#[derive(Debug)]
pub(super) struct Background(Option<JoinHandle<io::Result<()>>>);

impl Background {
    pub(super) fn start(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        Builder::new().name("parhelion-output".into()).spawn(work).map(|thread| Self(Some(thread)))
    }

    fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the work; a panic there is an error here.
    fn wait(&mut self) -> io::Result<()> {
        let Some(thread) = self.0.take() else { return Ok(()) };
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
    pub fn wait(mut self) -> Result<()> {
        let timing = self.output.timing();
        let written = self.background.wait();
        self.output.put_in_place(written)?;
        timing.finish(0, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Grid;
    use crate::testing::on_ranks;

    proptest! {
        #[test]
        fn every_byte_of_a_block_has_its_place_and_rows_are_as_long_as_can_be(
            axes in prop::collection::vec((1_usize..5, 0_usize..4, 0_usize..5), 1..5),
            origin in 0_u64..100,
        ) {
            let extent: Vec<usize> = axes.iter().map(|&(extent, ..)| extent).collect();
            let start: Vec<usize> = axes.iter().map(|&(extent, start, _)| start.min(extent)).collect();
            let count: Vec<usize> =
                (0..axes.len()).map(|a| axes[a].2.min(extent[a] - start[a])).collect();
            let total: usize = extent.iter().product();
            // the places in the file of the block's bytes, found one by one
            let places: Vec<usize> = (0..total)
                .filter(|&place| {
                    let mut rest = place;
                    (0..axes.len()).rev().all(|a| {
                        let index = rest % extent[a];
                        rest /= extent[a];
                        (start[a]..start[a] + count[a]).contains(&index)
                    })
                })
                .collect();
            // there are at most 4⁴ = 256 places: each is a byte of its own
            let bytes = places.iter().map(|&place| place as u8).collect();
            let block = Block { bytes, origin, extent, start, count };
            let mut file = vec![None; total];
            let mut end = None;
            for (offset, bytes) in block.rows() {
                prop_assert_ne!(end, Some(offset), "two rows could be one");
                end = Some(offset + bytes.len() as u64);
                for (place, &byte) in (offset - origin..).zip(bytes) {
                    prop_assert!(file[place as usize].replace(byte).is_none());
                }
            }
            for (place, byte) in file.into_iter().enumerate() {
                prop_assert_eq!(byte, places.contains(&place).then_some(place as u8));
            }
        }
    }

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
