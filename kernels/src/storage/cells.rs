//! Addresses of the cells of a box: what a view is without its borrow.
#![allow(unsafe_code, reason = "strided access to disjoint parts of a buffer from several threads")]
//!
//! Invariants, cited by the unsafe blocks of this crate:
//!
//! - **V1** For every index in `region`, `start + Σ (index[a] − region.start[a])·strides[a]` is the
//!   address of an initialized element inside one live allocation, borrowed for the lifetime of
//!   the view: shared by [`View`](super::View), exclusively by [`ViewMut`](super::ViewMut).
//! - **V2** Different indices of `region` have different addresses, and the last stride is 1, so
//!   that a row is a slice.
//! - **V3** Threads that share a [`Cells`] write disjoint sets of cells, and no thread reads a cell
//!   that another thread writes.

use super::{element::Element, layout::Layout, region::Region};

/// The address arithmetic of a box of cells.
#[derive(Debug)]
pub struct Cells<T, const N: usize> {
    start: *mut T,
    strides: [usize; N],
    pub(crate) region: Region<N>,
}

impl<T, const N: usize> Clone for Cells<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, const N: usize> Copy for Cells<T, N> {}

// SAFETY: holds addresses only; every use of one states V3.
unsafe impl<T: Element, const N: usize> Send for Cells<T, N> {}
// SAFETY: as above.
unsafe impl<T: Element, const N: usize> Sync for Cells<T, N> {}

impl<T, const N: usize> Cells<T, N> {
    /// Address of cell `index`.
    ///
    /// # Safety
    /// `index` lies in `region`.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, index: [isize; N]) -> *mut T {
        let offset: isize =
            (0..N).map(|a| (index[a] - self.region.start[a]) * self.strides[a] as isize).sum();
        // SAFETY: by V1 the address lies within the allocation.
        unsafe { self.start.offset(offset) }
    }

    pub(crate) fn strides(&self) -> [usize; N] {
        self.strides
    }

    /// The cells of `region`, stored contiguously from `start` on in C order.
    pub(super) fn contiguous(start: *mut T, len: usize, region: Region<N>) -> Self {
        // A region of more cells than `usize` can count has the length `usize::MAX`, which no slice
        // has.
        assert_eq!(len, region.len(), "a slice of {len} elements is not the cells {region:?}");
        // So that a radius can be added to any index.
        const FAR: isize = isize::MAX / 4;
        let near = (0..N).all(|a| region.start[a] >= -FAR && region.end[a] <= FAR);
        assert!(near || region.is_empty(), "the cells {region:?} are too far from index 0");
        let mut strides = [1; N];
        for a in (0..N - 1).rev() {
            // (wraps only where another axis is empty, and then nothing has an address)
            strides[a] = usize::wrapping_mul(strides[a + 1], region.shape()[a + 1]);
        }
        Self { start, strides, region }
    }

    /// The cells of a buffer of `len` elements from `start` on, placed by `layout`.
    pub(super) fn laid_out(start: *mut T, len: usize, layout: &Layout<N>) -> Self {
        assert_eq!(len, layout.len(), "the slice is not the buffer of this layout");
        let region = layout.whole();
        let first = if region.is_empty() { 0 } else { layout.position(region.start) };
        Self { start: start.wrapping_add(first), strides: layout.strides(), region }
    }

    /// The cells of `region`, every row of which is the same `row`.
    ///
    /// (So V2 holds along the last axis only, and a thread must keep it to itself.)
    pub(crate) fn repeated_row(row: &mut [T], region: &Region<N>) -> Self {
        assert_eq!(row.len(), region.shape()[N - 1], "the row of {region:?} has another length");
        let strides = std::array::from_fn(|a| usize::from(a + 1 == N));
        Self { start: row.as_mut_ptr(), strides, region: *region }
    }

    /// The cells of `region` only.
    ///
    /// # Panics
    /// When some of them are not in view.
    pub(crate) fn restricted(&self, region: Region<N>) -> Self {
        self.assert_contains(&region);
        if region.is_empty() {
            return Self { region, ..*self };
        }
        // SAFETY: the first cell of a non-empty region inside `self.region` is inside it too.
        Self { start: unsafe { self.at(region.start) }, region, ..*self }
    }

    pub(crate) fn assert_contains(&self, region: &Region<N>) {
        assert!(
            self.region.contains_region(region),
            "cells {region:?} are not all inside the view {:?}",
            self.region
        );
    }

    pub(super) fn assert_row_inside(&self, index: [isize; N], len: usize) {
        let inside =
            len == 0 || self.region.contains(index) && len <= self.region.end[N - 1].abs_diff(index[N - 1]);
        assert!(inside, "{len} cells from {index:?} on are not all inside the view {:?}", self.region);
    }
}

/// Prefetches a cache line into the second-level cache; the first level is too small for a tile.
#[inline(always)]
pub(crate) fn prefetch(line: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, and it accepts any address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}
