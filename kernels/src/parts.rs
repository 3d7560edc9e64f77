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
    map_disjoint(pool, region, views, work, |thread| region.part(thread, pool.threads()))
}

/// As [`map_parts`], where no part is cut along `axis`: for work on whole lines of cells.
///
/// ```
/// use parhelion_kernels::{Pool, Region, ViewMut, map_lines};
///
/// let mut x = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let cells = Region::from_shape([3, 2]);
/// map_lines(&Pool::new(2)?, cells, 0, [ViewMut::from_slice(&mut x, cells)], |part, [mut x]| {
///     for i in part.start[1]..part.end[1] {
///         for j in 1..3 {
///             let before = x.as_view().get([j - 1, i]);
///             x.row_mut([j, i], 1)[0] += before;
///         }
///     }
/// });
/// assert_eq!(x, [1.0, 2.0, 4.0, 6.0, 9.0, 12.0]); // sums along axis 0
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
///
/// # Panics
/// When some of `region` is not in a view, there is no such axis, or `work` panics.
pub fn map_lines<T: Element, A: Send, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    axis: usize,
    views: [ViewMut<'_, T, N>; K],
    work: impl Fn(Region<N>, [ViewMut<'_, T, N>; K]) -> A + Sync,
) -> Vec<A> {
    let (start, end) = (region.start[axis], region.end[axis]);
    let across = region.with_axis(axis, start, end.min(start + 1));
    let part = |thread: usize| across.part(thread, pool.threads()).with_axis(axis, start, end);
    map_disjoint(pool, region, views, work, part)
}

/// Calls `work` with the region `part(thread)` of every thread: disjoint parts of `region`, which together are all of it.
fn map_disjoint<T: Element, A: Send, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    views: [ViewMut<'_, T, N>; K],
    work: impl Fn(Region<N>, [ViewMut<'_, T, N>; K]) -> A + Sync,
    part_of: impl Fn(usize) -> Region<N> + Sync,
) -> Vec<A> {
    let cells = views.map(|view| view.restricted(region).cells);
    let part = |part: Region<N>| {
        // SAFETY: the part is in view of all (V1), which are exclusive borrows of different cells; the parts of both callers
        // are disjoint, those of a region and the lines through those of a cross-section (V3).
        work(part, cells.each_ref().map(|cells| unsafe { ViewMut::of(cells, part) }))
    };
    if region.len().saturating_mul(size_of::<T>()) < WORTH_THREADS {
        return vec![part(region)];
    }
    pool.map(|thread| part(part_of(thread)))
}
