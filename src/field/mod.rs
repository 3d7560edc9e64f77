//! Fields: distributed arrays on a grid.

mod access;
mod boundary;
mod collect;
mod component;
mod coordinates;
mod deep_halo;
mod exchange;
mod fill;
mod valid_halo;
mod walls;

use std::fmt;
use std::marker::PhantomData;

use parhelion_kernels::{Array, Blocking, Element, Layout, Region};

use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Centering, Face, Grid};

pub use boundary::{Boundary, BoundaryFunction};
pub use component::{Component, ComponentMut};
pub(crate) use valid_halo::ValidHalo;
pub(crate) use walls::ComponentWalls;

/// One named distributed array on a [`Grid`].
///
/// Every rank stores its block and a halo around it. On a grid of 8 cells with halo 2, cut over 2
/// ranks:
///
/// ```text
/// global index     -2 -1 │ 0  1  2  3 │ 4  5  6  7 │ 8  9
/// rank 0 (local)   -2 -1 │ 0  1  2  3 │ 4  5              halo -2, -1 (wall) and 4, 5 (from rank 1)
/// rank 1 (local)              -2 -1   │ 0  1  2  3 │ 4  5  halo -2, -1 (from rank 0) and 4, 5 (wall)
/// ```
///
/// The suffixes `_global` and `_local` say which frame an index is in. A field may have several
/// components (a vector), each stored as a separate array: [`component`](Field::component) and
/// [`component_mut`](Field::component_mut) pick one. Methods of the field itself work on component
/// 0, or on all components where they say so.
///
/// # Halo validity
///
/// A field knows how deep each side of its halo is valid. Writing to the interior makes the halo
/// stale, [`exchange`](Field::exchange) makes it valid, and everything that reads the halo refuses
/// to read a stale one. In debug builds the cells of a stale halo are NaN. A rank knows its own
/// writes only. If only some ranks write (for example the owner of a point), call
/// [`set_global`](Field::set_global) on all ranks, or [`exchange`](Field::exchange) before reading
/// the halo.
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
    valid_halo: ValidHalo<N>,
    start_time: f64,
    time_step: f64,
    /// Steps since `start_time` was set: times are products, not sums, so that they do not drift.
    steps: u64,
    /// The blocking of steps, if the user chose one.
    blocking: Option<Blocking<N>>,
}

/// Builder of a [`Field`]; made by [`Grid::field_builder`].
#[derive(Clone, Debug)]
pub struct FieldBuilder<T, const N: usize> {
    grid: Grid<N>,
    name: String,
    units: String,
    centering: Centering,
    components: usize,
    element: PhantomData<fn() -> T>,
}

impl<const N: usize> Grid<N> {
    /// Makes a cell-centered field of zeros with one component and walls without flux.
    ///
    /// A field with the name of an axis, such as `x`, is refused when it is written to a file.
    /// [`field_builder`](Self::field_builder) refuses it at once.
    pub fn field<T: Element>(&self, name: impl Into<String>) -> Field<T, N> {
        FieldBuilder::new(self, name.into()).build_unchecked()
    }

    /// Starts a field that is staggered or has several components.
    pub fn field_builder<T: Element>(&self, name: impl Into<String>) -> FieldBuilder<T, N> {
        FieldBuilder::new(self, name.into())
    }
}

impl<T: Element, const N: usize> FieldBuilder<T, N> {
    fn new(grid: &Grid<N>, name: String) -> Self {
        let (units, centering) = (String::new(), Centering::Cell);
        Self { grid: grid.clone(), name, units, centering, components: 1, element: PhantomData }
    }

