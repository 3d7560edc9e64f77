//! Points: one cell and its neighbors up to a radius, as a stencil rule sees them.
#![allow(unsafe_code, reason = "reads neighbors without bounds checks; see the invariants of cells.rs")]

use std::marker::PhantomData;

use crate::unrolled::unrolled;
use crate::{Element, View};

// Messages of the compiler, whose next note shows the types at hand, as in
// "while instantiating `fn Point::<'_, f64, 1, 1>::at::<2>`".
const TOO_FAR: &str = "an offset exceeds the radius of the point. The note below shows both: \
    `Point::<…, AXES, RADIUS>::at::<OFFSETS>`. Use offsets from -RADIUS to RADIUS, or write a larger \
    radius in the type of the point, in `stencil`/`star_stencil`, and in `reach`/`star_reach`";
const DIAGONAL: &str = "a star point has no diagonal neighbors: at most one of the offsets in the note \
    below may differ from 0. Use `Point`, `stencil` and `reach` instead of `StarPoint`, `star_stencil` \
    and `star_reach` to read diagonal neighbors";
const NO_AXIS: &str = "there is no such axis: a point `Point::<…, AXES, RADIUS>` has the axes 0 to AXES - 1, \
    and `diagonal` needs two different ones; the note below shows the numbers";

/// One cell of a view and its neighbors within `R` cells on every axis.
///
/// A `STAR` point has only the neighbors on the axes, so blocks need not exchange edges and
/// corners.
///
/// Offsets are const generics, one per axis, slowest first. The compiler checks them against the
/// radius:
///
/// ```
/// use parhelion_kernels::Point;
///
/// fn laplacian(u: Point<'_, f64, 2, 1>) -> f64 {
///     u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>() - 4.0 * u.center()
/// }
/// ```
///
/// A neighbor farther away than the radius does not compile. The compiler finds this error only
/// when it generates code for the rule: `cargo build`, `cargo test` and `cargo run` report it,
/// `cargo check` and editors do not.
///
/// ```compile_fail,E0080
/// use parhelion_kernels::{Point, Pool, Region, View, ViewMut, sweep};
///
/// let u = [0.0; 9];
/// let mut v = [0.0; 3];
/// let input = View::from_slice(&u, Region::new([-3], [6])).reach::<1>();
/// let output = ViewMut::from_slice(&mut v, Region::from_shape([3]));
/// let too_far = |u: Point<'_, f64, 1, 1>| u.at::<2>();
/// sweep(&Pool::new(1).unwrap(), Region::from_shape([3]), output, input, too_far).unwrap();
/// ```
///
/// Neither does a diagonal neighbor of a star point:
///
/// ```compile_fail,E0080
/// use parhelion_kernels::{Pool, Region, StarPoint, View, ViewMut, sweep};
///
/// let (u, mut v) = ([0.0; 9], [0.0; 1]);
/// let input = View::from_slice(&u, Region::new([-1, -1], [2, 2])).star_reach::<1>();
/// let output = ViewMut::from_slice(&mut v, Region::from_shape([1, 1]));
/// let corner = |u: StarPoint<'_, f64, 2, 1>| u.at::<1, 1>();
/// sweep(&Pool::new(1).unwrap(), Region::from_shape([1, 1]), output, input, corner).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Point<'a, T, const N: usize, const R: usize, const STAR: bool = false> {
    /// Address of the center. Invariant P1: every cell within `R` of it on each axis satisfies V1.
    pub(super) center: *const T,
    pub(super) strides: [usize; N],
    borrow: PhantomData<&'a T>,
}

/// A [`Point`] with only the neighbors on the axes.
pub type StarPoint<'a, T, const N: usize, const R: usize> = Point<'a, T, N, R, true>;

