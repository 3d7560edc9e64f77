//! Grids: cells in space, cut into blocks over the ranks.

mod decomposition;
mod topology;

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use parhelion_kernels::{Element, Layout, Region};

use crate::error::{Error, ErrorKind, Result};
use crate::field::{Field, FieldBuilder};
use crate::world::World;

pub use decomposition::Decomposition;
pub(crate) use topology::directions;
pub use topology::{Face, Topology};

/// Where in a cell the values of a field live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Centering {
    /// At the centers of cells.
    #[default]
    Cell,
    /// At the centers of the faces normal to this axis: cell centers moved half a cell down it.
    Face(usize),
    /// At the centers of the edges along this axis (3-D): moved half a cell down the other axes.
    Edge(usize),
    /// At the corners of cells.
    Node,
}

impl Centering {
    /// Whether the points lie on the cell boundaries of `axis`. On an axis with walls there is then
    /// one point more than cells: points 0 and n lie on the walls.
    pub fn staggered(self, axis: usize) -> bool {
        match self {
            Self::Cell => false,
            Self::Face(a) => a == axis,
            Self::Edge(a) => a != axis,
            Self::Node => true,
        }
    }
}

/// A box of cells in space, cut into one block per rank: the common ground of fields.
///
/// A `Grid` is a handle; clones are the same grid. Axes are in C order, the slowest first: a 3-D
/// grid has axes (z, y, x) = (0, 1, 2), as in HDF5 and NumPy.
///
/// ```
/// use parhelion::{Grid, World};
///
/// let world = World::init()?;
/// let grid = Grid::builder([16, 32])      // 16 × 32 cells
///     .extent([1.0, 2.0])
///     .periodic([false, true])
///     .halo(2)
///     .build(&world)?;
/// assert_eq!(grid.spacing(), [0.0625, 0.0625]);
/// # Ok::<(), parhelion::Error>(())
/// ```
pub struct Grid<const N: usize>(Rc<Inner<N>>);

struct Inner<const N: usize> {
    /// Halo plans made so far; the same number on every rank.
    plan_count: Cell<u32>,
    topology: Topology<N>,
    decomposition: Decomposition<N>,
    /// `[low, high]` halo width on each axis, in cells.
    halo: [[usize; 2]; N],
    origin: [f64; N],
    spacing: [f64; N],
    axis_names: [String; N],
    axis_units: [String; N],
    world: World,
}

/// How a [`Grid`] is made; from [`Grid::builder`].
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
    /// Starts to describe a grid of `shape` cells, 1 to 4 axes, the slowest axis first.
    ///
    /// Unless told otherwise: spacing 1 from origin 0, walls all around, a halo of 1 cell, a process
    /// grid that exchanges little, axes named …, "z", "y", "x".
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

    /// A new cell-centered field of zeros with one component, walls without flux.
    pub fn field<T: Element>(&self, name: impl Into<String>) -> Field<T, N> {
        FieldBuilder::new(self, name.into()).build_one()
    }

    /// Starts to describe a field that is staggered or has several components.
    pub fn field_builder<T: Element>(&self, name: impl Into<String>) -> FieldBuilder<T, N> {
        FieldBuilder::new(self, name.into())
    }

    /// The ranks and threads this grid lives on.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Which rank sits where.
    pub fn topology(&self) -> &Topology<N> {
        &self.0.topology
    }

    /// How the cells are cut into blocks.
    pub fn decomposition(&self) -> &Decomposition<N> {
        &self.0.decomposition
    }

    /// Halo width in cells, `[low, high]` for each axis.
    pub fn halo(&self) -> [[usize; 2]; N] {
        self.0.halo
    }

    /// Cells of the thinnest block on each axis on which blocks have neighbors; the same on all ranks.
    pub(crate) fn thinnest_blocks(&self) -> [Option<usize>; N] {
        let (procs, periodic) = (self.topology().procs(), self.topology().periodic());
        std::array::from_fn(|a| (procs[a] > 1 || periodic[a]).then(|| self.decomposition().thinnest(a)))
    }

    /// Halo widths, none more than `depth`.
    pub(crate) fn halo_to(&self, depth: usize) -> [[usize; 2]; N] {
        self.halo().map(|side| side.map(|width| width.min(depth)))
    }

    /// Halo width on the widest side.
    pub(crate) fn halo_deepest(&self) -> usize {
        self.halo().iter().flatten().copied().max().unwrap_or(0)
    }

    /// Size of a cell along each axis.
    pub fn spacing(&self) -> [f64; N] {
        self.0.spacing
    }

    /// Coordinates of the low corner of the domain.
    pub fn origin(&self) -> [f64; N] {
        self.0.origin
    }

    /// Names of the axes, for files.
    pub fn axis_names(&self) -> &[String; N] {
        &self.0.axis_names
    }

    /// Units of the coordinates, for files; empty if none were given.
    pub fn axis_units(&self) -> &[String; N] {
        &self.0.axis_units
    }

    /// Global number of points per axis of a field with this centering: of cells, plus one on
    /// staggered axes with walls.
    pub fn shape_global(&self, centering: Centering) -> [usize; N] {
        let extra = |a| usize::from(centering.staggered(a) && !self.topology().periodic()[a]);
        std::array::from_fn(|a| self.decomposition().shape()[a] + extra(a))
    }

    /// The points of this centering, in the global frame, that the rank at `coordinates` owns: those
    /// of its cells, and at a high wall the ones on it.
    pub(crate) fn block_at(&self, coordinates: [usize; N], centering: Centering) -> Region<N> {
        let mut block = self.decomposition().block(coordinates);
        for a in 0..N {
            if coordinates[a] + 1 == self.topology().procs()[a] {
                block.end[a] = self.shape_global(centering)[a] as isize;
            }
        }
        block
    }

    /// The points of this centering, in the global frame, that this rank owns.
    pub fn region_global(&self, centering: Centering) -> Region<N> {
        self.block_at(self.topology().coordinates(), centering)
    }

    /// Process coordinates of the rank that owns this point.
    pub(crate) fn owner(&self, index: [usize; N], centering: Centering) -> [usize; N] {
        debug_assert!((0..N).all(|a| index[a] < self.shape_global(centering)[a]));
        let shape = self.decomposition().shape();
        self.decomposition().owner(std::array::from_fn(|a| index[a].min(shape[a] - 1)))
    }

    /// Coordinates of a point in space; `index` is global and may lie in the halo.
    pub fn coordinates(&self, index: [isize; N], centering: Centering) -> [f64; N] {
        std::array::from_fn(|a| {
            let shift = if centering.staggered(a) { 0.0 } else { 0.5 };
            self.0.origin[a] + (index[a] as f64 + shift) * self.0.spacing[a]
        })
    }

    /// Whether both are handles of one grid.
    pub fn same_as(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// A number for a new plan, the same on every rank as plans are made collectively.
    pub(crate) fn next_plan_number(&self) -> u32 {
        self.0.plan_count.replace(self.0.plan_count.get() + 1)
    }
}

