//! A file that a thread brings to disk while the ranks compute.

use super::FileWriter;
use crate::error::Result;
use crate::io::transfer::background::OutputThread;
use crate::io::xdmf;

/// A file that a thread writes while the ranks compute; see
/// [`Output::in_background`](crate::io::Output::in_background).
///
/// It holds the copies of the fields until they are written. The file gets its name in
/// [`wait`](Self::wait). A `Pending` that is dropped instead waits for its thread and leaves
/// nothing behind, like an [`Output`](crate::io::Output) that is not finished.
#[must_use = "a file that is not waited for is removed"]
#[derive(Debug)]
pub struct Pending<'w> {
    // in this order: the thread ends before the file is removed
    background: OutputThread,
    writer: FileWriter<'w>,
}

impl<'w> Pending<'w> {
    pub(in crate::io) fn new(background: OutputThread, writer: FileWriter<'w>) -> Self {
        Self { background, writer }
    }

    /// Whether this rank's part is on disk or has failed, so that [`wait`](Self::wait) only has to
    /// wait for other ranks.
    ///
    /// Ranks may differ: do not let this answer decide whether to call `wait`.
    pub fn is_done(&self) -> bool {
        self.background.is_done()
    }

    /// Waits until the file is on disk, and gives it its name.
    ///
    /// # Errors
    ///
    /// If the fields cannot be written, or the file cannot be brought to disk or renamed. The
    /// previous file is then untouched.
    ///
    /// # Collective
    ///
    /// All ranks call it, and every error is the same on every rank.
    pub fn wait(self) -> Result<()> {
        self.complete()?.1
    }

    /// As [`wait`](Self::wait); gives what the file holds, and whether only its side file failed.
    pub(in crate::io) fn complete(mut self) -> Result<(Vec<xdmf::Item>, Result<()>)> {
        let timing = self.writer.timing();
        let written = self.background.wait();
        let done = self.writer.put_in_place(written)?;
        timing.finish(0, 0);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::grid::Grid;
    use crate::io::options::WriteOptions;
    use crate::io::transfer::background;
    use crate::testing::on_ranks;

    #[test]
    fn what_fails_in_one_background_fails_on_every_rank_and_leaves_nothing() {
        let path = std::env::temp_dir().join("parhelion-background.h5");
        on_ranks([1, 2, 3, 4], |world| {
            let u = Grid::builder([5, 6, 7]).build(world)?.field::<f64>("u");
            let mut writer =
                FileWriter::create(world, &path, None)?.in_background().write(&u, &WriteOptions::new())?;
            let (mut file, blocks) = writer.seal()?;
            let draft = writer.temporary().to_owned();
            if world.rank() + 1 == world.size() {
                // as if the disk refused the bytes
                file = File::open(&draft)?;
            }
            let background = OutputThread::start(move || background::write(&file, blocks))?;
            let error = Pending::new(background, writer).wait().unwrap_err().to_string();
            assert!(error.contains("parhelion-background.h5") && error.contains("Bad file"), "{error}");
            assert!(world.is_same(&error), "{error}");
            world.barrier();
            assert!(!path.exists() && !draft.exists());
            Ok(())
        });
    }
}
