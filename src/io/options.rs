//! How a dataset is written, and what of it is read.

use std::ops::Range;

use crate::io::block::selection::Selection;
use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::compression::Compression;

/// How a field becomes a dataset: its layout, its precision, and which part of the field it holds.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::io::WriteOptions;
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("heat.h5");
/// let world = World::init()?;
/// let grid = Grid::builder([32, 48, 64]).build(&world)?;
/// let u = grid.field::<f64>("temperature");
/// let small = WriteOptions::new().compressed(4).as_f32();
/// let plane = WriteOptions::new().name("middle").at(0, 16);       // z = 16.5
/// let coarse = WriteOptions::new().name("coarse").every(0, 4).every(1, 4).every(2, 4);
/// Output::create(&world, &path)?
///     .write_with(&u, &small)?
///     .write_with(&u, &plane)?
///     .write_with(&u, &coarse)?
///     .finish()?;
/// assert_eq!(Input::open(&world, &path)?.shape("coarse")?, [8, 12, 16]);
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// # Parts of a field
///
/// [`window`](Self::window), [`at`](Self::at) and [`every`](Self::every) choose what is written,
/// axis by axis. They count global indices of the field's points: cells or, where the field is
/// staggered, cell boundaries. A dataset keeps all axes of the field; a plane has length 1 on one
/// of them. An axis that is written in part has its own coordinates: `z_at16`, `z_4to12` for
/// `4..12`, `z_0to29by4` for elements 0, 4, …, 28.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "options do nothing by themselves"]
pub struct WriteOptions {
    pub(super) name: Option<String>,
    pub(super) chunking: Chunking,
    pub(super) compression: Option<Compression>,
    pub(super) single: bool,
    pub(super) independent: bool,
    pub(super) selection: Selection,
    pub(super) attributes: Vec<(String, Attribute)>,
}

/// Whether and how a dataset is cut into chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Chunking {
    #[default]
    Contiguous,
    /// From the parts that ranks write.
    Chosen,
    Given(Vec<usize>),
}

impl WriteOptions {
    /// The whole field in its own precision, contiguous, written by all ranks together.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the dataset. Default: the name of the field.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Stores the dataset in chunks of at most 4 MiB that divide the blocks of the ranks, as far as
    /// uneven blocks allow.
    ///
    /// Programs that read a part of a dataset then read fewer bytes. The chunks depend on the
    /// number of ranks, the values do not.
    pub fn chunked(mut self) -> Self {
        self.chunking = Chunking::Chosen;
        self
    }

    /// Stores the dataset in chunks of this shape, cut to the shape of the dataset where that is
    /// smaller. All components of a point are in one chunk.
    pub fn chunks(mut self, shape: impl Into<Vec<usize>>) -> Self {
        self.chunking = Chunking::Given(shape.into());
        self
    }

    /// Rounds `f64` to `f32` and `Complex<f64>` to `Complex<f32>`, to nearest. Fields of single
    /// precision are not changed.
    pub fn as_f32(mut self) -> Self {
        self.single = true;
        self
    }

    /// Compresses the chunks of the dataset.
    ///
    /// All ranks compress at the same time, each the chunks of its block. Chunks that several ranks
    /// share are sent to one of them: where speed matters, choose blocks or chunks that divide
    /// evenly.
    pub fn compression(mut self, how: Compression) -> Self {
        self.compression = Some(how);
        self
    }

    /// Compresses chunks by shuffle and deflate of this level, 1 (fast) to 9 (small), which every
    /// HDF5 library reads. Short for `compression(Compression::deflate(level))`.
    pub fn compressed(self, level: u8) -> Self {
        self.compression(Compression::deflate(level))
    }

    /// Lets every rank write on its own. Default: all ranks write together.
    ///
    /// Writing together was faster in every measurement (chunks at about twice the speed), but this
    /// depends on the MPI library and the file system; `cargo xtask bench io` compares. Not
    /// possible for compressed datasets.
    pub fn independent(mut self) -> Self {
        self.independent = true;
        self
    }

    /// Writes only these indices of an axis.
    pub fn window(mut self, axis: usize, indices: Range<usize>) -> Self {
        self.selection.window(axis, indices);
        self
    }

    /// Writes only one index of an axis: a plane, of a plane a line.
    pub fn at(mut self, axis: usize, index: usize) -> Self {
        self.selection.at(axis, index);
        self
    }

    /// Writes only every `step`-th index of an axis, from the first (of the window) on.
    pub fn every(mut self, axis: usize, step: usize) -> Self {
        self.selection.every(axis, step);
        self
    }

    /// Attaches an attribute to the dataset, such as `long_name` or `standard_name`. The value of
    /// rank 0 is used, and replaces what the library would write.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Attribute>) -> Self {
        let name = name.into();
        self.attributes.retain(|(known, _)| *known != name);
        self.attributes.push((name, value.into()));
        self
    }
}

/// What of a dataset is read, and how.
///
/// ```no_run
/// use parhelion::prelude::*;
/// use parhelion::io::ReadOptions;
///
/// let world = World::init()?;
/// let grid = Grid::builder([64, 64]).build(&world)?;
/// let mut u = grid.field::<f32>("u");
/// // of a dataset (time, z, y, x): time 10, z 0, and a window of y and x
/// let part = ReadOptions::new().at(0, 10).at(1, 0).window(2, 100..164).window(3, 200..264);
/// Input::open(&world, "weather.nc")?.read_with("t2m", &mut u, &part)?;
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// Axes are those of the dataset. The chosen part must have the shape of the field. Where the
/// dataset has more axes than the field, axes of which one index is chosen with [`at`](Self::at)
/// are left out.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "options do nothing by themselves"]
pub struct ReadOptions {
    pub(super) selection: Selection,
    pub(super) independent: bool,
    pub(super) interpolated: bool,
}

impl ReadOptions {
    /// The whole dataset, read by all ranks together.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads only these indices of an axis of the dataset.
    pub fn window(mut self, axis: usize, indices: Range<usize>) -> Self {
        self.selection.window(axis, indices);
        self
    }

    /// Reads only one index of an axis of the dataset.
    pub fn at(mut self, axis: usize, index: usize) -> Self {
        self.selection.at(axis, index);
        self
    }

    /// Reads only every `step`-th index of an axis of the dataset, from the first (of the window)
    /// on.
    pub fn every(mut self, axis: usize, step: usize) -> Self {
        self.selection.every(axis, step);
        self
    }

    /// Reads onto a finer or coarser grid over the same box, by linear interpolation along every
    /// axis.
    ///
    /// Along an axis of cells it interpolates between cell centers; beyond the outermost centers it
    /// takes the nearest value. Along a staggered axis it interpolates between cell boundaries, the
    /// outermost of which are the walls of both grids. The dataset must hold values at the same
    /// kind of points as the field. Only for fields of floating-point or complex numbers that are
    /// not staggered along a periodic axis. (For a grid that is coarser by a whole factor,
    /// [`every`](Self::every) takes single values instead.)
    pub fn interpolated(mut self) -> Self {
        self.interpolated = true;
        self
    }

    /// Lets every rank read on its own. Default: all ranks read together.
    pub fn independent(mut self) -> Self {
        self.independent = true;
        self
    }
}
