//! One box to copy: its addresses on both sides, and the loops over its rows.
#![allow(unsafe_code, reason = "threads copy disjoint rows between arrays and byte buffers")]
//!
//! Invariants, cited by the unsafe blocks here and in `copies.rs`:
//!
//! - **C1** The source and the target of a job have `shape` elements at `strides` from `start` on,
//!   all of them in live allocations that the [`Copies`](super::Copies) of that job borrows:
//!   sources shared, targets exclusively. Elements are plain bytes, and the last stride is their
//!   size.
//! - **C2** No two targets of one [`Copies`](super::Copies) overlap, nor does a target overlap a
//!   source.
//! - **C3** Every part of a job's target is copied by one thread.

use crate::Region;
use crate::storage::{CACHE_LINE, Cells};

/// Axes of a job; those of a box with fewer are the last ones.
const AXES: usize = 4;

/// The address of the first cell of a box, and the distances in bytes between neighbors on each
/// axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: *mut u8,
    strides: [usize; AXES],
}

impl Place {
    /// The place of `region`; `None` if it is empty.
    pub(super) fn in_view<T, const N: usize>(cells: &Cells<T, N>, region: Region<N>) -> Option<Self> {
        const { assert!(N <= AXES, "boxes have at most 4 axes") };
        assert!(cells.region.contains_region(&region), "box {region:?} is not in view of {:?}", cells.region);
        if region.is_empty() {
            return None;
        }
        // SAFETY: the first cell of a box that is not empty and in view is in view.
        let start = unsafe { cells.at(region.start) }.cast();
        let strides = padded(cells.strides().map(|stride| stride * size_of::<T>()), 0);
        Some(Self { start, strides })
    }

    /// The place of the cells of `region` one after the other.
    pub(super) fn contiguous<T, const N: usize>(start: *mut u8, region: Region<N>) -> Self {
        let (shape, mut strides) = (region.shape(), [size_of::<T>(); N]);
        for a in (0..N - 1).rev() {
            strides[a] = strides[a + 1] * shape[a + 1];
        }
        Self { start, strides: padded(strides, 0) }
    }

    /// # Safety
    /// `index` lies within the shape of the job.
    unsafe fn at(&self, index: [isize; AXES]) -> *mut u8 {
        let offset: usize = (0..AXES).map(|a| index[a] as usize * self.strides[a]).sum();
        // SAFETY: within the allocation by C1 and the contract.
        unsafe { self.start.add(offset) }
    }
}

/// `values` on the last axes, `padding` on the others.
fn padded<const N: usize>(values: [usize; N], padding: usize) -> [usize; AXES] {
    let mut all = [padding; AXES];
    all[AXES - N..].copy_from_slice(&values);
    all
}

/// One box to copy.
#[derive(Debug)]
pub(super) struct Job {
    shape: [usize; AXES],
    from: Place,
    to: Place,
    /// Bytes of the cache lines that one side touches.
    pub(super) cost: usize,
}

// SAFETY: holds addresses and sizes only; every use of an address states C3.
unsafe impl Sync for Job {}

impl Job {
    pub(super) fn new<const N: usize>(shape: [usize; N], from: Place, to: Place) -> Self {
        let mut job = Self { shape: padded(shape, 1), from, to, cost: 0 };
        let rows: usize = job.shape[..AXES - 1].iter().product();
        job.cost = rows * job.row_bytes().next_multiple_of(CACHE_LINE);
        job.squeeze();
        job
    }

    /// Moves axes of one cell to the front, so that the loop over rows is as long as possible. The
    /// parts that [`Region::part`] cuts stay the same.
    fn squeeze(&mut self) {
        for _ in 0..AXES - 2 {
            for a in 1..AXES - 1 {
                if self.shape[a] == 1 {
                    self.shape.swap(a - 1, a);
                    self.from.strides.swap(a - 1, a);
                    self.to.strides.swap(a - 1, a);
                }
            }
        }
    }

    fn row_bytes(&self) -> usize {
        self.shape[AXES - 1] * self.from.strides[AXES - 1]
    }

    pub(super) fn region(&self) -> Region<AXES> {
        Region::from_shape(self.shape)
    }

    /// Copies the cells of `part`, counted from the first cell of the box.
    ///
    /// # Safety
    /// The borrows of C1 last, and no other thread accesses this part of the target.
    pub(super) unsafe fn copy(&self, part: Region<AXES>) {
        if part.is_empty() {
            return;
        }
        // Sheets: the rows along the last axis but one, which lie at a constant distance.
        let [planes, sheets, rows, cells] = part.shape();
        let bytes = cells * self.from.strides[AXES - 1];
        let pitch = [self.from.strides[AXES - 2], self.to.strides[AXES - 2]];
        for plane in 0..planes as isize {
            for sheet in 0..sheets as isize {
                let mut first = part.start;
                first[0] += plane;
                first[1] += sheet;
                // SAFETY: these rows of the part lie at these distances (C1), and the contract.
                unsafe { copy_rows(self.from.at(first), self.to.at(first), rows, pitch, bytes) };
            }
        }
    }
}

/// Copies `rows` rows of `bytes` bytes that lie `pitch` bytes apart, in the source and in the
/// target.
///
/// # Safety
/// All rows are valid, those of source and target do not overlap, and no other thread accesses the
/// target.
unsafe fn copy_rows(from: *const u8, to: *mut u8, rows: usize, pitch: [usize; 2], bytes: usize) {
    macro_rules! by_length {
        ($($length:literal)*) => {
            // SAFETY: the contract.
            unsafe {
                match bytes {
                    $($length => copy_thin_rows::<$length>(from, to, rows, pitch),)*
                    _ => (0..rows).for_each(|row| {
                        std::ptr::copy_nonoverlapping(from.add(row * pitch[0]), to.add(row * pitch[1]), bytes);
                    }),
                }
            }
        };
    }
    by_length!(1 2 4 8 12 16 20 24 28 32 40 48 56 64 80 96 112 128)
}

/// Copies rows of `LENGTH` bytes, as in a thin face, without calling `memcpy` for each.
///
/// # Safety
/// As for [`copy_rows`].
unsafe fn copy_thin_rows<const LENGTH: usize>(from: *const u8, to: *mut u8, rows: usize, pitch: [usize; 2]) {
    for row in 0..rows {
        // SAFETY: the contract; an array of bytes is aligned anywhere.
        unsafe {
            let bytes = from.add(row * pitch[0]).cast::<[u8; LENGTH]>();
            *to.add(row * pitch[1]).cast::<[u8; LENGTH]>() = *bytes;
        }
    }
}