impl<T: Element, const N: usize, const R: usize, const STAR: bool> Point<'_, T, N, R, STAR> {
    /// The value of the cell itself.
    #[inline(always)]
    pub fn center(&self) -> T {
        // SAFETY: P1.
        unsafe { *self.center }
    }

    /// The value at an offset known only at run time, for rules that loop over axes. The check
    /// costs nothing where the compiler can see the offset.
    ///
    /// # Panics
    /// When `offset` exceeds the radius on some axis, or is diagonal in a star point.
    #[inline(always)]
    pub fn at_offset(&self, offset: [isize; N]) -> T {
        let (mut position, mut axes) = (0, 0);
        unrolled!(a in 0..N <= 4, {
            assert!(
                offset[a].unsigned_abs() <= R,
                "an offset exceeds the radius of the point; use a larger radius"
            );
            position += offset[a] * self.strides[a] as isize;
            axes += usize::from(offset[a] != 0);
        });
        assert!(
            !STAR || axes <= 1,
            "a star point has no diagonal neighbors; use a `Point` instead of a `StarPoint`"
        );
        // SAFETY: P1, the offset was checked.
        unsafe { *self.center.offset(position) }
    }

    /// The value `OFFSET` cells away along axis `AXIS`, for rules written for any number of axes.
    /// The compiler checks both, as for [`at`](Self::at).
    ///
    /// ```compile_fail,E0080
    /// use parhelion_kernels::{Point, Pool, Region, View, fold};
    ///
    /// let cells = Region::from_shape([3]);
    /// let input = View::from_slice(&[0.0; 3], cells).reach::<0>();
    /// let second_axis = |u: Point<'_, f64, 1, 0>| u.along::<1, 0>();
    /// fold(&Pool::new(1).unwrap(), cells, input, second_axis, || (), |_, _, _| ()).unwrap();
    /// ```
    #[inline(always)]
    pub fn along<const AXIS: usize, const OFFSET: isize>(&self) -> T {
        const {
            assert!(AXIS < N, "{}", NO_AXIS);
            assert!(OFFSET.unsigned_abs() <= R, "{}", TOO_FAR);
        }
        // SAFETY: P1, the offset was checked at compile time.
        unsafe { *self.center.offset(OFFSET * self.strides[AXIS] as isize) }
    }
}

impl<'a, T: Element, const N: usize, const R: usize, const STAR: bool> Point<'a, T, N, R, STAR> {
    /// The same cell with a smaller radius, for operators that read less far than the rule.
    ///
    /// ```
    /// use parhelion_kernels::{StarPoint, star_stencil};
    ///
    /// fn slope(u: StarPoint<'_, f64, 1, 1>) -> f64 {
    ///     0.5 * (u.at::<1>() - u.at::<-1>())
    /// }
    /// let rule = star_stencil::<f64, 1, 2>(|u| slope(u.within()) + u.at::<2>());
    /// # let _ = rule;
    /// ```
    ///
    /// A larger radius does not compile:
    ///
    /// ```compile_fail,E0080
    /// use parhelion_kernels::{Point, Pool, Region, View, fold};
    ///
    /// let cells = Region::from_shape([3]);
    /// let input = View::from_slice(&[0.0; 3], cells).reach::<0>();
    /// let wider = |u: Point<'_, f64, 1, 0>| u.within::<1>().at::<1>();
    /// fold(&Pool::new(1).unwrap(), cells, input, wider, || (), |_, _, _| ()).unwrap();
    /// ```
    #[inline(always)]
    pub fn within<const Q: usize>(self) -> Point<'a, T, N, Q, STAR> {
        const {
            assert!(
                Q <= R,
                "`within` can only shrink the radius of a point: give the rule's point the radius that the \
                 operator needs, or a larger one"
            )
        };
        // Keeps P1: every cell within `Q` is within `R`.
        Point { center: self.center, strides: self.strides, borrow: PhantomData }
    }
}

impl<'a, T: Element, const N: usize, const R: usize> Point<'a, T, N, R> {
    /// The same cell with only the neighbors on the axes, for operators that take a [`StarPoint`].
    #[inline(always)]
    pub fn star(self) -> StarPoint<'a, T, N, R> {
        Point { center: self.center, strides: self.strides, borrow: PhantomData }
    }
}

