//! Work of any kind on the part of each thread, with results.
#![allow(unsafe_code, reason = "threads write disjoint parts of shared views; see the invariants of view.rs")]

use crate::{Element, Pool, Region, ViewMut};

/// Bytes of a region below which waking the other threads costs more than it saves.
const WORTH_THREADS: usize = 48 << 10;

/// Calls `work(part, views of that part)` on every thread with its [part](Region::part) of `region`, and returns the
/// results in thread order: for sweeps that also add something up. A region of few bytes is worked on by the
/// calling thread alone, as one part.
///
/// ```
/// use parhelion_kernels::{Pool, Region, ViewMut, map_parts};
///
/// let (mut x, mut r) = (vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]);
/// let cells = Region::from_shape([3]);
/// let views = [ViewMut::from_slice(&mut x, cells), ViewMut::from_slice(&mut r, cells)];
/// let sums = map_parts(&Pool::new(2)?, cells, views, |part, [mut x, mut r]| {
///     let mut sum = 0.0;
///     for (first, len) in part.rows() {
///         let (x, r) = (x.row_mut(first, len), r.row_mut(first, len));
///         for (x, r) in x.iter_mut().zip(r) {
///             (*x, *r) = (*x + *r, 0.5 * *r);
///             sum += *r;
///         }
///     }
///     sum
/// });
/// assert_eq!((x, sums.iter().sum::<f64>()), (vec![5.0, 7.0, 9.0], 7.5));
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
///
/// # Panics
/// When some of `region` is not in a view, or `work` panics.
pub fn map_parts<T: Element, A: Send, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    views: [ViewMut<'_, T, N>; K],
    work: impl Fn(Region<N>, [ViewMut<'_, T, N>; K]) -> A + Sync,
) -> Vec<A> {
    let cells = views.map(|view| view.restricted(region).cells);
    let part = |part: Region<N>| {
        // SAFETY: the part is in view of all (V1), which are exclusive borrows of different cells; parts of a region are
        // disjoint (V3).
        work(part, cells.each_ref().map(|cells| unsafe { ViewMut::of(cells, part) }))
    };
    if region.len().saturating_mul(size_of::<T>()) < WORTH_THREADS {
        return vec![part(region)];
    }
    pool.map(|thread| part(region.part(thread, pool.threads())))
}
