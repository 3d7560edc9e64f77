//! Grids: cells in space, cut into blocks over the ranks.

mod axis;
mod axis_values;
mod builder;
mod context;
mod decomposition;
mod topology;

use std::any::Any;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use parhelion_kernels::Region;

use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

pub use axis::GridAxis;
pub use axis_values::{AxisValues, SecondDifferences};
pub use builder::GridBuilder;
pub use context::Context;
pub use decomposition::Decomposition;
pub(crate) use topology::directions;
pub use topology::{Face, Topology};

/// Position of a field's values within a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Centering {
    /// At the centers of cells.
    #[default]
    Cell,
    /// At the centers of the faces normal to this axis: half a cell below the cell centers.
    Face(usize),
    /// At the centers of the edges along this axis (3-D): half a cell below the cell centers on the
    /// other axes.
    Edge(usize),
    /// At the corners of cells.
    Node,
}

impl Centering {
    /// Returns whether the points lie on the cell boundaries of `axis`. An axis with walls then has
    /// one more point than cells: points 0 and n lie on the walls.
    pub fn staggered(self, axis: usize) -> bool {
        match self {
            Self::Cell => false,
            Self::Face(a) => a == axis,
            Self::Edge(a) => a != axis,
            Self::Node => true,
        }
    }
}

/// A box of cells in space, cut into one block per rank. Fields live on it.
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
    /// The value of [`Grid::kept`]; dropped before the communicator in `topology`.
    kept: OnceCell<Box<dyn Any>>,
    topology: Topology<N>,
    decomposition: Decomposition<N>,
    /// `[low, high]` halo width on each axis, in cells.
    halo: [[usize; 2]; N],
    axes: [GridAxis; N],
    axis_names: [String; N],
    axis_units: [String; N],
    world: World,
}

impl<const N: usize> Grid<N> {
    /// The ranks and threads of the job.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// The positions of the ranks in the process grid.
    pub fn topology(&self) -> &Topology<N> {
        &self.0.topology
    }

    /// The blocks into which the cells are cut.
    pub fn decomposition(&self) -> &Decomposition<N> {
        &self.0.decomposition
    }

    /// Halo width in cells, `[low, high]` for each axis.
    pub fn halo(&self) -> [[usize; 2]; N] {
        self.0.halo
    }

    /// Cells of the thinnest block on each axis on which blocks have neighbors; the same on all
    /// ranks.
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

    /// Size of a cell along each axis, slowest first. It is NaN on a
    /// [stretched](GridBuilder::faces) axis, where cells have no common size, so that formulas for
    /// uniform cells fail visibly. Use [`axis`](Self::axis) there instead.
    pub fn spacing(&self) -> [f64; N] {
        self.axes().each_ref().map(|axis| if axis.is_stretched() { f64::NAN } else { axis.mean_width() })
    }

    /// Coordinates of the low corner of the domain.
    pub fn origin(&self) -> [f64; N] {
        self.axes().each_ref().map(|axis| axis.origin)
    }

    /// Returns the coordinates and widths of the cells along one axis.
    ///
    /// # Panics
    /// When the grid has no such axis.
    pub fn axis(&self, axis: usize) -> &GridAxis {
        &self.0.axes[axis]
    }

    /// All axes, slowest first.
    pub(crate) fn axes(&self) -> &[GridAxis; N] {
        &self.0.axes
    }

    /// Returns whether any axis is stretched.
    pub fn is_stretched(&self) -> bool {
        self.axes().iter().any(GridAxis::is_stretched)
    }

    /// # Errors
    /// When an axis is stretched; `what` names the formulas that need uniform cells.
    pub(crate) fn require_uniform(&self, what: &str) -> Result<()> {
        let Some(axis) = self.axes().iter().position(GridAxis::is_stretched) else { return Ok(()) };
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "{what} need uniform cells, but axis {axis} is stretched; write a rule that reads the widths from \
                 `Grid::axis_values`"
            ),
        ))
    }

    /// Volume of the domain: the product of its lengths.
    pub fn volume(&self) -> f64 {
        self.axes().iter().map(GridAxis::length).product()
    }

    /// Returns the global index of the cell that contains a place (slowest axis first), or `None`
    /// outside the domain.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([4, 8]).faces(0, &[0.0, 0.1, 0.3, 0.6, 1.0]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_with(|[y, _]| y);
    /// let cell = grid.cell_at([0.7, 2.5]).expect("the place is in the domain");
    /// assert_eq!((cell, u.probe(cell)?), ([3, 2], 0.8));
    /// assert_eq!(grid.cell_at([1.7, 2.5]), None);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn cell_at(&self, place: [f64; N]) -> Option<[usize; N]> {
        let mut cell = [0; N];
        for a in 0..N {
            cell[a] = self.axis(a).cell_at(place[a])?;
        }
        Some(cell)
    }

    /// Returns the cells, in the global frame, whose centers lie in a box that includes `low` and
    /// excludes `high`. [`Field::to_local`](crate::Field::to_local) gives this rank's part.
    pub fn region_between(&self, low: [f64; N], high: [f64; N]) -> Region<N> {
        let along = |a: usize| self.axis(a).cells_between(low[a], high[a]);
        let start = std::array::from_fn(|a| along(a).start as isize);
        Region::new(start, std::array::from_fn(|a| along(a).end as isize))
    }

    /// Name of the coordinates along an axis in files. Those of staggered points differ from those
    /// of cell centers, so they are called `x_node` rather than `x`.
    pub(crate) fn coordinate_name(&self, axis: usize, centering: Centering) -> String {
        let name = &self.0.axis_names[axis];
        if centering.staggered(axis) { format!("{name}_node") } else { name.clone() }
    }

    /// Names of the axes, for files.
    pub fn axis_names(&self) -> &[String; N] {
        &self.0.axis_names
    }

    /// Units of the coordinates, for files; empty by default.
    pub fn axis_units(&self) -> &[String; N] {
        &self.0.axis_units
    }

    /// Global number of points per axis of a field with this centering: the number of cells, plus
    /// one on staggered axes with walls.
    pub fn shape_global(&self, centering: Centering) -> [usize; N] {
        let extra = |a| usize::from(centering.staggered(a) && !self.topology().periodic()[a]);
        std::array::from_fn(|a| self.decomposition().shape()[a] + extra(a))
    }

    /// The points of this centering, in the global frame, that the rank at `coordinates` owns:
    /// those of its cells, and those on a high wall.
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
        std::array::from_fn(|a| self.axis(a).coordinate(index[a], centering.staggered(a)))
    }

    /// Returns whether both are handles of the same grid.
    pub fn same_as(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// A value that halo exchanges keep for as long as the grid lives; made when first asked for.
    pub(crate) fn kept<K: Default + 'static>(&self) -> &K {
        let kept = self.0.kept.get_or_init(|| Box::new(K::default()));
        kept.downcast_ref().expect("a grid keeps values of one type only")
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
