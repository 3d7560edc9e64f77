//! Fields: distributed arrays on a grid.

mod access;
mod boundary;
mod builder;
mod collect;
mod component;
mod coordinates;
mod deep_halo;
mod exchange;
mod fill;
mod halo_point;
mod valid_halo;
mod walls;

use std::fmt;

use parhelion_kernels::{Array, Blocking, Element, Layout, Region};

use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Centering, Face, Grid};

pub use boundary::{Boundary, BoundaryFunction, HaloFunction, WallFunction};
pub use builder::FieldBuilder;
pub use component::{Component, ComponentMut};
pub use halo_point::HaloPoint;
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
///
/// Staggered points on walls that set their value follow the same rule: a value that the program
/// writes there stays until the next exchange or time step.
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
    /// The time that was set; `None` counts as 0.
    start_time: Option<f64>,
    time_step: f64,
    /// Steps since `start_time` was set: times are products, not sums, so that they do not drift.
    steps: u64,
    /// The blocking of steps, if the user chose one.
    blocking: Option<Blocking<N>>,
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

    /// Position of the values within a cell.
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
                && self.boundaries[0][axis][usize::from(high)].gives_value()
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

    /// The time of the values: the time given to [`set_time`](Self::set_time) (0 if it was never
    /// called) plus the steps since then.
    pub fn time(&self) -> f64 {
        self.start_time.unwrap_or(0.0) + self.steps as f64 * self.time_step
    }

    /// The time, unless [`set_time`](Self::set_time) was never called.
    #[cfg(any(feature = "hdf5", feature = "pictures"))]
    pub(crate) fn time_if_set(&self) -> Option<f64> {
        self.start_time.map(|_| self.time())
    }

    /// Sets the time of its values and the length of each step of [`advance`](Self::advance).
    /// Boundary functions receive the time. (To record it in a file, pass it to `Output::time`.)
    pub fn set_time(&mut self, time: f64, step: f64) {
        self.start_time = Some(time);
        self.time_step = step;
        self.steps = 0;
        self.invalidate_halo();
    }

    /// The time that was set, if one was, the time of a step, and the steps since.
    pub(crate) fn clock(&self) -> (Option<f64>, f64, u64) {
        (self.start_time, self.time_step, self.steps)
    }

    /// Restores the state that [`clock`](Self::clock) returned.
    #[cfg(feature = "hdf5")]
    pub(crate) fn set_clock(&mut self, clock: (Option<f64>, f64, u64)) {
        (self.start_time, self.time_step, self.steps) = clock;
        self.invalidate_halo();
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