impl<T: Element, const N: usize, const R: usize> Point<'_, T, N, R> {
    /// The value `OA` cells away along axis `A` and `OB` along axis `B`, for rules that treat all
    /// axes alike.
    #[inline(always)]
    pub fn diagonal<const A: usize, const OA: isize, const B: usize, const OB: isize>(&self) -> T {
        const {
            assert!(A < N && B < N && A != B, "{}", NO_AXIS);
            assert!(OA.unsigned_abs() <= R && OB.unsigned_abs() <= R, "{}", TOO_FAR);
        }
        let offset = OA * self.strides[A] as isize + OB * self.strides[B] as isize;
        // SAFETY: P1, the offset was checked at compile time.
        unsafe { *self.center.offset(offset) }
    }
}

macro_rules! at {
    ($n:literal: $($offset:ident $axis:literal),*) => {
        impl<T: Element, const R: usize, const STAR: bool> Point<'_, T, $n, R, STAR> {
            /// The value at an offset, slowest axis first.
            ///
            /// An offset beyond the radius, or a diagonal one in a star point, is an error of the
            /// compiler that `cargo build` and `cargo test` report, but `cargo check` does not: it
            /// generates no code, and only generated code has both numbers.
            #[inline(always)]
            pub fn at<$(const $offset: isize),*>(&self) -> T {
                const {
                    $(assert!($offset.unsigned_abs() <= R, "{}", TOO_FAR);)*
                    let axes_left = 0 $(+ ($offset != 0) as usize)*;
                    assert!(!STAR || axes_left <= 1, "{}", DIAGONAL);
                }
                let offset = 0 $(+ $offset * self.strides[$axis] as isize)*;
                // SAFETY: P1, the offset was checked at compile time.
                unsafe { *self.center.offset(offset) }
            }
        }
    };
}
at!(1: A 0);
at!(2: A 0, B 1);
at!(3: A 0, B 1, C 2);
at!(4: A 0, B 1, C 2, D 3);

/// The largest radius that can be added to any index of a view without overflow.
pub(super) const LARGEST_RADIUS: usize = 1 << 16;

/// A view from which a sweep reads points of radius `R`, from [`View::reach`] or
/// [`View::star_reach`].
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a, T, const N: usize, const R: usize, const STAR: bool = false> {
    view: View<'a, T, N>,
}

impl<'a, T: Element, const N: usize> View<'a, T, N> {
    /// The input of a sweep whose rule reads cells up to `R` cells away from the one it computes.
    pub fn reach<const R: usize>(self) -> Reach<'a, T, N, R> {
        Reach::of(self)
    }

    /// As [`reach`](Self::reach), for rules that read along the axes only.
    pub fn star_reach<const R: usize>(self) -> Reach<'a, T, N, R, true> {
        Reach::of(self)
    }
}

impl<'a, T: Element, const N: usize, const R: usize, const STAR: bool> Reach<'a, T, N, R, STAR> {
    /// As [`View::reach`] or [`View::star_reach`], for code that is generic over the pattern.
    pub fn of(view: View<'a, T, N>) -> Self {
        const { assert!(R <= LARGEST_RADIUS, "a radius of `reach` is at most 65536 cells") };
        Self { view }
    }

    pub(crate) fn view(&self) -> &View<'a, T, N> {
        &self.view
    }

    /// The first point of a row.
    ///
    /// # Safety
    /// All cells within `R` of `index` are in view.
    #[inline(always)]
    pub(crate) unsafe fn first(&self, index: [isize; N]) -> Point<'a, T, N, R, STAR> {
        Point {
            // SAFETY: `index` itself is in view. Establishes P1.
            center: unsafe { self.view.cells.at(index) },
            strides: self.view.cells.strides(),
            borrow: PhantomData,
        }
    }
}

impl<T, const N: usize, const R: usize, const STAR: bool> Point<'_, T, N, R, STAR> {
    /// The point `i` cells farther along the row.
    ///
    /// # Safety
    /// All cells within `R` of it are in view.
    #[inline(always)]
    pub(crate) unsafe fn advanced(&self, i: usize) -> Self {
        // SAFETY: in view by the contract, hence inside the allocation. Keeps P1.
        Point { center: unsafe { self.center.add(i) }, ..*self }
    }
}
