//! Boundary conditions: the values of the halo beyond a wall.

use std::fmt;
use std::sync::Arc;

use parhelion_kernels::Element;

use crate::error::{Error, ErrorKind, Result};
use crate::field::{ComponentMut, Field};
use crate::grid::Face;

/// Condition at a wall of the domain: it sets the values of the halo beyond the wall.
///
/// `x_k` is the k-th point inside the wall and `x_−k` its mirror image in the halo. For points at
/// cell centers the wall lies between `x_1` and `x_−1`; for staggered points the wall carries a
/// point itself, which Dirichlet and antireflecting walls set when the halo is filled. Beyond an
/// edge or a corner the condition of the last axis holds. Periodic axes have no walls.
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
    /// Even mirror image, `u(x_−k) = u(x_k)`: the same as no flux.
    Reflecting,
    /// Odd mirror image, `u(x_−k) = −u(x_k)`, as for the normal velocity at a solid wall.
    Antireflecting,
    /// The value at each halo point, from its coordinates and the field's time.
    Function(BoundaryFunction<T, N>),
}

/// The value at a place of a wall, from its coordinates (slowest axis first). For the edges and
/// corners of the halo, the place may lie beyond another wall.
pub type WallFunction<T, const N: usize> = Arc<dyn Fn([f64; N]) -> T + Send + Sync>;

/// The value at a halo point, from its coordinates (slowest axis first) and the time.
pub type BoundaryFunction<T, const N: usize> = Arc<dyn Fn([f64; N], f64) -> T + Send + Sync>;

impl<T, const N: usize> Boundary<T, N> {
    /// A given value that depends on the place on the wall: a [`Boundary::DirichletAt`].
    pub fn dirichlet_at(value: impl Fn([f64; N]) -> T + Send + Sync + 'static) -> Self {
        Self::DirichletAt(Arc::new(value))
    }

    /// A given derivative along the outward normal that depends on the place on the wall: a
    /// [`Boundary::NeumannAt`].
    pub fn neumann_at(slope: impl Fn([f64; N]) -> T + Send + Sync + 'static) -> Self {
        Self::NeumannAt(Arc::new(slope))
    }

    /// A [`Boundary::Function`].
    pub fn function(value: impl Fn([f64; N], f64) -> T + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(value))
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
    /// When the grid has no such wall (axis out of range or periodic), or the slope of an integer
    /// field is not 0.
    pub fn set_boundary(&mut self, face: Face, boundary: Boundary<T, N>) -> Result<()> {
        (0..self.components())
            .try_for_each(|number| self.component_mut(number).set_boundary(face, boundary.clone()))
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
        field.boundaries[component][face.axis][usize::from(face.high)] = boundary;
        field.invalidate_halo();
        Ok(())
    }
}
