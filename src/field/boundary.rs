//! Boundary conditions: the values of the halo beyond a wall.

use std::fmt;
use std::sync::Arc;

use parhelion_kernels::Element;

use crate::error::{Error, ErrorKind, Result};
use crate::field::{ComponentMut, Field, HaloPoint};
use crate::grid::{Centering, Face};

/// Condition at a wall of the domain: it sets the values of the halo beyond the wall.
///
/// `x_k` is the k-th point inside the wall and `x_−k` its mirror image in the halo:
///
/// ```text
/// at cell centers   x_−2   x_−1 │ x_1   x_2   x_3     w_0 = x_1, w_1 = x_2, w_2 = x_3
/// staggered         x_−2   x_−1  x_0    x_1   x_2     w_0 = x_0, w_1 = x_1, w_2 = x_2
/// ```
///
/// For points at cell centers, the wall lies between `x_1` and `x_−1`. For staggered points, `x_0`
/// lies on the wall itself. Dirichlet and antireflecting walls set that point at every time step;
/// after other writes, the next exchange sets it. `w_0`, `w_1` and `w_2` are the outermost points
/// of the field.
///
/// The halo is filled one axis after another, and each axis also fills points in the halo of the
/// axes before it. So beyond an edge or a corner, the condition of the last axis applies. Periodic
/// axes have no walls.
#[derive(Clone)]
#[non_exhaustive]
pub enum Boundary<T, const N: usize> {
    /// Fixed value at the wall: `u(x_−k) = 2·value − u(x_k)`.
    Dirichlet(T),
    /// Fixed derivative along the outward normal: `u(x_−k) = u(x_k) + slope·|x_k − x_−k|`. Integer
    /// fields take slope 0 only.
    Neumann(T),
    /// [`Dirichlet`](Self::Dirichlet) with a value at each place of the wall; from
    /// [`Boundary::dirichlet_at`].
    DirichletAt(WallFunction<T, N>),
    /// [`Neumann`](Self::Neumann) with a slope at each place of the wall; from
    /// [`Boundary::neumann_at`].
    NeumannAt(WallFunction<T, N>),
    /// Even mirror image, `u(x_−k) = u(x_k)`: no flux through the wall.
    Reflecting,
    /// Odd mirror image, `u(x_−k) = −u(x_k)`, as for the normal velocity at a solid wall.
    Antireflecting,
    /// A value for each halo point, computed from its coordinates and the field's time; from
    /// [`Boundary::function`].
    Function(BoundaryFunction<T, N>),
    /// The same value at every halo point, `u(x_−k) = value`, not mirrored about the wall.
    HaloValue(T),
    /// Extrapolation from the outermost points by a polynomial of order 0, 1 or 2, for outflow:
    ///
    /// - order 0: `u(x_−k) = u(w_0)`,
    /// - order 1: `u(x_−k) = u(w_0) + k·(u(w_0) − u(w_1))`,
    /// - order 2: `u(x_−k) = u(w_0) + k·(u(w_0) − u(w_1)) + k·(k + 1)/2·(u(w_0) − 2·u(w_1) + u(w_2))`.
    ///
    /// Integer fields and stretched axes accept order 0 only.
    Extrapolated(usize),
    /// A value for each halo point, computed from points inside the wall; from
    /// [`Boundary::custom`].
    Custom {
        /// Number of outermost points that the value may depend on, 1 to 64.
        reach: usize,
        /// The value.
        value: HaloFunction<T, N>,
    },
}

/// Largest number of points inside that a wall may read.
const MOST_REACH: usize = 64;

/// The value at a place of a wall, from its coordinates (slowest axis first). For the edges and
/// corners of the halo, the place may lie beyond another wall.
pub type WallFunction<T, const N: usize> = Arc<dyn Fn([f64; N]) -> T + Send + Sync>;

/// The value at a halo point, from its coordinates (slowest axis first) and the time.
pub type BoundaryFunction<T, const N: usize> = Arc<dyn Fn([f64; N], f64) -> T + Send + Sync>;

