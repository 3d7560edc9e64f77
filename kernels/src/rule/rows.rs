//! The rows that a rule writes, as arguments of the functions that hold the loop over their cells.
#![allow(unsafe_code, reason = "accesses without bounds checks; see the invariants of cells.rs")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::storage::CACHE_LINE;
use crate::unrolled::{array, unrolled};

/// The cells in a row of one or several arrays, which a rule replaces a run at a time.
pub trait Row {
    /// The values of one cell.
    type Value: Copy;
    /// Holds the new values of a run.
    type Buffer;

    /// Cells of a run.
    const RUN: usize;

    fn buffer() -> Self::Buffer;

    /// The old value of cell `i`.
    ///
    /// # Safety
    /// The row has a cell `i`.
    unsafe fn old(&self, i: usize) -> Self::Value;

    /// Sets the new value of cell `start + i`, now or at the next flush.
    ///
    /// # Safety
    /// The row has that cell, and `i` is less than `RUN`.
    unsafe fn put(&mut self, buffer: &mut Self::Buffer, start: usize, i: usize, value: Self::Value);

    /// Writes the new values of `run` cells from `start` on.
    ///
    /// # Safety
    /// They were put into the buffer.
    unsafe fn flush(&mut self, buffer: &Self::Buffer, start: usize, run: usize);
}

/// One row needs no buffer: as an argument of a function it is known not to overlap the inputs.
impl<T: Copy> Row for &mut [T] {
    type Value = T;
    type Buffer = ();

    const RUN: usize = usize::MAX;

    #[inline(always)]
    fn buffer() {}

    #[inline(always)]
    unsafe fn old(&self, i: usize) -> T {
        // SAFETY: the contract.
        unsafe { *self.get_unchecked(i) }
    }

    #[inline(always)]
    unsafe fn put(&mut self, (): &mut (), start: usize, i: usize, value: T) {
        // SAFETY: the contract.
        unsafe { *self.get_unchecked_mut(start + i) = value };
    }

    #[inline(always)]
    unsafe fn flush(&mut self, (): &(), _: usize, _: usize) {}
}

/// Rows of `K` arrays that do not overlap each other.
///
/// The compiler cannot know that they do not overlap the inputs, and compares of all pairs of
/// addresses would cost more than the rule. So new values go to a buffer, which nothing overlaps,
/// and then a run at a time to their rows. The buffer stays in the first-level cache.
#[derive(Debug)]
pub struct Rows<'r, T, const K: usize> {
    starts: [*mut T; K],
    borrow: PhantomData<&'r mut [T]>,
}

impl<T: Copy, const K: usize> Rows<'_, T, K> {
    /// # Safety
    /// The rows that start there are as long as the cells that will be asked for, are exclusive and
    /// do not overlap.
    #[inline(always)]
    pub(super) unsafe fn new(starts: [*mut T; K]) -> Self {
        Self { starts, borrow: PhantomData }
    }
}

/// Cells of `K` arrays, a run of each.
#[repr(align(64))]
pub struct Buffer(MaybeUninit<[u8; BUFFER]>);

/// Bytes of a buffer.
const BUFFER: usize = 8192;

impl<T: Copy, const K: usize> Row for Rows<'_, T, K> {
    type Value = [T; K];
    type Buffer = Buffer;

    /// Whole cache lines of every array.
    const RUN: usize = {
        assert!(
            1 <= K && K <= BUFFER / CACHE_LINE,
            "an array of outputs has 1 to 128 members; use several arrays, as members of a tuple, for more"
        );
        BUFFER / K / CACHE_LINE * CACHE_LINE / size_of::<T>()
    };

    #[inline(always)]
    fn buffer() -> Buffer {
        Buffer(MaybeUninit::uninit())
    }

    #[inline(always)]
    unsafe fn old(&self, i: usize) -> [T; K] {
        array(
            #[inline(always)]
            // SAFETY: the contract.
            |k| unsafe { *self.starts[k].add(i) },
        )
    }

    #[inline(always)]
    unsafe fn put(&mut self, buffer: &mut Buffer, _: usize, i: usize, value: [T; K]) {
        let first: *mut T = buffer.0.as_mut_ptr().cast();
        unrolled!(k in 0..K <= 32, {
            // SAFETY: K runs fit into the buffer, which is aligned for them, and `i` is less than RUN.
            unsafe { first.add(k * Self::RUN + i).write(value[k]) };
        });
    }

    #[inline(always)]
    unsafe fn flush(&mut self, buffer: &Buffer, start: usize, run: usize) {
        let first: *const T = buffer.0.as_ptr().cast();
        for k in 0..K {
            // SAFETY: the contract.
            unsafe {
                std::ptr::copy_nonoverlapping(first.add(k * Self::RUN), self.starts[k].add(start), run)
            };
        }
    }
}
