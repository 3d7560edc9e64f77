//! Boundary conditions: what stands in the halo beyond a wall.

use std::fmt;
use std::sync::Arc;

use parhelion_kernels::{Element, Pattern, fill_mirrored};

use crate::error::ErrorKind;
use crate::{Centring, Error, Face, Field, Result};

/// What a field does at a wall of the domain: how the halo beyond it is filled.
///
/// `x_k` is the k-th point inside the wall and `x_−k` its mirror image in the halo. For points at
/// cell centres the wall lies between `x_1` and `x_−1`; for staggered points the wall carries a
/// point itself, which Dirichlet and antireflecting walls set when the halo is filled. Beyond an edge
/// or a corner the condition of the last axis holds. Periodic axes have no walls.
#[derive(Clone)]
#[non_exhaustive]
pub enum Boundary<T, const N: usize> {
    /// Given value at the wall: `u(x_−k) = 2·value − u(x_k)`.
    Dirichlet(T),
    /// Given derivative along the outward normal: `u(x_−k) = u(x_k) + slope·|x_k − x_−k|`. Integer
    /// fields take slope 0 only.
    Neumann(T),
    /// Even mirror image, `u(x_−k) = u(x_k)`: the same as no flux.
    Reflecting,
    /// Odd mirror image, `u(x_−k) = −u(x_k)`: as the normal velocity at a solid wall.
    Antireflecting,
    /// The value at each halo point, from its coordinates and the field's time.
    Function(BoundaryFunction<T, N>),
}

/// The value at a halo point, from its coordinates (slowest axis first) and the time.
pub type BoundaryFunction<T, const N: usize> = Arc<dyn Fn([f64; N], f64) -> T + Send + Sync>;

impl<T, const N: usize> Boundary<T, N> {
    /// A [`Boundary::Function`].
    pub fn function(value: impl Fn([f64; N], f64) -> T + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(value))
    }
}

/// No flux.
impl<T, const N: usize> Default for Boundary<T, N> {
    fn default() -> Self {
        Self::Reflecting
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Boundary<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirichlet(value) => write!(f, "Dirichlet({value:?})"),
            Self::Neumann(slope) => write!(f, "Neumann({slope:?})"),
            Self::Reflecting => f.write_str("Reflecting"),
            Self::Antireflecting => f.write_str("Antireflecting"),
            Self::Function(_) => f.write_str("Function(..)"),
        }
    }
}

impl<T: Element, const N: usize> Field<T, N> {
    /// Sets the boundary condition of all components at one wall.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8, 8]).periodic([false, true]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.boundary(Face::low(0), Boundary::Dirichlet(1.0))?;
    /// u.boundary(Face::high(0), Boundary::function(|[y, x], time| (y + x - time).sin()))?;
    /// assert!(u.boundary(Face::low(1), Boundary::Reflecting).is_err()); // axis 1 is periodic
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the grid has no such wall (axis out of range or periodic), or an integer field is given
    /// a slope.
    pub fn boundary(&mut self, face: Face, boundary: Boundary<T, N>) -> Result<()> {
        (0..self.components()).try_for_each(|component| self.boundary_of(component, face, boundary.clone()))
    }

    /// Sets the boundary condition of one component at one wall.
    ///
    /// # Errors
    /// As for [`boundary`](Self::boundary), and when there is no such component.
    pub fn boundary_of(&mut self, component: usize, face: Face, boundary: Boundary<T, N>) -> Result<()> {
        let refuse = |why: String| {
            let message =
                format!("no boundary condition can be set at {face:?} of field '{}': {why}", self.name);
            Err(Error::new(ErrorKind::Argument, message))
        };
        if face.axis >= N || component >= self.components() {
            return refuse(format!("the grid has {N} axes and the field {} component(s)", self.components()));
        }
        if self.grid.topology().periodic()[face.axis] {
            return refuse("the axis is periodic and has no walls".into());
        }
        if let Boundary::Neumann(slope) = boundary
            && T::POISON.is_none()
            && slope != T::zero()
        {
            return refuse(format!("a field of {} takes no slope but 0", T::KIND));
        }
        self.boundaries[component][face.axis][usize::from(face.high)] = boundary;
        self.invalidate_halo();
        Ok(())
    }

    /// Sets the staggered points that lie on walls of given value, axis after axis, so that on an edge
    /// between two such walls the later axis decides.
    pub(crate) fn set_walls(&mut self) {
        let pool = self.grid.world().pool();
        let interior = self.layout.interior();
        for face in Face::all::<N>()
            .filter(|&face| self.centring.staggered(face.axis) && self.grid.topology().at_wall(face))
        {
            let wall = if face.high { interior.end[face.axis] - 1 } else { 0 };
            let on_wall = interior.with_axis(face.axis, wall, wall + 1);
            for (array, conditions) in self.components.iter_mut().zip(&self.boundaries) {
                let value = match conditions[face.axis][usize::from(face.high)] {
                    Boundary::Dirichlet(value) => value,
                    Boundary::Antireflecting => T::zero(),
                    _ => continue,
                };
                array.view_mut().for_each_row(pool, on_wall, |_, row| row.fill(value));
            }
        }
    }

