//! Fields: distributed arrays on a grid.

mod access;
mod advance;
mod boundary;
mod collect;
mod deep;
mod exchange;
mod fill;
mod placement;
mod validity;
mod walls;

use std::fmt;
use std::marker::PhantomData;

use parhelion_kernels::{Array, Blocking, Element, Layout, Region};

use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Centering, Grid};
use crate::halo::HaloPlan;

pub use boundary::{Boundary, BoundaryFunction};
pub(crate) use validity::Validity;
pub(crate) use walls::ComponentWalls;

/// One named distributed array on a [`Grid`].
///
/// Every rank stores its block and a halo around it. On a grid of 8 cells with halo 2, cut over 2 ranks:
///
/// ```text
/// global index     -2 -1 │ 0  1  2  3 │ 4  5  6  7 │ 8  9
/// rank 0 (local)   -2 -1 │ 0  1  2  3 │ 4  5              halo -2, -1 (wall) and 4, 5 (from rank 1)
/// rank 1 (local)              -2 -1   │ 0  1  2  3 │ 4  5  halo -2, -1 (from rank 0) and 4, 5 (wall)
/// ```
///
/// Names ending in `_global` and `_local` say which frame an index is in. A field may have several
/// components (a vector), each stored as an array of its own; methods without a component in their
/// name work on component 0.
///
/// # Halo validity
///
/// A field knows how deep each side of its halo is valid. Writing to the interior makes the halo
/// stale, [`exchange`](Field::exchange) makes it valid, and everything that reads the halo refuses
/// to read a stale one. In debug builds the cells of a stale halo are NaN. A rank knows of its own
/// writes only: where just some ranks write (say, where they own a point), let the others call
/// [`set_global`](Field::set_global) too, or [`exchange`](Field::exchange) before reading the halo.
pub struct Field<T: Element, const N: usize> {
    grid: Grid<N>,
    name: String,
    units: String,
    centering: Centering,
    /// Layout of every component, local frame; its halo may be deeper than the grid's.
    layout: Layout<N>,
    components: Vec<Array<T, N>>,
    /// Second set of arrays of this layout for time stepping, made when first needed.
    spare: Vec<Array<T, N>>,
    /// For each component and axis, at the low and the high wall.
    boundaries: Vec<[[Boundary<T, N>; 2]; N]>,
    validity: Validity<N>,
    /// Its own halo plans, made when first needed; taken out while they are at work.
    pub(crate) plans: Vec<HaloPlan<N>>,
    start_time: f64,
    time_step: f64,
    /// Steps since `start_time` was set: times are products, not sums, so that they do not drift.
    steps: u64,
    /// How steps are blocked, if the user chose.
    blocking: Option<Blocking<N>>,
}

/// How a [`Field`] is made; from [`Grid::field_builder`].
#[derive(Clone, Debug)]
pub struct FieldBuilder<T, const N: usize> {
    grid: Grid<N>,
    name: String,
    units: String,
    centering: Centering,
    components: usize,
    element: PhantomData<fn() -> T>,
}

impl<T: Element, const N: usize> FieldBuilder<T, N> {
    pub(crate) fn new(grid: &Grid<N>, name: String) -> Self {
        let (units, centering) = (String::new(), Centering::Cell);
        Self { grid: grid.clone(), name, units, centering, components: 1, element: PhantomData }
    }

    /// Where in a cell the values live.
    pub fn centering(mut self, centering: Centering) -> Self {
        self.centering = centering;
        self
    }

    /// Number of components, at least 1.
    pub fn components(mut self, components: usize) -> Self {
        self.components = components;
        self
    }

    /// Physical units, for files.
    pub fn units(mut self, units: impl Into<String>) -> Self {
        self.units = units.into();
        self
    }

