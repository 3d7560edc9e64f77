//! Copies of many boxes of cells, gathered first and then done in one go by all threads.
#![allow(unsafe_code, reason = "threads copy disjoint rows; see the invariants of job.rs")]

use std::marker::PhantomData;

use super::job::{Job, Place};
use super::packing::{BoxCopy, Packing};
use crate::pool::SMALL_WORK;
use crate::{Element, Pool, Region, View, ViewMut};

/// Cost in bytes below which one thread does a job alone; larger jobs are divided among all
/// threads.
const UNDIVIDED: usize = SMALL_WORK / 2;

/// A reusable list of copies.
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

/// Copies being gathered, from [`CopyList::begin`].
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

    /// Starts gathering copies.
    pub fn begin(&mut self) -> Copies<'_> {
        // Jobs that never ran refer to borrows that have ended.
        self.jobs.clear();
        Copies { jobs: &mut self.jobs, borrows: PhantomData }
    }
}

impl<'a> Copies<'a> {
    /// Adds a copy of the cells of `region` to `bytes`, in C order.
    ///
    /// # Panics
    /// When `bytes` does not have the size of these cells, or some of them are not in view.
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

    /// Adds a copy from `bytes(piece)`, in C order, to each box `piece` of `packing`.
    ///
    /// # Panics
    /// When a buffer does not have the size of its box, or a box is not in view.
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
                // C1, C2: the view is borrowed exclusively, and the boxes of a packing are
                // disjoint.
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

    /// Does all copies. Every thread copies its share of each large box and some of the small
    /// boxes; the calling thread does everything if the boxes are small altogether.
    pub fn run(self, pool: &Pool) {
        let jobs: &[Job] = self.jobs;
        let total: usize = jobs.iter().map(|job| job.cost).sum();
        // A job's cost counts one side only, and copying computes nothing.
        if pool.threads() == 1 || total < 2 * SMALL_WORK {
            // SAFETY: C1, C2; C3 as there is one thread.
            jobs.iter().for_each(|job| unsafe { job.copy(job.region()) });
            return;
        }
        let small: usize = jobs.iter().map(|job| job.cost).filter(|&cost| cost < UNDIVIDED).sum();
        pool.run(move |thread| {
            let (threads, mut before) = (pool.threads(), 0);
            for job in jobs {
                let part = if job.cost >= UNDIVIDED {
                    job.region().part(thread, threads)
                } else {
                    let owner = before * threads / small;
                    before += job.cost;
                    if owner != thread {
                        continue;
                    }
                    job.region()
                };
                // SAFETY: C1, C2; C3 as the parts of a region are disjoint, and a small job has one
                // owner.
                unsafe { job.copy(part) };
            }
        });
    }
}

impl<const N: usize> Packing<N> {
    /// Copies the boxes from `cells` to `buffer`.
    ///
    /// # Panics
    /// When `buffer` is not [`len`](Self::len) long, or a box is not in view.
    pub fn pack<T: Element>(&self, pool: &Pool, cells: View<'_, T, N>, buffer: &mut [T]) {
        assert_eq!(buffer.len(), self.len(), "the buffer does not have the length of the packing");
        let mut list = CopyList::new();
        let (mut copies, mut rest) = (list.begin(), bytemuck::cast_slice_mut(buffer));
        for &region in self.regions() {
            let (bytes, after) = rest.split_at_mut(region.len() * size_of::<T>());
            copies.pack(cells, region, bytes);
            rest = after;
        }
        copies.run(pool);
    }

    /// Copies `buffer` to the boxes in `cells`.
    ///
    /// # Panics
    /// When `buffer` is not [`len`](Self::len) long, or a box is not in view.
    pub fn unpack<T: Element>(&self, pool: &Pool, buffer: &[T], cells: ViewMut<'_, T, N>) {
        assert_eq!(buffer.len(), self.len(), "the buffer does not have the length of the packing");
        let mut list = CopyList::new();
        let (mut copies, mut rest) = (list.begin(), bytemuck::cast_slice(buffer));
        copies.unpack(cells, self, |piece| {
            let (bytes, after) = rest.split_at(self.regions()[piece].len() * size_of::<T>());
            rest = after;
            bytes
        });
        copies.run(pool);
    }
}

impl<const N: usize> BoxCopy<N> {
    /// Copies within `cells`.
    ///
    /// # Panics
    /// When a box is not in view.
    pub fn run<T: Element>(&self, pool: &Pool, cells: ViewMut<'_, T, N>) {
        let mut list = CopyList::new();
        let mut copies = list.begin();
        copies.within(cells, self);
        copies.run(pool);
    }
}

fn check_length<T, const N: usize>(region: Region<N>, bytes: usize) {
    let wanted = region.len().saturating_mul(size_of::<T>());
    assert!(bytes == wanted, "a buffer of {bytes} bytes is not the {wanted} bytes of the cells {region:?}");
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
        /// Faces of all axes of two arrays at once, packed, and unpacked elsewhere, by any number
        /// of threads.
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
