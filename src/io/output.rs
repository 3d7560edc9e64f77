//! Writing fields to one shared file.

use std::path::Path;

use super::block::stored::Stored;
use super::hdf5::attributes::Attribute;
use super::options::WriteOptions;
use super::writer::FileWriter;
use super::writer::pending::Pending;
use crate::error::Result;
use crate::world::World;

/// A file that all ranks write together, and that appears under its name only when complete.
///
/// The file grows under a temporary name in the same directory. [`finish`](Self::finish) makes
/// sure that it is on disk and gives it its name, replacing an older file in one step. An output
/// that is dropped before, because of an error or otherwise, leaves nothing behind, and the older
/// file as it was. Every method takes the output and gives it back, so that the compiler warns of
/// one that is not finished and an output that failed cannot be used further.
///
/// Each field becomes a dataset in C order, contiguous unless [`WriteOptions`] say otherwise and in the
/// machine's byte order, with its attributes `units` and `long_name` and a dimension scale per axis,
/// as xarray, netCDF and h5py expect them ([the format](crate::guide::file_format)). Components become the
/// last axis, complex numbers compounds of `r` and `i`.
/// Beside `heat.h5`, ParaView and pyvista find the fields of one to three axes on their grid in
/// `heat.xdmf`; complex ones, and those of other than 1, 2, 3, 6 or 9 components, are left out there.
#[must_use = "a file that is not finished is removed"]
#[derive(Debug)]
pub struct Output<'w>(FileWriter<'w>);

impl<'w> Output<'w> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// If there cannot be a file of that name: its directory is missing or may not be written to,
    /// or there is something of that name that is not an ordinary file.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path. So do all methods of an output, and every error is
    /// the same on every rank.
    pub fn create(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        FileWriter::create(world, path.as_ref(), None).map(Self)
    }

    /// States the time of the fields in the file: its attribute `time`.
    pub fn time(self, time: f64) -> Self {
        Self(self.0.at_time(time))
    }

    /// Attaches an attribute to the file. Rank 0's name and value count.
    ///
    /// # Errors
    ///
    /// If the file was given an attribute of that name before, or it cannot be one: it is empty or one that the
    /// library sets itself (`time`, which [`time`](Self::time) is for, `Conventions`, `parhelion_format`,
    /// `parhelion_state`), or the value is a list of more than 64000 bytes, or contains a null character.
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
    /// axis has the name of another with other coordinates, or the disk is full.
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
    /// As [`write`](Self::write), and if the options do not go with the field or with each other, or a rank lacks a
    /// filter.
    /// Compressed datasets need space for their values before compression.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same field and options.
    pub fn write_with<F: Stored>(self, field: &F, options: &WriteOptions) -> Result<Self> {
        self.0.write(field, options).map(Self)
    }

    /// Lets the fields that follow be written while the ranks compute on.
    ///
    /// A field is then copied when it is written, and may change at once. [`finish_later`](Self::finish_later)
    /// starts a thread on each rank that writes the rank's copies and brings them to disk;
    /// [`Pending::wait`](crate::io::Pending::wait) ends it. Every output between the two holds one copy of all its fields in
    /// memory, so a loop over steps waits for the last output before it begins the next:
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
    /// The file is the same as without. Chunked and compressed datasets are written at once, since that takes
    /// all ranks together; only bringing them to disk is left to the thread.
    ///
    /// What can be hidden is the time of the disk. Where the file system can do without its page cache (`O_DIRECT`), the
    /// thread takes hardly any of the cores' time; where files lie in memory, it needs a core that does not compute
    /// (`PARHELION_THREADS`). Making the copies cannot be hidden. Their memory is kept for the next output
    /// until the [`World`] ends.
    pub fn in_background(self) -> Self {
        Self(self.0.in_background())
    }

    /// Leaves it to a thread of each rank to bring the file to disk, with all that was written
    /// [in the background](Self::in_background).
    ///
    /// A full disk is noticed before, as without a background, where the file system can reserve space.
    ///
    /// # Errors
    ///
    /// If the attributes cannot be written or there can be no thread. Later errors are those of [`Pending::wait`].
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn finish_later(self) -> Result<Pending<'w>> {
        self.0.finish_later()
    }

    /// Puts the complete file in place.
    ///
    /// # Errors
    ///
    /// If the file cannot be brought to disk or renamed. If only its XDMF file cannot be written, the message says
    /// that the file itself is complete.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn finish(self) -> Result<()> {
        self.0.finish()?.1
    }
}
