//! How a grid is described and cut over the ranks.

use std::cell::OnceCell;
use std::rc::Rc;

use parhelion_kernels::Layout;

use super::{Decomposition, Grid, Inner, Topology};
use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

/// Builder of a [`Grid`]; made by [`Grid::builder`].
#[derive(Clone, Debug)]
pub struct GridBuilder<const N: usize> {
    shape: [usize; N],
    origin: [f64; N],
    spacing: [f64; N],
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
    /// halo), the extent is not positive, or a block does not fit into memory. The message gives
    /// the numbers and values that would work. It is the same on every rank.
    pub fn build(self, world: &World) -> Result<Grid<N>> {
        const { assert!(N >= 1 && N <= 4, "grids have 1 to 4 axes") };
        let bits = |values: [f64; N]| values.map(f64::to_bits);
        let space = (bits(self.spacing), bits(self.origin), &self.axis_names, &self.axis_units);
        let cut = (self.shape, self.halo, self.periodic, self.procs, self.granule, self.reorder);
        world.check_same("GridBuilder::build", &(cut, space))?;
        for a in 0..N {
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
        let topology = Topology::new(world, decomposition, self.periodic, self.reorder)?;
        Ok(Grid(Rc::new(Inner {
            kept: OnceCell::new(),
            topology,
            decomposition,
            halo: self.halo,
            origin: self.origin,
            spacing: self.spacing,
            axis_names: self.axis_names,
            axis_units: self.axis_units,
            world: world.clone(),
        })))
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
