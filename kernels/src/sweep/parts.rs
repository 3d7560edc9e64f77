//! Arbitrary work on the part of each thread, with results.
#![allow(
    unsafe_code,
    reason = "threads write disjoint parts of shared views; see the invariants of cells.rs"
)]

use crate::pool::SMALL_WORK;
use crate::{Element, Pool, Region, ViewMut};

/// Calls `work(part, views of that part)` on every thread with its [part](Region::part) of
/// `region`. Returns the results in thread order, for sweeps that also add something up. A small
/// region is one part, on the calling thread.
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

/// As [`map_parts`], without cuts along `axis`, for work on whole lines of cells.
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

/// Calls `work` with the region `part_of(thread)` of every thread: disjoint parts that tile
/// `region`.
fn map_disjoint<T: Element, A: Send, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    views: [ViewMut<'_, T, N>; K],
    work: impl Fn(Region<N>, [ViewMut<'_, T, N>; K]) -> A + Sync,
    part_of: impl Fn(usize) -> Region<N> + Sync,
) -> Vec<A> {
    let cells = views.map(|view| view.restricted(region).cells);
    let part = |part: Region<N>| {
        // SAFETY: the part is in all views (V1), which are exclusive borrows of different cells.
        // The parts of both callers are disjoint (V3): parts of a region, or lines through parts of
        // a cross-section.
        work(part, cells.each_ref().map(|cells| unsafe { ViewMut::of(cells, part) }))
    };
    if region.len().saturating_mul(size_of::<T>()) < SMALL_WORK {
        return vec![part(region)];
    }
    pool.map(|thread| part(part_of(thread)))
}

/// As [`map_parts`], for a pair of views of different cells, such as those of a coarse and a fine
/// grid. With each part of `region` a thread also gets the cells `partner(part)` of `other`.
///
/// ```
/// use parhelion_kernels::{Pool, Region, ViewMut, map_part_pairs};
///
/// let (mut coarse, mut fine) = (vec![0.0; 2], vec![1.0_f32, 2.0, 3.0, 4.0]);
/// let (cells, children) = (Region::from_shape([2]), Region::from_shape([4]));
/// map_part_pairs(
///     &Pool::new(2)?,
///     cells,
///     ViewMut::from_slice(&mut coarse, cells),
///     ViewMut::from_slice(&mut fine, children),
///     |part| Region::new([2 * part.start[0]], [2 * part.end[0]]),
///     |part, mut coarse, mut fine| {
///         for i in part.start[0]..part.end[0] {
///             let pair = fine.row_mut([2 * i], 2);
///             coarse.set([i], f64::from(pair[0] + pair[1]));
///             pair.fill(0.0);
///         }
///     },
/// );
/// assert_eq!((coarse, fine), (vec![3.0, 7.0], vec![0.0; 4]));
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
///
/// # Panics
/// When some of `region` or of `partner(part)` is not in view, partners of two parts overlap, or
/// `work` panics.
pub fn map_part_pairs<T: Element, U: Element, A: Send, const N: usize>(
    pool: &Pool,
    region: Region<N>,
    view: ViewMut<'_, T, N>,
    other: ViewMut<'_, U, N>,
    partner: impl Fn(Region<N>) -> Region<N>,
    work: impl Fn(Region<N>, ViewMut<'_, T, N>, ViewMut<'_, U, N>) -> A + Sync,
) -> Vec<A> {
    let parts = if region.len().saturating_mul(size_of::<T>()) < SMALL_WORK { 1 } else { pool.threads() };
    let pieces: Vec<[Region<N>; 2]> = (0..parts)
        .map(|thread| region.part(thread, parts))
        .map(|part| [part, if part.is_empty() { part } else { partner(part) }])
        .collect();
    for (i, [_, a]) in pieces.iter().enumerate() {
        for [_, b] in &pieces[..i] {
            let both = a.intersection(b);
            assert!(
                both.is_empty(),
                "the cells {both:?} are partners of two parts; partners must be disjoint"
            );
        }
    }
    let (cells, others) = (view.restricted(region).cells, other.cells);
    let piece = |thread: usize| {
        let [part, partner] = pieces[thread];
        // SAFETY: the parts of the region are in view and disjoint (V1, V3). So are their partners,
        // by the checks of `of` and above. Both views are exclusive borrows.
        let views = unsafe { (ViewMut::of(&cells, part), ViewMut::of(&others, partner)) };
        work(part, views.0, views.1)
    };
    if parts == 1 { vec![piece(0)] } else { pool.map(piece) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "are partners of two parts")]
    fn cells_of_two_parts_are_refused() {
        let cells = Region::from_shape([1 << 14]);
        let (mut a, mut b) = (vec![0.0; cells.len()], vec![0.0; cells.len()]);
        let [a, b] = [&mut a, &mut b].map(|values| ViewMut::from_slice(values, cells));
        map_part_pairs(&Pool::new(2).unwrap(), cells, a, b, |_| cells, |_, _, _| ());
    }
}