    /// Makes the field, all zero.
    ///
    /// # Errors
    /// When there is no component, the centering names an axis that the grid does not have, or the
    /// first block of a staggered axis with walls is too thin to mirror points about its low wall.
    pub fn build(self) -> Result<Field<T, N>> {
        let axis = match self.centering {
            Centering::Face(axis) | Centering::Edge(axis) => axis,
            Centering::Cell | Centering::Node => 0,
        };
        if self.components == 0 || axis >= N {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' was asked for with {} components and centering {:?}; it needs at least 1 component and an \
                     axis below {N}",
                    self.name, self.components, self.centering
                ),
            ));
        }
        let (grid, halo) = (&self.grid, self.grid.halo());
        let first = grid.decomposition().block([0; N]).shape();
        for a in (0..N).filter(|&a| self.centering.staggered(a) && !grid.topology().periodic()[a]) {
            let [low, high] = halo[a];
            // Point 0 lies on the wall, so that point `low` is the image of the outermost halo point.
            if grid.topology().procs()[a] > 1 && high == 0 && first[a] <= low {
                return Err(Error::on_all_ranks(
                    ErrorKind::Geometry,
                    format!(
                        "field '{}', staggered on axis {a} with halo {:?}, needs blocks of at least {} cells there, but the \
                         first has {}; use fewer ranks on this axis or a halo of 1 on its high side",
                        self.name,
                        halo[a],
                        low + 1,
                        first[a]
                    ),
                ));
            }
        }
        Ok(self.build_one())
    }

    pub(crate) fn build_one(self) -> Field<T, N> {
        let shape = self.grid.region_global(self.centering).shape();
        let layout = Layout::new(shape, self.grid.halo(), size_of::<T>())
            .expect("the grid ascertained that its largest possible field fits");
        let pool = self.grid.world().pool();
        let walls = || std::array::from_fn(|_| [Boundary::default(), Boundary::default()]);
        let mut field = Field {
            name: self.name,
            units: self.units,
            centering: self.centering,
            layout,
            components: (0..self.components).map(|_| Array::zeros(pool, layout)).collect(),
            spare: Vec::new(),
            boundaries: (0..self.components).map(|_| walls()).collect(),
            validity: Validity::stale(),
            plans: Vec::new(),
            start_time: 0.0,
            time_step: 0.0,
            steps: 0,
            blocking: None,
            grid: self.grid,
        };
        field.poison_halo();
        field
    }
}

impl<T: Element, const N: usize> Field<T, N> {
    /// The grid it lives on.
    pub fn grid(&self) -> &Grid<N> {
        &self.grid
    }

    /// Its name, also in files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Renames it.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Physical units; empty if none were given.
    pub fn units(&self) -> &str {
        &self.units
    }

    /// Where in a cell its values live.
    pub fn centering(&self) -> Centering {
        self.centering
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.components.len()
    }

    /// Global number of points per axis.
    pub fn shape_global(&self) -> [usize; N] {
        self.grid.shape_global(self.centering)
    }

    /// The points this rank owns, in the global frame.
    pub fn region_global(&self) -> Region<N> {
        self.grid.region_global(self.centering)
    }

    /// The points this rank owns, in the local frame: from 0 on.
    pub fn region_local(&self) -> Region<N> {
        self.layout.interior()
    }

    /// Where the points of every component lie in memory. (Blocked time steps make the halo in memory
    /// deeper than the grid's when they first need it.)
    pub fn layout(&self) -> &Layout<N> {
        &self.layout
    }

    /// The time of its values: what [`set_time`](Self::set_time) said plus the steps since.
    pub fn time(&self) -> f64 {
        self.start_time + self.steps as f64 * self.time_step
    }

    /// The time, unless neither a time nor a time step other than 0 was set.
    #[cfg(feature = "pictures")]
    pub(crate) fn time_if_set(&self) -> Option<f64> {
        (self.start_time != 0.0 || self.time_step != 0.0).then(|| self.time())
    }

    /// Says at which time its values are and how much later they are after each step of
    /// [`advance`](Self::advance). Boundaries given as functions see the time. (To record it in a file,
    /// pass it to `Output::time`.)
    pub fn set_time(&mut self, time: f64, step: f64) {
        self.start_time = time;
        self.time_step = step;
        self.steps = 0;
        self.invalidate_halo();
    }

    /// The time that was set, the time of a step, and the steps since.
    #[cfg(feature = "hdf5")]
    pub(crate) fn clock(&self) -> (f64, f64, u64) {
        (self.start_time, self.time_step, self.steps)
    }

    /// Goes on from what [`clock`](Self::clock) said.
    #[cfg(feature = "hdf5")]
    pub(crate) fn set_clock(&mut self, (start, step, steps): (f64, f64, u64)) {
        self.set_time(start, step);
        self.steps = steps;
    }

    /// How many values this rank owns, of all components.
    pub(crate) fn values_local(&self) -> usize {
        self.region_local().len() * self.components()
    }

    fn pool(&self) -> &parhelion_kernels::Pool {
        self.grid.world().pool()
    }

    /// # Errors
    /// When the fields do not have the same points and components.
    pub(crate) fn check_same_shape<U: Element>(&self, other: &Field<U, N>) -> Result<()> {
        let alike = self.grid.same_as(&other.grid)
            && self.centering == other.centering
            && self.components() == other.components();
        if alike {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Argument,
            format!(
                "fields '{}' ({:?}, {} components, {:?} points) and '{}' ({:?}, {} components, {:?} points) do not go \
                 together; they must be of one grid, centering and number of components",
                self.name,
                self.centering,
                self.components(),
                self.shape_global(),
                other.name,
                other.centering,
                other.components(),
                other.shape_global()
            ),
        ))
    }
}

impl<T: Element, const N: usize> fmt::Debug for Field<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name)
            .field("element", &T::KIND)
            .field("centering", &self.centering)
            .field("components", &self.components())
            .field("region_global", &self.region_global())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}
