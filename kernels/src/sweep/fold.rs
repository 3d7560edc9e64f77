//! Folds: the values of a rule, passed on a run at a time.
#![allow(unsafe_code, reason = "reads points after checking the region")]

use crate::rule::update_row;
use crate::storage::rows;
use crate::{Inputs, KernelError, PointOf, Points, Pool, Region};

/// Values that [`fold`] computes before it passes them on; they stay in the L1 cache.
const CHUNK: usize = 512;

/// Computes `rule(neighborhood)` for every cell of `region` and passes the values, a run of a row
/// at a time, to `add(&mut accumulator, index of the first, values)`. Every thread starts with
/// `new()` and visits its cells in memory order. Returns the accumulators in thread order.
///
/// ```
/// use parhelion_kernels::{Point, Pool, Region, View, fold};
///
/// let u = [3.0, -1.0, 2.0];
/// let cells = Region::from_shape([3]);
/// let squares = |u: Point<'_, f64, 1, 0>| u.center() * u.center();
/// let parts = fold(&Pool::new(2)?, cells, View::from_slice(&u, cells).reach::<0>(), squares,
///     || 0.0, |sum, _, values| *sum += values.iter().sum::<f64>())?;
/// assert_eq!(parts.iter().sum::<f64>(), 14.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the inputs lack cells within the rule's radius of `region`.
pub fn fold<V, A, I, const N: usize>(
    pool: &Pool,
    region: Region<N>,
    inputs: I,
    rule: impl for<'p> Fn(PointOf<'p, I, N>) -> V + Sync,
    new: impl Fn() -> A + Sync,
    add: impl Fn(&mut A, [isize; N], &[V]) + Sync,
) -> Result<Vec<A>, KernelError>
where
    V: Copy + Default,
    A: Send,
    I: Inputs<N>,
{
    inputs.check(&region)?;
    Ok(pool.map(|thread| {
        let mut accumulator = new();
        let mut chunk = [V::default(); CHUNK];
        for (mut index, mut left) in rows(region.part(thread, pool.threads())) {
            while left > 0 {
                let values = &mut chunk[..left.min(CHUNK)];
                // SAFETY: the inputs passed their check with `region`, where this run lies.
                unsafe {
                    let first = inputs.first(index);
                    update_row(
                        values.len(),
                        &mut *values,
                        #[inline(always)]
                        |i, _| rule(I::Points::advanced(&first, i)),
                    );
                }
                add(&mut accumulator, index, values);
                index[N - 1] += values.len() as isize;
                left -= values.len();
            }
        }
        accumulator
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Point, View};

    #[test]
    fn folds_visit_every_cell_once_and_say_where() {
        let pool = Pool::new(3).unwrap();
        let cells = Region::from_shape([3, 1100]);
        let tag = |[j, i]: [isize; 2]| (10_000 * j + i) as f64;
        let input: Vec<f64> = cells.indices().map(tag).collect();
        let parts = fold(
            &pool,
            cells,
            View::from_slice(&input, cells).reach::<0>(),
            |u: Point<'_, f64, 2, 0>| u.center(),
            Vec::new,
            |seen, index, values| {
                for (i, &value) in values.iter().enumerate() {
                    let cell = [index[0], index[1] + i as isize];
                    assert_eq!(value, tag(cell));
                    seen.push(cell);
                }
            },
        )
        .unwrap();
        let mut seen = parts.concat();
        seen.sort_unstable();
        assert_eq!(seen, cells.indices().collect::<Vec<_>>());
    }
}
