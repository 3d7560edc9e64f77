//! A rule with its radius and pattern as one value: what a time-stepping loop applies.

use std::marker::PhantomData;

use crate::sweep::sweep_beside;
use crate::{Element, KernelError, Point, Reach, Region, StarPoint, View, ViewMut};

/// Which neighbors a stencil reads, and so which parts of a halo must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Neighbors on the axes: the faces of a halo.
    Star,
    /// All neighbors of the box: faces, edges and corners of a halo.
    Box,
}

/// The new value of a cell from its old value and its neighbors' within [`RADIUS`](Self::RADIUS).
///
/// Made from closures by [`stencil`] and [`star_stencil`].
pub trait Stencil<T, const N: usize>: Sync {
    /// How far it reads along each axis.
    const RADIUS: usize;
    /// Which neighbors it reads.
    const PATTERN: Pattern;

    /// Writes the new values of the cells of `region` to `output`, on the calling thread. Cells are asked for in any order, also
    /// ones of the halo, box by box; after an error the values of all are unspecified.
    ///
    /// # Errors
    /// When `output` lacks cells of the region, or `input` cells within the radius of it.
    fn apply(
        &self,
        region: Region<N>,
        output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
    ) -> Result<(), KernelError>;

    /// As [`apply`](Self::apply); may call `beside` before each row, which fetches what is needed next.
    #[doc(hidden)]
    fn apply_beside(
        &self,
        region: Region<N>,
        output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
        beside: &mut dyn FnMut(),
    ) -> Result<(), KernelError> {
        let _ = beside;
        self.apply(region, output, input)
    }
}

struct Ruled<F, T, const N: usize, const R: usize, const STAR: bool> {
    rule: F,
    cell: PhantomData<fn(T) -> T>,
}

/// The stencil of radius `R` with this rule, which may read all neighbors of the box.
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

/// The stencil of radius `R` with this rule, which may read only the neighbors on the axes (the
/// compiler checks it), so that blocks need not exchange edges and corners.
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
        self.apply_beside(region, output, input, &mut || ())
    }

    fn apply_beside(
        &self,
        region: Region<N>,
        mut output: ViewMut<'_, T, N>,
        input: View<'_, T, N>,
        beside: &mut dyn FnMut(),
    ) -> Result<(), KernelError> {
        sweep_beside(
            region,
            &mut output,
            Reach::<T, N, R, STAR>::of(input),
            #[inline(always)]
            |point: Point<'_, T, N, R, STAR>| (self.rule)(point),
            beside,
        )
    }
}
