//! Copies of many boxes of cells, gathered first and then done in one go by all threads.
#![allow(unsafe_code, reason = "threads copy disjoint rows between arrays and byte buffers")]
//!
//! Invariants, cited by the unsafe blocks here:
//!
//! - **C1** The source and the target of a job have `shape` elements at `strides` from `start` on, all
//!   of them in live allocations that the [`Copies`] of that job borrows: sources shared, targets
//!   exclusively. Elements are plain bytes, and the last stride is their size.
//! - **C2** No two targets of one [`Copies`] overlap, nor does a target overlap a source.
//! - **C3** Every part of a job's target is copied by one thread.

use std::marker::PhantomData;

use crate::storage::Cells;
use crate::{BoxCopy, Element, Packing, Pool, Region, View, ViewMut};

/// Below this many bytes of touched cache lines, waking the other threads costs more than it saves.
const WORTH_THREADS: usize = 128 << 10;

/// A job that touches fewer bytes is done by one thread, others are divided.
const WORTH_DIVIDING: usize = 32 << 10;

/// What memory moves at once.
const CACHE_LINE: usize = 64;

/// Axes of a job; those of a box with fewer are the last ones.
const AXES: usize = 4;

/// The memory of a list of copies, to be used again and again.
///
/// ```
/// use parhelion_kernels::{CopyList, Packing, Pool, Region, View, ViewMut};
///
/// let u: Vec<i32> = (0..12).collect();                       // 3 rows of 4
/// let region = Region::from_shape([3, 4]);
/// let (left, right) = (region.with_axis(1, 0, 1), region.with_axis(1, 3, 4));
/// let (mut lefts, mut rights) = ([0; 12], [0; 12]);          // 3 values each, as bytes
/// let mut list = CopyList::new();
/// let mut copies = list.begin();
/// copies.pack(View::from_slice(&u, region), left, &mut lefts);
/// copies.pack(View::from_slice(&u, region), right, &mut rights);
/// copies.run(&Pool::new(2)?);                                // one wake-up for both
///
/// let mut v = vec![0; 12];
/// let mut copies = list.begin();
/// let buffers = [&rights, &lefts];
/// let swapped = Packing::new(vec![left, right])?;
/// copies.unpack(ViewMut::from_slice(&mut v, region), &swapped, |piece| buffers[piece]);
/// copies.run(&Pool::new(2)?);
/// assert_eq!(v, [3, 0, 0, 0, 7, 0, 0, 4, 11, 0, 0, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct CopyList {
    jobs: Vec<Job>,
}

/// Copies that are being gathered; from [`CopyList::begin`].
#[derive(Debug)]
pub struct Copies<'a> {
    jobs: &'a mut Vec<Job>,
    borrows: PhantomData<&'a mut [u8]>,
}

impl CopyList {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to gather copies.
    pub fn begin(&mut self) -> Copies<'_> {
        // Jobs that were gathered and never run refer to borrows that are over.
        self.jobs.clear();
        Copies { jobs: &mut self.jobs, borrows: PhantomData }
    }
}

impl<'a> Copies<'a> {
    /// Adds a copy of the cells of `region` to `bytes`, in C order.
    ///
    /// # Panics
    /// When `bytes` is not exactly as long as these cells, or some of them are not in view.
    pub fn pack<T: Element, const N: usize>(
        &mut self,
        cells: View<'a, T, N>,
        region: Region<N>,
        bytes: &'a mut [u8],
    ) {
        check_length::<T, N>(region, bytes.len());
        if let Some(from) = Place::in_view(&cells.cells, region) {
            // C1, C2: the view and the slice are borrowed apart, and the slice exclusively.
            let to = Place::contiguous::<T, N>(bytes.as_mut_ptr(), region);
            self.jobs.push(Job::new(region.shape(), from, to));
        }
    }

    /// Adds copies to the boxes of `packing`: box `piece` from `bytes(piece)`, in C order.
    ///
    /// # Panics
    /// When a buffer is not exactly as long as its box, or a box is not in view.
    pub fn unpack<T: Element, const N: usize>(
        &mut self,
        cells: ViewMut<'a, T, N>,
        packing: &Packing<N>,
        mut bytes: impl FnMut(usize) -> &'a [u8],
    ) {
        for (piece, &region) in packing.regions().iter().enumerate() {
            let bytes = bytes(piece);
            check_length::<T, N>(region, bytes.len());
            if let Some(to) = Place::in_view(&cells.cells, region) {
                // C1, C2: the view is borrowed exclusively, and the boxes of a packing are disjoint.
                let from = Place::contiguous::<T, N>(bytes.as_ptr().cast_mut(), region);
                self.jobs.push(Job::new(region.shape(), from, to));
            }
        }
    }