    /// Position of the values within a cell.
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
    /// When there is no component, the centering names an axis that the grid does not have, the
    /// first block of a staggered axis with walls is too thin to mirror points about its low wall,
    /// or the name is that of the field's coordinates along an axis in files (such as `x`, or
    /// `x_node` where it is staggered).
    pub fn build(self) -> Result<Field<T, N>> {
        if (0..N).any(|a| self.grid.coordinate_name(a, self.centering) == self.name) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "a field cannot be named '{}', as the coordinates along an axis of its grid are in files; choose another \
                     name for the field or, by axis_names, for the axis",
                    self.name
                ),
            ));
        }
        self.build_with_any_name()
    }

    /// As [`build`](Self::build), for fields that are not for files.
    pub(crate) fn build_with_any_name(self) -> Result<Field<T, N>> {
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
            // Point 0 lies on the wall, so that point `low` is the image of the outermost halo
            // point.
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
        Ok(self.build_unchecked())
    }

    /// The field of a builder that needs no checks.
    pub(crate) fn build_unchecked(self) -> Field<T, N> {
        let shape = self.grid.region_global(self.centering).shape();
        let layout = Layout::new(shape, self.grid.halo(), size_of::<T>())
            .expect("the grid checked that its largest possible field fits");
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
            valid_halo: ValidHalo::stale(),
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
    /// The grid of the field.
    pub fn grid(&self) -> &Grid<N> {
        &self.grid
    }

    /// The name, also in files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes the name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Physical units; empty by default.
    pub fn units(&self) -> &str {
        &self.units
    }

    /// Position of its values within a cell.
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

    /// The points this rank owns, in the local frame, which starts at 0.
    pub fn region_local(&self) -> Region<N> {
        self.layout.interior()
    }

    /// The points of `region`, in the global frame, that this rank owns, in the local frame.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([12, 12]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// let square = u.to_local(Region::new([4, 4], [8, 8]));
    /// grid.sweep(square, u.view_mut(), (), |()| 1.0)?;
    /// assert_eq!(u.sum(), 16.0);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn to_local(&self, region: Region<N>) -> Region<N> {
        let own = self.region_global();
        own.intersection(&region).shifted(own.start.map(|start| -start))
    }

    /// The points this rank owns, in the local frame, except staggered points on walls that set
    /// their value. These are Dirichlet and antireflecting walls of component 0. A rule for
    /// staggered points updates this region.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8]).build(&world)?;
    /// let mut e = grid.field_builder::<f64>("e").centering(Centering::Node).build()?;
    /// e.set_boundary(Face::low(0), Boundary::Dirichlet(0.0))?;
    /// assert_eq!(e.region_inside_walls(), e.to_local(Region::new([1], [9])));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn region_inside_walls(&self) -> Region<N> {
        let set_by_wall = |axis: usize, high: bool| {
            self.centering.staggered(axis)
                && self.grid.topology().at_wall(Face { axis, high })
                && self.boundaries[0][axis][usize::from(high)].value_on_wall().is_some()
        };
        let sides =
            std::array::from_fn(|axis| [false, true].map(|high| usize::from(set_by_wall(axis, high))));
        self.region_local().shrunk(sides)
    }

    /// The memory layout of every component. (Blocked time steps make the halo in memory deeper
    /// than the grid's when they first need it.)
    pub fn layout(&self) -> &Layout<N> {
        &self.layout
    }

    /// The time of its values: the time of [`set_time`](Self::set_time) plus the steps since then.
    pub fn time(&self) -> f64 {
        self.start_time + self.steps as f64 * self.time_step
    }

    /// Sets the time of its values and the length of each step of [`advance`](Self::advance).
    /// Boundary functions receive the time. (To record it in a file, pass it to `Output::time`.)
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

    /// Restores the state that [`clock`](Self::clock) returned.
    #[cfg(feature = "hdf5")]
    pub(crate) fn set_clock(&mut self, (start, step, steps): (f64, f64, u64)) {
        self.set_time(start, step);
        self.steps = steps;
    }

    /// Sets the number of steps per pass and the tiles. `None` leaves the choice to the library, or
    /// to the environment variable `PARHELION_BLOCKING`: `auto`, `plain` or a number of steps. The
    /// result does not depend on it.
    ///
    /// Ranks may choose different tiles. If they choose different numbers of steps, the smallest is
    /// used. The number is reduced where it needs more halo than the next block has points.
    pub fn set_blocking(&mut self, blocking: Option<Blocking<N>>) {
        self.blocking = blocking;
    }

    /// The blocking set by [`set_blocking`](Self::set_blocking).
    pub(crate) fn chosen_blocking(&self) -> Option<Blocking<N>> {
        self.blocking
    }

    /// Number of values this rank owns, over all components.
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
                 together; they must have one grid, centering and number of components",
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
            .field("valid_halo", &self.valid_halo)
            .finish_non_exhaustive()
    }
}
