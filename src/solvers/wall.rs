//! What an elliptic problem prescribes at the walls of the domain.

use std::fmt;
use std::sync::Arc;

/// A value at every place of a wall, from its coordinates (slowest axis first).
pub type WallFunction<const N: usize> = Arc<dyn Fn([f64; N]) -> f64 + Send + Sync>;

/// The condition at one wall of an elliptic problem. Periodic axes have no walls.
#[derive(Clone)]
#[non_exhaustive]
pub enum Wall<const N: usize> {
    /// The solution has this value.
    Dirichlet(f64),
    /// The derivative of the solution along the outward normal has this value.
    Neumann(f64),
    /// The solution has this value at each place of the wall.
    DirichletAt(WallFunction<N>),
    /// The derivative along the outward normal has this value at each place of the wall.
    NeumannAt(WallFunction<N>),
}

impl<const N: usize> Wall<N> {
    /// A value that depends on the place.
    pub fn dirichlet(value: impl Fn([f64; N]) -> f64 + Send + Sync + 'static) -> Self {
        Self::DirichletAt(Arc::new(value))
    }

    /// A derivative along the outward normal that depends on the place.
    pub fn neumann(slope: impl Fn([f64; N]) -> f64 + Send + Sync + 'static) -> Self {
        Self::NeumannAt(Arc::new(slope))
    }

    /// Whether the value itself is given, not the derivative.
    pub(super) fn fixes_value(&self) -> bool {
        matches!(self, Self::Dirichlet(_) | Self::DirichletAt(_))
    }

    /// What is given at this place.
    pub(super) fn at(&self, place: [f64; N]) -> f64 {
        match self {
            Self::Dirichlet(value) | Self::Neumann(value) => *value,
            Self::DirichletAt(value) | Self::NeumannAt(value) => value(place),
        }
    }

    /// Whether nothing but zeros is given.
    pub(super) fn is_homogeneous(&self) -> bool {
        matches!(self, Self::Dirichlet(value) | Self::Neumann(value) if *value == 0.0)
    }
}

impl<const N: usize> fmt::Debug for Wall<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirichlet(value) => write!(f, "Dirichlet({value})"),
            Self::Neumann(slope) => write!(f, "Neumann({slope})"),
            Self::DirichletAt(_) => f.write_str("DirichletAt(..)"),
            Self::NeumannAt(_) => f.write_str("NeumannAt(..)"),
        }
    }
}
