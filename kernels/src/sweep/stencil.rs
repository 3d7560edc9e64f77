//! Stencils: a rule with its radius and pattern, as time-stepping loops apply it.

use std::marker::PhantomData;

use super::apply::sweep_with_hook;
use crate::{Element, KernelError, Point, Reach, Region, StarPoint, View, ViewMut};

/// The neighbors that a stencil reads, and so the parts of a halo that must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Neighbors on the axes: the faces of a halo.
    Star,
    /// All neighbors in the box: faces, edges and corners of a halo.
    Box,
}

/// A rule for the new value of a cell from the old values within [`RADIUS`](Self::RADIUS) of it.
///
/// Made from closures by [`stencil`] and [`star_stencil`]. A closure alone is not a stencil,
/// because it does not say how far it reads:
///
/// ```compile_fail,E0277
/// use parhelion_kernels::{Point, Stencil};
///
/// fn apply<S: Stencil<f64, 1>>(_: S) {}
/// apply(|u: Point<'_, f64, 1, 1>| u.center()); // write `stencil::<f64, 1, 1>(|u| u.center())`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stencil for cells of type `{T}` (number of axes: {N})",
    label = "not a stencil",
    note = "make one from a closure: `stencil::<{T}, {N}, RADIUS>(|u| …)`, or `star_stencil` if it reads along the axes only"
)]
pub trait Stencil<T, const N: usize>: Sync {
    /// Radius: cells read along each axis.
    const RADIUS: usize;
    /// The neighbors read.
    const PATTERN: Pattern;

    /// Writes the new values of the cells of `region` to `output`, on the calling thread.
    ///
    /// Callers ask for cells box by box in any order, including cells of the halo. After an error
    /// all values are unspecified.
    ///
    /// # Errors
    /// When `output` lacks cells of the region, or `input` lacks cells within the radius of it.
    fn apply(
        &self,
        region: Region<N>,
        output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
    ) -> Result<(), KernelError>;

    /// As [`apply`](Self::apply); may call `before_row` before each row, to prefetch.
    #[doc(hidden)]
    fn apply_with_hook(
        &self,
        region: Region<N>,
        output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
        before_row: &mut dyn FnMut(),
    ) -> Result<(), KernelError> {
        let _ = before_row;
        self.apply(region, output, input)
    }
}

struct Ruled<F, T, const N: usize, const R: usize, const STAR: bool> {
    rule: F,
    cell: PhantomData<fn(T) -> T>,
}

/// A stencil of radius `R` whose rule may read all neighbors in the box.
///
/// ```
/// use parhelion_kernels::{Pattern, Stencil, stencil};
///
/// let mean = stencil::<f64, 2, 1>(|u| {
///     0.25 * (u.at::<-1, -1>() + u.at::<-1, 1>() + u.at::<1, -1>() + u.at::<1, 1>())
/// });
/// fn pattern<S: Stencil<f64, 2>>(_: &S) -> Pattern { S::PATTERN }
/// assert_eq!(pattern(&mean), Pattern::Box);
/// ```
pub fn stencil<T: Element, const N: usize, const R: usize>(
    rule: impl Fn(Point<'_, T, N, R>) -> T + Sync,
) -> impl Stencil<T, N> {
    Ruled::<_, T, N, R, false> { rule, cell: PhantomData }
}

/// A stencil of radius `R` whose rule may read only the neighbors on the axes, so blocks need not
/// exchange edges and corners. The compiler checks it (see [`Point`]).
///
/// ```
/// use parhelion_kernels::star_stencil;
///
/// let heat = star_stencil::<f64, 1, 1>(|u| u.center() + 0.1 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>()));
/// # let _ = heat;
/// ```
pub fn star_stencil<T: Element, const N: usize, const R: usize>(
    rule: impl Fn(StarPoint<'_, T, N, R>) -> T + Sync,
) -> impl Stencil<T, N> {
    Ruled::<_, T, N, R, true> { rule, cell: PhantomData }
}

impl<F, T, const N: usize, const R: usize, const STAR: bool> Stencil<T, N> for Ruled<F, T, N, R, STAR>
where
    T: Element,
    F: Fn(Point<'_, T, N, R, STAR>) -> T + Sync,
{
    const RADIUS: usize = R;
    const PATTERN: Pattern = if STAR { Pattern::Star } else { Pattern::Box };

    fn apply(
        &self,
        region: Region<N>,
        output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
    ) -> Result<(), KernelError> {
        self.apply_with_hook(region, output, input, &mut || ())
    }

    fn apply_with_hook(
        &self,
        region: Region<N>,
        mut output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
        before_row: &mut dyn FnMut(),
    ) -> Result<(), KernelError> {
        sweep_with_hook(
            region,
            &mut output,
            Reach::<T, N, R, STAR>::of(input),
            #[inline(always)]
            |point: Point<'_, T, N, R, STAR>| (self.rule)(point),
            before_row,
        )
    }
}
