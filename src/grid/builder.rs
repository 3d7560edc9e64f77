//! How a grid is described and cut over the ranks.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use parhelion_kernels::Layout;

use super::axis::{GridAxis, refusal};
use super::{Decomposition, Grid, Inner, Topology};
use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

/// Builder of a [`Grid`]; made by [`Grid::builder`].
#[derive(Clone, Debug)]
pub struct GridBuilder<const N: usize> {
    shape: [usize; N],
    origin: [f64; N],
    spacing: [f64; N],
    /// Faces of stretched axes, with the axis as the user gave it; the last entry of an axis
    /// counts.
    faces: Vec<(usize, Vec<f64>)>,
    periodic: [bool; N],
    halo: [[usize; 2]; N],
    procs: Option<[usize; N]>,
    granule: [usize; N],
    reorder: bool,
    axis_names: [String; N],
    axis_units: [String; N],
}

impl<const N: usize> Grid<N> {
    /// Starts a grid of `shape` cells with 1 to 4 axes, the slowest axis first.
    ///
    /// Default: spacing 1, origin 0, walls on all sides, a halo of 1 cell, a process grid that
    /// exchanges little, and axes named …, "z", "y", "x".
    pub fn builder(shape: [usize; N]) -> GridBuilder<N> {
        let names = ["x", "y", "z", "w"];
        GridBuilder {
            shape,
            origin: [0.0; N],
            spacing: [1.0; N],
            faces: Vec::new(),
            periodic: [false; N],
            halo: [[1, 1]; N],
            procs: None,
            granule: [1; N],
            reorder: false,
            axis_names: std::array::from_fn(|a| {
                names.get(N - 1 - a).map_or(format!("axis{a}"), ToString::to_string)
            }),
            axis_units: std::array::from_fn(|_| String::new()),
        }
    }
}

impl<const N: usize> GridBuilder<N> {
    /// Length of the domain along each axis. The spacing becomes this length divided by the number
    /// of cells.
    pub fn extent(mut self, extent: [f64; N]) -> Self {
        self.spacing = std::array::from_fn(|a| extent[a] / self.shape[a] as f64);
        self
    }

    /// Size of a cell along each axis.
    pub fn spacing(mut self, spacing: [f64; N]) -> Self {
        self.spacing = spacing;
        self
    }

    /// Coordinates of the low corner of the domain.
    pub fn origin(mut self, origin: [f64; N]) -> Self {
        self.origin = origin;
        self
    }

