//! What a stencil rule reads and writes: points, inputs and outputs.

mod along_axes;
mod faces;
mod inputs;
mod outputs;
mod place;
mod point;
mod rows;

pub use along_axes::{AlongAxes, AxisPoint, AxisReach};
pub use faces::{FaceCells, FacePoints, FacesOf};
pub use inputs::{Inputs, Neighbors, PointOf, Points};
pub(crate) use outputs::update_row;
pub use outputs::{OutputMember, Outputs};
pub use place::{Place, PlaceKind, Places};
pub use point::{Point, Reach, StarPoint};

/// Marks a closure as a rule to be inlined into the loop over cells, so that the loop is vectorized.
///
/// `rule!(|u| …)` adds `#[inline(always)]` to the closure. Without it, the compiler inlines only
/// small rules; a larger one is called for each cell, 4 to 20 times slower. Put the attribute
/// directly on rules that are functions.
///
/// ```
/// use parhelion_kernels::{StarPoint, rule, star_stencil};
///
/// let heat = star_stencil::<f64, 1, 1>(rule!(|u| u.center() + 0.1 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>())));
/// # let _ = heat;
///
/// #[inline(always)]
/// fn slope(u: StarPoint<'_, f64, 1, 1>) -> f64 {
///     0.5 * (u.at::<1>() - u.at::<-1>())
/// }
/// # let _ = star_stencil::<f64, 1, 1>(slope);
/// ```
///
/// Rust allows attributes on closures only where they are arguments of a call. To keep a rule in a
/// variable, write `let` inside the macro and give the types of the arguments:
///
/// ```
/// use parhelion_kernels::{StarPoint, rule, star_stencil};
///
/// rule!(let decay = |u: StarPoint<'_, f64, 1, 0>| 0.5 * u.center());
/// # let _ = star_stencil::<f64, 1, 0>(decay);
/// ```
#[macro_export]
macro_rules! rule {
    (let $name:ident = $($closure:tt)*) => {
        let $name = (#[inline(always)] $($closure)*,).0;
    };
    ($($closure:tt)*) => {
        #[inline(always)] $($closure)*
    };
}