/// The value at a halo point beyond a custom wall.
pub type HaloFunction<T, const N: usize> = Arc<dyn Fn(HaloPoint<'_, T, N>) -> T + Send + Sync>;

impl<T, const N: usize> Boundary<T, N> {
    /// Prescribes a value that depends on the place on the wall: a [`Boundary::DirichletAt`].
    pub fn dirichlet_at(value: impl Fn([f64; N]) -> T + Send + Sync + 'static) -> Self {
        Self::DirichletAt(Arc::new(value))
    }

    /// Prescribes a derivative along the outward normal that depends on the place on the wall: a
    /// [`Boundary::NeumannAt`].
    pub fn neumann_at(slope: impl Fn([f64; N]) -> T + Send + Sync + 'static) -> Self {
        Self::NeumannAt(Arc::new(slope))
    }

    /// Prescribes each halo point by `value(coordinates, time)`, slowest axis first: a
    /// [`Boundary::Function`].
    pub fn function(value: impl Fn([f64; N], f64) -> T + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(value))
    }

    /// Computes each halo point with `value`, which may use the outermost `reach` points inside the
    /// wall, the coordinates of the halo point and the time: a [`Boundary::Custom`].
    ///
    /// Each block at the wall needs at least `reach` points along the wall's axis. Time stepping
    /// still makes several steps in one pass, but its tiles overlap more where `reach − 1` exceeds
    /// the stencil's radius.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let mut u = Grid::builder([8]).build(&world)?.field::<f64>("u");
    /// // A value at the wall that depends on the time, and a wall that lets half of a wave pass.
    /// u.set_boundary(Face::low(0), Boundary::custom(1, |p| 2.0 * p.time().sin() - p.inside(0)))?;
    /// u.set_boundary(Face::high(0), Boundary::custom(2, |p| 0.5 * (p.inside(0) + p.inside(1))))?;
    /// u.fill_with(|[x]| x);
    /// u.exchange()?;
    /// if u.grid().topology().at_wall(Face::high(0)) {
    ///     assert_eq!(u.halo(Face::high(0))?[0], 7.0);
    /// }
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn custom(reach: usize, value: impl Fn(HaloPoint<'_, T, N>) -> T + Send + Sync + 'static) -> Self {
        Self::Custom { reach, value: Arc::new(value) }
    }

    /// Number of outermost points that halo points depend on; 0 if they depend on their mirror
    /// image only.
    pub(crate) fn reach(&self) -> usize {
        match self {
            Self::Extrapolated(order) => order + 1,
            Self::Custom { reach, .. } => *reach,
            _ => 0,
        }
    }
}

impl<T: Element, const N: usize> Boundary<T, N> {
    /// Whether the condition sets the value of points on the wall.
    pub(crate) fn gives_value(&self) -> bool {
        matches!(self, Self::Dirichlet(_) | Self::DirichletAt(_) | Self::Antireflecting)
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
            Self::DirichletAt(_) => f.write_str("DirichletAt(..)"),
            Self::NeumannAt(_) => f.write_str("NeumannAt(..)"),
            Self::Reflecting => f.write_str("Reflecting"),
            Self::Antireflecting => f.write_str("Antireflecting"),
            Self::Function(_) => f.write_str("Function(..)"),
            Self::HaloValue(value) => write!(f, "HaloValue({value:?})"),
            Self::Extrapolated(order) => write!(f, "Extrapolated({order})"),
            Self::Custom { reach, .. } => write!(f, "Custom {{ reach: {reach}, .. }}"),
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
    /// u.set_boundary(Face::low(0), Boundary::Dirichlet(1.0))?;
    /// u.set_boundary(Face::high(0), Boundary::function(|[y, x], time| (y + x - time).sin()))?;
    /// assert!(u.set_boundary(Face::low(1), Boundary::Reflecting).is_err()); // axis 1 is periodic
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the grid has no such wall (axis out of range or periodic), a block at the wall has
    /// fewer points than an extrapolating or custom wall reads, an integer field is given a slope
    /// other than 0, an integer field or a stretched axis is given an order above 0, an order is
    /// above 2, or a custom wall's `reach` is not 1 to 64.
    pub fn set_boundary(&mut self, face: Face, boundary: Boundary<T, N>) -> Result<()> {
        (0..self.components())
            .try_for_each(|number| self.component_mut(number).set_boundary(face, boundary.clone()))
    }

    /// Makes a wall reflect a vector field: the component normal to the wall is
    /// [antireflecting](Boundary::Antireflecting), the others are
    /// [reflecting](Boundary::Reflecting). For a velocity, this is a solid wall with free slip.
    ///
    /// The field has one component per axis, component `a` along axis `a`. For a staggered vector
    /// (MAC, Arakawa C), whose components are separate fields centered at `Face(a)`, call it on
    /// each of these fields: the one whose axis is the wall's is the normal component.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8, 8]).build(&world)?;
    /// let mut velocity = grid.field_builder::<f64>("velocity").components(2).build()?;
    /// for face in Face::all::<2>() {
    ///     velocity.set_reflecting(face)?;
    /// }
    /// let mut v = [0, 1].map(|a| grid.field_builder::<f64>("v").centering(Centering::Face(a)).build());
    /// for v in v.iter_mut().flatten() {
    ///     v.set_reflecting(Face::low(1))?;
    /// }
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the field is neither of these, or as for [`set_boundary`](Self::set_boundary).
    pub fn set_reflecting(&mut self, face: Face) -> Result<()> {
        let axes: Vec<usize> = match (self.components(), self.centering) {
            (1, Centering::Face(axis)) => vec![axis],
            (components, Centering::Cell | Centering::Node) if components == N => (0..N).collect(),
            (components, centering) => {
                let message = format!(
                    "field '{}' ({centering:?}, {components} component(s)) cannot be reflected as a vector; it must have \
                     {N} components at cells or nodes, or be one component at the faces normal to it",
                    self.name
                );
                return Err(Error::new(ErrorKind::Argument, message));
            }
        };
        axes.into_iter().enumerate().try_for_each(|(number, axis)| {
            let normal = axis == face.axis;
            let boundary = if normal { Boundary::Antireflecting } else { Boundary::Reflecting };
            self.component_mut(number).set_boundary(face, boundary)
        })
    }
}

impl<T: Element, const N: usize> ComponentMut<'_, T, N> {
    /// Sets the boundary condition of this component at one wall.
    ///
    /// # Errors
    /// As for [`Field::set_boundary`], and when the field has no such component.
    pub fn set_boundary(&mut self, face: Face, boundary: Boundary<T, N>) -> Result<()> {
        let (field, component) = (&mut *self.field, self.number);
        let refuse = |why: String| {
            let message =
                format!("no boundary condition can be set at {face:?} of field '{}': {why}", field.name);
            Err(Error::new(ErrorKind::Argument, message))
        };
        if face.axis >= N || component >= field.components() {
            return refuse(format!(
                "the grid has {N} axes and the field {} component(s)",
                field.components()
            ));
        }
        if field.grid.topology().periodic()[face.axis] {
            return refuse("the axis is periodic and has no walls".into());
        }
        let slope = match &boundary {
            Boundary::Neumann(slope) => *slope != T::zero(),
            Boundary::NeumannAt(_) => true,
            _ => false,
        };
        if slope && T::POISON.is_none() {
            return refuse(format!("a field of {} takes no slope but 0", T::KIND));
        }
        match boundary {
            Boundary::Extrapolated(order) if order > 2 => {
                return refuse(format!("the order of extrapolation is {order}; it may be 0, 1 or 2"));
            }
            Boundary::Extrapolated(1..) if T::POISON.is_none() => {
                return refuse(format!("a field of {} is extrapolated with order 0 only", T::KIND));
            }
            Boundary::Extrapolated(order @ 1..) if field.grid.axis(face.axis).is_stretched() => {
                return refuse(format!(
                    "extrapolation of order {order} needs uniform cells, but axis {} is stretched; use order 0 or \
                     Boundary::custom",
                    face.axis
                ));
            }
            Boundary::Custom { reach, .. } if !(1..=MOST_REACH).contains(&reach) => {
                return refuse(format!(
                    "a custom wall cannot read {reach} points inside; it may read 1 to {MOST_REACH}, and Boundary::function \
                     reads none"
                ));
            }
            _ => {}
        }
        let (reach, points) = (boundary.reach(), field.points_at_wall(face));
        if points < reach {
            let message = format!(
                "{boundary:?} at {face:?} of field '{}' reads {reach} points inside the wall, but the blocks there have \
                 {points}; use fewer ranks on axis {}",
                field.name, face.axis
            );
            return Err(Error::new(ErrorKind::Geometry, message));
        }
        field.boundaries[component][face.axis][usize::from(face.high)] = boundary;
        field.invalidate_halo();
        Ok(())
    }
}
