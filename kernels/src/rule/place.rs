//! Where and when a rule is applied: indices and coordinates of a point, step and time.
#![allow(unsafe_code, reason = "reads tables without bounds checks, next to cells that a sweep has checked")]

// Invariant C1: of every axis of `Places`, the tables have entries for all indices of a region that
// passed `check`.

use std::marker::PhantomData;

use super::inputs::{Inputs, PointOf, Points, sealed};
use crate::unrolled::array;
use crate::{KernelError, Region};

/// An input that tells a rule where and when it is applied; the rule gets a [`Place`].
///
/// It causes no memory traffic: tables along the axes stay in the cache, and only what the rule
/// asks for is read.
///
/// ```
/// use parhelion_kernels::{Place, Places, Pool, Region, ViewMut, sweep};
///
/// // Two rows of three cells, at y = 0.5, 1.5 and x = 10, 20, 30; rows 4 and 5 of the whole.
/// let places = Places::new([&[4, 5], &[0, 1, 2]], [&[0.5, 1.5], &[10.0, 20.0, 30.0]], [0, 0]).at(2.0, 7);
/// let cells = Region::from_shape([2, 3]);
/// let mut found = [0.0; 6];
/// sweep(&Pool::new(1)?, cells, ViewMut::from_slice(&mut found, cells), places, |at: Place<'_, 2>| {
///     let ([j, i], [y, x]) = (at.index(), at.position());
///     1000.0 * (j + i) as f64 + y + x + at.time() * at.step() as f64
/// })?;
/// assert_eq!(found, [4024.5, 5034.5, 6044.5, 5025.5, 6035.5, 7045.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Places<'a, const N: usize> {
    indices: [&'a [isize]; N],
    positions: [&'a [f64]; N],
    /// The cell to which the first entry of each table belongs.
    start: [isize; N],
    clock: Clock,
}

/// Times of steps.
#[derive(Clone, Copy, Debug)]
struct Clock {
    start_time: f64,
    time_step: f64,
    steps: u64,
}

impl<'a, const N: usize> Places<'a, N> {
    /// Creates an input from the index and the coordinate of each cell along each axis, slowest
    /// first. The first entry of each table belongs to cell `start` of the views.
    ///
    /// # Panics
    /// When the two tables of an axis differ in length.
    pub fn new(indices: [&'a [isize]; N], positions: [&'a [f64]; N], start: [isize; N]) -> Self {
        for a in 0..N {
            assert_eq!(indices[a].len(), positions[a].len(), "the tables of axis {a} differ in length");
        }
        Self { indices, positions, start, clock: Clock { start_time: 0.0, time_step: 0.0, steps: 0 } }
    }

    /// The time of the values that the rule reads, and the number of steps made.
    pub(crate) fn clock(&self) -> (f64, u64) {
        let Clock { start_time, time_step, steps } = self.clock;
        (start_time + steps as f64 * time_step, steps)
    }

    /// The global indices along an axis from the cell `i` of the views on.
    ///
    /// # Panics
    /// When there is no such cell.
    pub(crate) fn indices_from(&self, axis: usize, i: isize) -> &'a [isize] {
        &self.indices[axis][(i - self.start[axis]) as usize..]
    }

    /// The coordinates along an axis from the cell `i` of the views on.
    ///
    /// # Panics
    /// When there is no such cell.
    pub(crate) fn positions_from(&self, axis: usize, i: isize) -> &'a [f64] {
        &self.positions[axis][(i - self.start[axis]) as usize..]
    }

    /// Returns the same places at `time`, with `step` steps made before.
    pub fn at(self, time: f64, step: u64) -> Self {
        self.stepping(time, 0.0, step)
    }

    /// Returns the same places after `steps` steps of length `time_step` since `start_time`. A pass
    /// of several steps continues from there.
    pub fn stepping(self, start_time: f64, time_step: f64, steps: u64) -> Self {
        Self { clock: Clock { start_time, time_step, steps }, ..self }
    }
}

/// Where and when a rule is applied; see [`Places`].
#[derive(Clone, Copy, Debug)]
pub struct Place<'p, const N: usize> {
    /// The entries of the point in the tables (C1).
    indices: [*const isize; N],
    positions: [*const f64; N],
    time: f64,
    step: u64,
    borrow: PhantomData<&'p [f64]>,
}

impl<const N: usize> Place<'_, N> {
    /// The global index of the point, slowest axis first. Beyond a periodic end, it is the index of
    /// the corresponding point inside.
    #[inline(always)]
    pub fn index(&self) -> [isize; N] {
        array(
            #[inline(always)]
            // SAFETY: C1.
            |a| unsafe { *self.indices[a] },
        )
    }

    /// The coordinates of the point in space, slowest axis first.
    #[inline(always)]
    pub fn position(&self) -> [f64; N] {
        array(
            #[inline(always)]
            // SAFETY: C1.
            |a| unsafe { *self.positions[a] },
        )
    }

    /// The time of the values that the rule reads.
    #[inline(always)]
    pub fn time(&self) -> f64 {
        self.time
    }

    /// The number of steps made before this one.
    #[inline(always)]
    pub fn step(&self) -> u64 {
        self.step
    }
}

/// The kind of the points [`Place<'p, N>`](Place) of any lifetime.
#[derive(Debug)]
pub struct PlaceKind<const N: usize>;

impl<const N: usize> sealed::Sealed for PlaceKind<N> {}
impl<const N: usize> Points for PlaceKind<N> {
    type Point<'p> = Place<'p, N>;

    #[inline(always)]
    unsafe fn advanced<'p>(first: &Self::Point<'p>, i: usize) -> Self::Point<'p> {
        let mut place = *first;
        // SAFETY: the cell farther along the row lies in the region too (C1).
        unsafe {
            place.indices[N - 1] = first.indices[N - 1].add(i);
            place.positions[N - 1] = first.positions[N - 1].add(i);
        }
        place
    }
}

impl<const N: usize> sealed::Sealed for Places<'_, N> {}
impl<const N: usize> Inputs<N> for Places<'_, N> {
    type Points = PlaceKind<N>;

    const BYTES: usize = 0;

    fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
        for a in 0..N {
            let held = self.start[a]..self.start[a].saturating_add(self.positions[a].len() as isize);
            if !(region.is_empty() || held.start <= region.start[a] && region.end[a] <= held.end) {
                return Err(KernelError::new(format!(
                    "a rule on the cells {region:?} asks for its place, but along axis {a} only the places of {held:?} are \
                     known; use a smaller region"
                )));
            }
        }
        Ok(())
    }

    #[inline(always)]
    unsafe fn first(&self, index: [isize; N]) -> PointOf<'_, Self, N> {
        let entry = |a: usize| (index[a] - self.start[a]) as usize;
        let Clock { start_time, time_step, steps } = self.clock;
        // SAFETY: by `check` the cell has an entry in every table (C1).
        unsafe {
            Place {
                indices: std::array::from_fn(|a| self.indices[a].as_ptr().add(entry(a))),
                positions: std::array::from_fn(|a| self.positions[a].as_ptr().add(entry(a))),
                time: start_time + steps as f64 * time_step,
                step: steps,
                borrow: PhantomData,
            }
        }
    }

    fn after(mut self, steps: usize) -> Self {
        self.clock.steps += steps as u64;
        self
    }
}