    /// Fills the halo beyond the walls that this rank's block touches, to `depth`, axis after axis,
    /// so that every edge and corner is filled from points that are valid already: the halo towards
    /// other blocks (which must have been exchanged) and the walls of earlier axes.
    pub(crate) fn fill_walls(&mut self, depth: usize, pattern: Pattern) -> Result<()> {
        let time = self.time();
        let interior = self.layout.interior();
        let widths = self.grid.halo().map(|[low, high]| [low.min(depth), high.min(depth)]);
        let topology = self.grid.topology();
        let pool = self.grid.world().pool();
        let offset = self.region_global().start;
        for a in 0..N {
            // Across the other axes: what earlier axes and neighbours have filled.
            let mut across = interior;
            if pattern == Pattern::Box {
                for b in (0..N).filter(|&b| b != a) {
                    let filled = |high: bool| b < a || !topology.at_wall(Face { axis: b, high });
                    across.start[b] -= if filled(false) { widths[b][0] as isize } else { 0 };
                    across.end[b] += if filled(true) { widths[b][1] as isize } else { 0 };
                }
            }
            for high in [false, true] {
                let width = widths[a][usize::from(high)] as isize;
                if !topology.at_wall(Face { axis: a, high }) {
                    continue;
                }
                let staggered = self.centring.staggered(a);
                // The wall between, or on, points: its two sides add up to `mirror`.
                let wall = if high { interior.end[a] - 1 } else { 0 };
                let mirror = match (high, staggered) {
                    (_, true) => 2 * wall,
                    (false, false) => -1,
                    (true, false) => 2 * wall + 1,
                };
                let target = if high {
                    across.with_axis(a, interior.end[a], interior.end[a] + width)
                } else {
                    across.with_axis(a, -width, 0)
                };
                for (array, conditions) in self.components.iter_mut().zip(&self.boundaries) {
                    let condition = &conditions[a][usize::from(high)];
                    if width == 0 {
                        continue;
                    }
                    let cells = array.view_mut();
                    let spacing = self.grid.spacing()[a];
                    let filled = match condition {
                        Boundary::Function(value) => {
                            let (grid, centring) = (&self.grid, self.centring);
                            let place = Placement::new(grid.origin(), grid.spacing(), centring, offset);
                            let (shape, periodic) = (grid.decomposition().shape(), topology.periodic());
                            let mut cells = cells;
                            cells.for_each_row(pool, target, |first, row| {
                                for (i, cell) in row.iter_mut().enumerate() {
                                    // Beyond a periodic end as well, it is the place inside the domain.
                                    let mut index = place.global(first, i);
                                    for b in (0..N).filter(|&b| periodic[b]) {
                                        index[b] = index[b].rem_euclid(shape[b] as isize);
                                    }
                                    *cell = value(place.coordinates_of(index), time);
                                }
                            });
                            Ok(())
                        }
                        Boundary::Dirichlet(value) => {
                            fill_mirrored(pool, cells, target, a, mirror, |image, _| {
                                image.mirrored_about(*value)
                            })
                        }
                        Boundary::Antireflecting => {
                            fill_mirrored(pool, cells, target, a, mirror, |image, _| {
                                image.mirrored_about(T::zero())
                            })
                        }
                        Boundary::Neumann(slope) if *slope != T::zero() => {
                            fill_mirrored(pool, cells, target, a, mirror, |image, index| {
                                let distance = (mirror - 2 * index[a]).unsigned_abs() as f64 * spacing;
                                image.extrapolated(*slope, distance).unwrap_or(image)
                            })
                        }
                        Boundary::Neumann(_) | Boundary::Reflecting => {
                            fill_mirrored(pool, cells, target, a, mirror, |image, _| image)
                        }
                    };
                    filled.map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
                }
            }
        }
        Ok(())
    }
}

/// Coordinates of points from their local indices: a plain value that threads can share.
#[derive(Clone, Copy)]
pub(super) struct Placement<const N: usize> {
    origin: [f64; N],
    spacing: [f64; N],
    shift: [f64; N],
    /// Global index of the local point 0.
    offset: [isize; N],
}

impl<const N: usize> Placement<N> {
    pub(super) fn new(origin: [f64; N], spacing: [f64; N], centring: Centring, offset: [isize; N]) -> Self {
        let shift = std::array::from_fn(|a| if centring.staggered(a) { 0.0 } else { 0.5 });
        Self { origin, spacing, shift, offset }
    }

    /// Global index of the point `i` points after `first` along the last axis.
    pub(super) fn global(&self, first: [isize; N], i: usize) -> [isize; N] {
        let along = |a: usize| if a + 1 == N { i as isize } else { 0 };
        std::array::from_fn(|a| self.offset[a] + first[a] + along(a))
    }

    pub(super) fn coordinates(&self, first: [isize; N], i: usize) -> [f64; N] {
        self.coordinates_of(self.global(first, i))
    }

    fn coordinates_of(&self, index: [isize; N]) -> [f64; N] {
        std::array::from_fn(|a| self.origin[a] + (index[a] as f64 + self.shift[a]) * self.spacing[a])
    }
}
