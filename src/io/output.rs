//! Writing fields to one shared file.

use std::path::Path;

use super::block::stored::Stored;
use super::hdf5::attributes::Attribute;
use super::options::WriteOptions;
use super::writer::FileWriter;
use super::writer::pending::Pending;
use crate::error::Result;
use crate::world::World;

/// A file that all ranks write together. It appears under its name only when complete.
///
/// The file grows under a temporary name in the same directory. [`finish`](Self::finish) makes sure
/// that it is on disk and renames it, which replaces an older file in one step. An output that is
/// dropped earlier, because of an error or otherwise, leaves nothing behind and the previous file
/// untouched. Every method takes the output and returns it, so the compiler warns about an output
/// that is not finished, and one that failed cannot be used again.
///
/// Each field becomes a dataset in C order, contiguous unless [`WriteOptions`] say otherwise, in
/// the byte order of the machine. Its attributes are `units` and `long_name`, and each axis has a
/// dimension scale, as xarray, netCDF and h5py expect ([the format](crate::guide::file_format)).
/// Components become the last axis, complex numbers compounds of `r` and `i`.
///
/// A side file `heat.xdmf` beside `heat.h5` shows fields of one to three axes to ParaView and
/// pyvista. It leaves out complex fields, and fields whose number of components is not 1, 2, 3, 6
/// or 9.
#[must_use = "a file that is not finished is removed"]
#[derive(Debug)]
pub struct Output<'w>(FileWriter<'w>);

impl<'w> Output<'w> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// If no file of that name can be made: its directory is missing or not writable, or something
    /// other than an ordinary file has that name.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path. This holds for all methods of an output, and every
    /// error is the same on every rank.
    pub fn create(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        FileWriter::create(world, path.as_ref(), None).map(Self)
    }

    /// Sets the time of the fields in the file: its attribute `time`. Without this call the file
    /// states no time.
    pub fn time(self, time: f64) -> Self {
        Self(self.0.at_time(time))
    }

    /// Attaches an attribute to the file. The name and value of rank 0 are used.
    ///
    /// # Errors
    ///
    /// If the file already has an attribute of that name, the name is empty or reserved for the
    /// library (`Conventions`, `parhelion_format`, `parhelion_state`, and `time`, for which there
    /// is [`time`](Self::time)), or the value is a list of more than 64000 bytes or contains a null
    /// character.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn attribute(self, name: &str, value: impl Into<Attribute>) -> Result<Self> {
        self.0.attribute(name, value.into()).map(Self)
    }

    /// Writes a field under its own name.
    ///
    /// # Errors
    ///
    /// If the file already holds something of that name, the name is empty or contains a `/`, an
    /// axis has the name of the field or of another axis with other coordinates, or the disk is
    /// full.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field.
    pub fn write<F: Stored>(self, field: &F) -> Result<Self> {
        self.write_with(field, &WriteOptions::new())
    }

    /// Writes a field under another name.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same name and field.
    pub fn write_as<F: Stored>(self, name: &str, field: &F) -> Result<Self> {
        self.write_with(field, &WriteOptions::new().name(name))
    }

    /// Writes a field, or a part of it, in the layout and precision of `options`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and if the options do not fit the field or each other, or a rank
    /// lacks a filter. Compressed datasets need space for their values before compression.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field and options.
    pub fn write_with<F: Stored>(self, field: &F, options: &WriteOptions) -> Result<Self> {
        self.0.write(field, options).map(Self)
    }

    /// Lets the ranks compute while the fields that follow are written.
    ///
    /// A field is copied when it is written, and may change immediately afterwards.
    /// [`finish_later`](Self::finish_later) starts a thread on each rank that writes the copies of
    /// that rank and brings them to disk; [`Pending::wait`](crate::io::Pending::wait) waits for it.
    /// An output between the two holds one copy of all its fields in memory, so a time loop waits
    /// for the last output before it begins the next:
    ///
    /// ```
    /// use parhelion::io::Pending;
    /// use parhelion::prelude::*;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let name = |step: usize| directory.path().join(format!("heat-{step}.h5"));
    /// let world = World::init()?;
    /// let grid = Grid::builder([32, 32, 32]).build(&world)?;
    /// let mut u = grid.field::<f64>("temperature");
    /// let mut pending: Option<Pending> = None;
    /// for step in 0..=20 {
    ///     u.fill_with(|_| step as f64); // the computation
    ///     if step % 10 == 0 {
    ///         pending.take().map_or(Ok(()), Pending::wait)?; // had ten steps to get done
    ///         let output = Output::create(&world, name(step))?.in_background();
    ///         pending = Some(output.time(0.1 * step as f64).write(&u)?.finish_later()?);
    ///     }
    /// }
    /// pending.map_or(Ok(()), Pending::wait)?;
    /// assert_eq!(Input::open(&world, name(20))?.time(), Some(2.0));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// The file is the same as without this call. Chunked and compressed datasets are written
    /// immediately, because all ranks have to write them together; only bringing them to disk is
    /// left to the thread.
    ///
    /// This hides the time of the disk, but not the time to make the copies. Where the file system
    /// can bypass its page cache (`O_DIRECT`), the thread hardly uses the cores. Where files lie in
    /// memory, it needs a core that does not compute (`PARHELION_THREADS`). The memory of the
    /// copies is kept for the next output until the [`World`] ends.
    pub fn in_background(self) -> Self {
        Self(self.0.in_background())
    }

    /// Starts a thread on each rank that brings the file to disk, with everything that was written
    /// [in the background](Self::in_background).
    ///
    /// Where the file system can reserve space, a full disk is still noticed before this call.
    ///
    /// # Errors
    ///
    /// If the attributes cannot be written or a thread cannot be started. [`Pending::wait`] reports
    /// later errors.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn finish_later(self) -> Result<Pending<'w>> {
        self.0.finish_later()
    }

    /// Brings the file to disk and gives it its name.
    ///
    /// # Errors
    ///
    /// If the file cannot be brought to disk or renamed. If only its XDMF file cannot be written,
    /// the message says that the file itself is complete.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn finish(self) -> Result<()> {
        self.0.finish()?.1
    }
}