    /// Adds copies of boxes to other places in the same array.
    ///
    /// # Panics
    /// When a box is not in view.
    pub fn within<T: Element, const N: usize>(&mut self, cells: ViewMut<'a, T, N>, copy: &BoxCopy<N>) {
        for &(source, target) in copy.pieces() {
            let places = [source, target].map(|region| Place::in_view(&cells.cells, region));
            if let [Some(from), Some(to)] = places {
                // C1, C2: the view is borrowed exclusively; a `BoxCopy` has boxes of one shape, and
                // its destinations overlap neither each other nor a source (T1).
                self.jobs.push(Job::new(target.shape(), from, to));
            }
        }
    }

    /// Does all copies: on all threads, each with its share of every large box and of the number of
    /// small ones; on the calling one alone if they are small altogether.
    pub fn run(self, pool: &Pool) {
        let jobs = Jobs(self.jobs);
        let total: usize = jobs.0.iter().map(|job| job.cost).sum();
        if pool.threads() == 1 || total < WORTH_THREADS {
            // SAFETY: C1, C2; C3 as there is one thread.
            jobs.0.iter().for_each(|job| unsafe { job.copy(job.region()) });
            return;
        }
        let small: usize = jobs.0.iter().map(|job| job.cost).filter(|&cost| cost < WORTH_DIVIDING).sum();
        let jobs = &jobs;
        pool.run(move |thread| {
            let (threads, mut before) = (pool.threads(), 0);
            for job in jobs.0 {
                let part = if job.cost >= WORTH_DIVIDING {
                    job.region().part(thread, threads)
                } else {
                    let owner = before * threads / small;
                    before += job.cost;
                    if owner != thread {
                        continue;
                    }
                    job.region()
                };
                // SAFETY: C1, C2; C3 as the parts of a region are disjoint, and a small job has one owner.
                unsafe { job.copy(part) };
            }
        });
    }
}

fn check_length<T, const N: usize>(region: Region<N>, bytes: usize) {
    let wanted = region.len().saturating_mul(size_of::<T>());
    assert!(bytes == wanted, "a buffer of {bytes} bytes is not the {wanted} bytes of the cells {region:?}");
}

/// Where the cells of a box begin, and the distances in bytes between neighbors on its axes.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: *mut u8,
    strides: [usize; AXES],
}