impl<const N: usize> GridBuilder<N> {
    /// Length of the domain along each axis; the spacing is this divided by the cells.
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

    /// Which axes wrap around.
    pub fn periodic(mut self, periodic: [bool; N]) -> Self {
        self.periodic = periodic;
        self
    }

    /// Halo of `width` cells on every side.
    pub fn halo(self, width: usize) -> Self {
        self.halo_widths([[width, width]; N])
    }

    /// Halo widths `[low, high]` for each axis.
    pub fn halo_widths(mut self, widths: [[usize; 2]; N]) -> Self {
        self.halo = widths;
        self
    }

    /// Cuts the cells into this many blocks per axis, instead of choosing.
    pub fn procs(mut self, procs: [usize; N]) -> Self {
        self.procs = Some(procs);
        self
    }

    /// Lets blocks begin at multiples of so many cells only, on each axis: so that this grid and ones coarsened from it
    /// (with granules as much smaller) have their blocks in the same places; see [`Decomposition::with_granule`].
    pub fn granule(mut self, granule: [usize; N]) -> Self {
        self.granule = granule;
        self
    }

    /// Lets MPI number the ranks of the process grid anew to suit the machine
    /// ([`Topology::rank`] then differs from [`World::rank`]).
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
    /// halo), the extent is not positive, or a block does not fit into memory. The message names the
    /// numbers and what would work, and is the same on every rank.
    pub fn build(self, world: &World) -> Result<Grid<N>> {
        const { assert!(N >= 1 && N <= 4, "grids have 1 to 4 axes") };
        let bits = |values: [f64; N]| values.map(f64::to_bits);
        let space = (bits(self.spacing), bits(self.origin), &self.axis_names, &self.axis_units);
        let cut = (self.shape, self.halo, self.periodic, self.procs, self.granule, self.reorder);
        world.check_same("GridBuilder::build", &(cut, space))?;
        for a in 0..N {
            let (spacing, extent) = (self.spacing[a], self.spacing[a] * self.shape[a] as f64);
            // An axis without cells is refused below, with its own reason.
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
            plan_count: Cell::new(0),
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

    /// The blocks: as told, or chosen.
    fn cut(&self, ranks: usize) -> Result<Decomposition<N>> {
        match self.procs {
            None if self.granule == [1; N] => {
                Decomposition::for_ranks(self.shape, ranks, self.halo, self.periodic)
            }
            None => {
                // As if every granule were a cell.
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
                            "a process grid of {procs:?} is for {} ranks, but there are {}; start as many, or leave the \
                             choice to the library",
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

impl<const N: usize> Clone for Grid<N> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Grid<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("shape", &self.decomposition().shape())
            .field("procs", &self.topology().procs())
            .field("periodic", &self.topology().periodic())
            .field("halo", &self.halo())
            .field("block", &self.region_global(Centering::Cell))
            .finish_non_exhaustive()
    }
}