    /// Stretches an axis: `faces` are the coordinates of all its cell faces, one more than cells,
    /// in increasing order. The origin, spacing and extent of this axis are then ignored.
    ///
    /// The center of a cell lies halfway between its faces. A periodic axis repeats after its
    /// length; beyond walls, the cells are mirrored. [`Grid::axis`] returns the coordinates.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([3, 8]).extent([1.0, 2.0]).faces(0, &[0.0, 0.1, 0.3, 1.0]).build(&world)?;
    /// assert_eq!(grid.axis(0).width(2), 0.7);
    /// assert_eq!(grid.axis(1).width(2), 0.25);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn faces(mut self, axis: usize, faces: &[f64]) -> Self {
        self.faces.push((axis, faces.to_vec()));
        self
    }

    /// Stretches an axis by a mapping: with `n` cells, face `i` lies at the coordinate
    /// `place(i / n)`. The function must be strictly increasing on the interval from 0 to 1. The
    /// origin, spacing and extent of this axis are then ignored.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// // A channel from −1 to 1, with thin cells at both walls.
    /// let wall = |s: f64| (2.0 * (2.0 * s - 1.0)).tanh() / 2_f64.tanh();
    /// let grid = Grid::builder([32, 64]).mapping(0, wall).build(&world)?;
    /// let y = grid.axis(0);
    /// assert_eq!((y.face(0), y.face(32)), (-1.0, 1.0));
    /// assert!(y.width(0) < 0.3 * y.width(16));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn mapping(mut self, axis: usize, place: impl Fn(f64) -> f64) -> Self {
        let cells = self.shape.get(axis).copied().unwrap_or(0);
        let faces = (0..=cells).map(|i| place(i as f64 / cells.max(1) as f64)).collect();
        self.faces.push((axis, faces));
        self
    }

    /// Sets which axes wrap around.
    pub fn periodic(mut self, periodic: [bool; N]) -> Self {
        self.periodic = periodic;
        self
    }

    /// Sets a halo of `width` cells on every side.
    pub fn halo(self, width: usize) -> Self {
        self.halo_widths([[width, width]; N])
    }

    /// Halo widths `[low, high]` for each axis.
    pub fn halo_widths(mut self, widths: [[usize; 2]; N]) -> Self {
        self.halo = widths;
        self
    }

    /// Number of blocks per axis. Default: chosen by the library.
    pub fn procs(mut self, procs: [usize; N]) -> Self {
        self.procs = Some(procs);
        self
    }

    /// Makes blocks begin at multiples of `granule` cells only, per axis. Grids coarsened from this
    /// one, with granules reduced by the same factor, then have their blocks in the same places;
    /// see [`Decomposition::with_granule`].
    pub fn granule(mut self, granule: [usize; N]) -> Self {
        self.granule = granule;
        self
    }

    /// Lets MPI renumber the ranks of the process grid to suit the machine. [`Topology::rank`] may
    /// then differ from [`World::rank`].
    pub fn reorder(mut self, reorder: bool) -> Self {
        self.reorder = reorder;
        self
    }

    /// Names of the axes, slowest first, for files.
    pub fn axis_names(mut self, names: [&str; N]) -> Self {
        self.axis_names = names.map(str::to_owned);
        self
    }

    /// Units of the coordinates on every axis, slowest first, such as `m`, for files.
    pub fn axis_units(mut self, units: [&str; N]) -> Self {
        self.axis_units = units.map(str::to_owned);
        self
    }

    /// Cuts the grid over the ranks of `world`.
    ///
    /// # Collective
    /// Over all ranks of `world`, with the same arguments.
    ///
    /// # Errors
    /// When cells, halo and number of ranks do not fit together (no block may be thinner than the
    /// halo), the extent is not positive, faces do not increase or differ among ranks, or a block
    /// does not fit into memory. The message gives the numbers and values that would work. It is
    /// the same on every rank.
    pub fn build(self, world: &World) -> Result<Grid<N>> {
        const { assert!(N >= 1 && N <= 4, "grids have 1 to 4 axes") };
        let space = (bits(&self.spacing), bits(&self.origin), &self.axis_names, &self.axis_units);
        let cut = (self.shape, self.halo, self.periodic, self.procs, self.granule, self.reorder);
        world.check_same("GridBuilder::build", &(cut, space))?;
        let faces = self.checked_faces(world)?;
        for a in (0..N).filter(|&a| faces[a].is_none()) {
            let (spacing, extent) = (self.spacing[a], self.spacing[a] * self.shape[a] as f64);
            // An axis without cells is refused below, with a better message.
            if !(spacing > 0.0 && (extent.is_finite() || self.shape[a] == 0) && self.origin[a].is_finite()) {
                return Err(Error::on_all_ranks(
                    ErrorKind::Argument,
                    format!(
                        "axis {a} has cells of size {spacing} from origin {}; both must be finite and the size positive",
                        self.origin[a]
                    ),
                ));
            }
        }
        let decomposition = world.agree(self.cut(world.size()))?;
        // Every field of this grid must fit: the largest block, one point more on staggered axes,
        // and the largest element.
        let largest = decomposition.block([0; N]).shape().map(|n| n + 1);
        Layout::new(largest, self.halo, 16)
            .map_err(|error| Error::on_all_ranks(ErrorKind::Geometry, error.to_string()))?;
        let axes = faces.into_iter().enumerate().map(|(a, faces)| {
            let (cells, periodic) = (self.shape[a], self.periodic[a]);
            let (origin, spacing) = match &faces {
                Some(faces) => (faces[0], (faces[cells] - faces[0]) / cells as f64),
                None => (self.origin[a], self.spacing[a]),
            };
            GridAxis { cells, periodic, spacing, origin, faces }
        });
        let axes: Vec<GridAxis> = axes.collect();
        let axes = axes.try_into().expect("one was made for each axis");
        let topology = Topology::new(world, decomposition, self.periodic, self.reorder)?;
        Ok(Grid(Rc::new(Inner {
            kept: OnceCell::new(),
            topology,
            decomposition,
            halo: self.halo,
            axes,
            axis_names: self.axis_names,
            axis_units: self.axis_units,
            world: world.clone(),
        })))
    }

    /// The faces of each stretched axis.
    ///
    /// # Errors
    /// When they are not those of an axis of this grid, or differ among ranks.
    fn checked_faces(&self, world: &World) -> Result<[Option<Arc<[f64]>>; N]> {
        let mut all = std::array::from_fn(|_| None);
        if !world.is_same(&self.faces.iter().map(|(axis, faces)| (axis, bits(faces))).collect::<Vec<_>>()) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                "the faces of stretched axes differ among ranks; give the same coordinates on every rank",
            ));
        }
        for (axis, faces) in &self.faces {
            let reason = match self.shape.get(*axis) {
                Some(&cells) => refusal(faces, cells),
                None => Some(format!("the grid has only {N} axes, numbered from 0")),
            };
            if let Some(reason) = reason {
                let message = format!("axis {axis} cannot be stretched: {reason}");
                return Err(Error::on_all_ranks(ErrorKind::Argument, message));
            }
            all[*axis] = Some(Arc::from(&faces[..]));
        }
        Ok(all)
    }

    /// The blocks: as given by the user, or chosen.
    fn cut(&self, ranks: usize) -> Result<Decomposition<N>> {
        match self.procs {
            None if self.granule == [1; N] => {
                Decomposition::for_ranks(self.shape, ranks, self.halo, self.periodic)
            }
            None => {
                // Chooses as if every granule were a cell.
                let granule = self.granule.map(|granule| granule.max(1));
                let granules = std::array::from_fn(|a| self.shape[a].div_ceil(granule[a]));
                let halo = std::array::from_fn(|a| self.halo[a].map(|width| width.div_ceil(granule[a])));
                let coarse = Decomposition::for_ranks(granules, ranks, halo, self.periodic)?;
                let cut = Decomposition::new(self.shape, coarse.procs())?.with_granule(self.granule)?;
                cut.check_halo(self.halo)?;
                Ok(cut)
            }
            Some(procs) => {
                let cut = Decomposition::new(self.shape, procs)?.with_granule(self.granule)?;
                if cut.ranks() != ranks {
                    return Err(Error::new(
                        ErrorKind::Geometry,
                        format!(
                            "a process grid of {procs:?} is for {} ranks, but there are {}; start that number, or \
                             leave the choice to the library",
                            cut.ranks(),
                            ranks
                        ),
                    ));
                }
                cut.check_halo(self.halo)?;
                Ok(cut)
            }
        }
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}