impl Place {
    /// The place of `region`; `None` if it is empty.
    fn in_view<T, const N: usize>(cells: &Cells<T, N>, region: Region<N>) -> Option<Self> {
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
    fn contiguous<T, const N: usize>(start: *mut u8, region: Region<N>) -> Self {
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

/// `values` as the last ones of `AXES`.
fn padded<const N: usize>(values: [usize; N], padding: usize) -> [usize; AXES] {
    let mut all = [padding; AXES];
    all[AXES - N..].copy_from_slice(&values);
    all
}

/// One box to copy.
#[derive(Debug)]
struct Job {
    shape: [usize; AXES],
    from: Place,
    to: Place,
    /// Bytes of the cache lines that one side touches.
    cost: usize,
}

/// The jobs of one run, for its threads.
struct Jobs<'a>(&'a [Job]);

// SAFETY: only addresses and sizes; every use that follows an address states C3.
unsafe impl Sync for Jobs<'_> {}

impl Job {
    fn new<const N: usize>(shape: [usize; N], from: Place, to: Place) -> Self {
        let mut job = Self { shape: padded(shape, 1), from, to, cost: 0 };
        let rows: usize = job.shape[..AXES - 1].iter().product();
        job.cost = rows * job.row_bytes().next_multiple_of(CACHE_LINE);
        job.squeeze();
        job
    }

    /// Moves axes of one cell to the front, so that the loop over rows is as long as it can be. (What
    /// [`Region::part`] makes of the shape does not change.)
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

    fn region(&self) -> Region<AXES> {
        Region::from_shape(self.shape)
    }

    /// Copies the cells of `part`, counted from the first cell of the box.
    ///
    /// # Safety
    /// The borrows of C1 last, and nobody else accesses this part of the target.
    unsafe fn copy(&self, part: Region<AXES>) {
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

/// Copies `rows` rows of `bytes` bytes that lie `pitch` bytes apart, in the source and in the target.
///
/// # Safety
/// All rows are valid, those of source and target do not overlap, and nobody else accesses the target.
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

/// Copies rows of `LENGTH` bytes, those of a thin face, without a call of `memcpy` for each.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The bytes of the cells of `region`, in C order, the slow way.
    fn bytes_of<const N: usize>(cells: View<'_, u16, N>, region: Region<N>) -> Vec<u8> {
        region.indices().flat_map(|index| cells.get(index).to_ne_bytes()).collect()
    }

    proptest! {
        /// Faces of all axes of two arrays at once, packed, and unpacked elsewhere, by any number of threads.
        #[test]
        fn many_boxes_in_one_go(
            shape in prop::array::uniform3(1_usize..40),
            width in 1_usize..9,
            threads in 1_usize..4,
        ) {
            let region = Region::from_shape(shape).shifted([3, -1, 0]);
            let values: Vec<u16> = (0..region.len()).map(|i| (i * 40503 % 65521) as u16).collect();
            let view = View::from_slice(&values, region);
            let faces: Vec<_> = (0..3)
                .map(|a| region.with_axis(a, region.start[a], region.end[a].min(region.start[a] + width as isize)))
                .collect();
            let mut buffers: Vec<Vec<u8>> = faces.iter().map(|face| vec![0; face.len() * 2]).collect();
            let pool = Pool::new(threads).unwrap();
            let mut list = CopyList::new();
            let mut copies = list.begin();
            for (face, buffer) in faces.iter().zip(&mut buffers) {
                copies.pack(view, *face, buffer);
            }
            copies.run(&pool);
            for (face, buffer) in faces.iter().zip(&buffers) {
                prop_assert_eq!(buffer, &bytes_of(view, *face));
            }
            // Unpacked side by side in a larger array; the rest of it stays what it is.
            let gap = [shape[0] as isize + 2, 0, 0];
            let targets: Vec<_> =
                (0..3).map(|i| faces[i].shifted(gap.map(|g| g * i as isize))).collect();
            let hull = targets[1..].iter().fold(targets[0], |hull, target| hull.hull(target));
            let large = hull.grown([[0, 0], [1, 0], [0, 3]]);
            let mut all = vec![7_u16; large.len()];
            let packing = Packing::new(targets.clone()).unwrap();
            let mut copies = list.begin();
            copies.unpack(ViewMut::from_slice(&mut all, large), &packing, |piece| &buffers[piece]);
            copies.run(&pool);
            let filled = View::from_slice(&all, large);
            for (target, buffer) in targets.iter().zip(&buffers) {
                prop_assert_eq!(buffer, &bytes_of(filled, *target));
            }
            let touched: usize = targets.iter().map(Region::len).sum();
            let outside = |index: &[isize; 3]| targets.iter().all(|target| !target.contains(*index));
            let rest: Vec<_> = large.indices().filter(outside).collect();
            prop_assert_eq!(rest.len() + touched, large.len());
            prop_assert!(rest.iter().all(|&index| filled.get(index) == 7));
        }
    }

    #[test]
    fn rows_of_every_length_are_copied_whole() {
        for length in 0..140 {
            let region = Region::from_shape([3, length]);
            let values: Vec<u8> = (0..region.len()).map(|i| (i * 7 + 1) as u8).collect();
            let mut buffer = vec![0; values.len()];
            let mut list = CopyList::new();
            let mut copies = list.begin();
            copies.pack(View::from_slice(&values, region), region, &mut buffer);
            copies.run(&Pool::new(1).unwrap());
            assert_eq!(buffer, values);
        }
    }

    #[test]
    fn copies_that_were_never_run_are_forgotten() {
        let mut list = CopyList::new();
        let mut buffer = [0; 2];
        list.begin().pack(
            View::from_slice(&[1_u8, 2], Region::from_shape([2])),
            Region::from_shape([2]),
            &mut buffer,
        );
        list.begin().run(&Pool::new(1).unwrap());
        assert_eq!(buffer, [0; 2]);
    }

    #[test]
    #[should_panic(expected = "is not the 6 bytes")]
    fn a_buffer_of_another_length_is_refused() {
        let (values, region) = ([1_u16, 2, 3], Region::from_shape([3]));
        CopyList::new().begin().pack(View::from_slice(&values, region), region, &mut [0; 4]);
    }

    #[test]
    #[should_panic(expected = "is not in view")]
    fn a_box_out_of_view_is_refused() {
        let packing = Packing::new(vec![Region::new([2], [4])]).unwrap();
        let mut values = [1_u16, 2, 3];
        let view = ViewMut::from_slice(&mut values, Region::from_shape([3]));
        CopyList::new().begin().unpack(view, &packing, |_| &[0; 4]);
    }
}
