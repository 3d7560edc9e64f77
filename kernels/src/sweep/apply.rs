//! Sweeps: a rule applied to every cell of a region, on all threads.
#![allow(unsafe_code, reason = "calls the row functions of inputs and outputs after checking the region")]

use crate::storage::rows;
use crate::{Inputs, KernelError, Outputs, PointOf, Points, Pool, Region};

/// Writes `rule(neighborhood)` to every cell of `region`.
///
/// `outputs` is a [`ViewMut`](crate::ViewMut), an array or a tuple of them, `inputs` a
/// [`Reach`](crate::Reach), an array or a tuple of them, or `()`. The value of a cell depends only
/// on the rule and the neighborhood, so the result has the same bits for any number of threads.
///
/// ```
/// use parhelion_kernels::{Point, Pool, Region, View, ViewMut, sweep};
///
/// let u: Vec<f64> = (0..7).map(|i| (i * i) as f64).collect();
/// let mut second_difference = vec![0.0; 5];
/// let cells = Region::from_shape([5]);
/// sweep(
///     &Pool::new(2)?,
///     cells,
///     ViewMut::from_slice(&mut second_difference, cells),
///     View::from_slice(&u, cells.grown([[1, 1]])).reach::<1>(),
///     |u: Point<'_, f64, 1, 1>| u.at::<-1>() - 2.0 * u.center() + u.at::<1>(),
/// )?;
/// assert_eq!(second_difference, [2.0; 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the outputs lack cells of `region`, or the inputs lack cells within the rule's radius of
/// it.
pub fn sweep<O, I, const N: usize>(
    pool: &Pool,
    region: Region<N>,
    mut outputs: O,
    inputs: I,
    rule: impl for<'p> Fn(PointOf<'p, I, N>) -> O::Value + Sync,
) -> Result<(), KernelError>
where
    O: Outputs<N>,
    I: Inputs<N>,
{
    outputs.check(&region)?;
    inputs.check(&region)?;
    let cells = outputs.cells();
    pool.run(|thread| {
        let part = region.part(thread, pool.threads());
        // SAFETY: inputs and outputs passed their checks; the parts of a region are disjoint.
        unsafe {
            update_rows::<O, I, N>(
                &cells,
                &inputs,
                part,
                #[inline(always)]
                |_, point| rule(point),
                || (),
            )
        };
    });
    Ok(())
}

/// As [`sweep`], on the calling thread only, for custom [`Stencil`](crate::Stencil)s.
///
/// # Errors
/// As for [`sweep`].
pub fn sweep_serial<O, I, const N: usize>(
    region: Region<N>,
    mut outputs: O,
    inputs: I,
    rule: impl for<'p> Fn(PointOf<'p, I, N>) -> O::Value,
) -> Result<(), KernelError>
where
    O: Outputs<N>,
    I: Inputs<N>,
{
    sweep_with_hook(region, &mut outputs, inputs, rule, || ())
}

/// As [`sweep_serial`]; calls `before_row` before each row.
pub(crate) fn sweep_with_hook<O, I, const N: usize>(
    region: Region<N>,
    outputs: &mut O,
    inputs: I,
    rule: impl for<'p> Fn(PointOf<'p, I, N>) -> O::Value,
    before_row: impl FnMut(),
) -> Result<(), KernelError>
where
    O: Outputs<N>,
    I: Inputs<N>,
{
    outputs.check(&region)?;
    inputs.check(&region)?;
    // SAFETY: inputs and outputs passed their checks; only this thread has the outputs.
    unsafe {
        update_rows::<O, I, N>(
            &outputs.cells(),
            &inputs,
            region,
            #[inline(always)]
            |_, point| rule(point),
            before_row,
        )
    };
    Ok(())
}

/// Replaces all `cells` with `rule(old value, neighborhood)`; calls `before_row` before each row.
///
/// Every rule of this crate runs here: what the rule ignores is not read.
///
/// # Safety
/// The cells passed the checks of inputs and outputs, no other thread touches them, and none writes
/// the cells around them that the rule reads.
#[inline(always)]
pub(crate) unsafe fn update_rows<O, I, const N: usize>(
    outputs: &O::Cells,
    inputs: &I,
    cells: Region<N>,
    rule: impl for<'p> Fn(O::Value, PointOf<'p, I, N>) -> O::Value,
    mut before_row: impl FnMut(),
) where
    O: Outputs<N>,
    I: Inputs<N>,
{
    for (index, len) in rows(cells) {
        before_row();
        // SAFETY: the contract.
        unsafe {
            let first = inputs.first(index);
            O::update_row(
                outputs,
                index,
                len,
                #[inline(always)]
                |i, old| rule(old, I::Points::advanced(&first, i)),
            );
        }
    }
}

/// Replaces every cell of `region` with `rule(its old value, neighborhood in the inputs)`.
///
/// As [`sweep`], for updates in place: the rule gets only the cell's own old value from the
/// outputs.
///
/// ```
/// use parhelion_kernels::{Pool, Region, ViewMut, update};
///
/// let mut u = vec![1.0, 2.0, 3.0];
/// let cells = Region::from_shape([3]);
/// update(&Pool::new(2)?, cells, ViewMut::from_slice(&mut u, cells), (), |u, ()| 10.0 * u)?;
/// assert_eq!(u, [10.0, 20.0, 30.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`sweep`].
pub fn update<O, I, const N: usize>(
    pool: &Pool,
    region: Region<N>,
    mut outputs: O,
    inputs: I,
    rule: impl for<'p> Fn(O::Value, PointOf<'p, I, N>) -> O::Value + Sync,
) -> Result<(), KernelError>
where
    O: Outputs<N>,
    I: Inputs<N>,
{
    outputs.check(&region)?;
    inputs.check(&region)?;
    let cells = outputs.cells();
    pool.run(|thread| {
        let part = region.part(thread, pool.threads());
        // SAFETY: inputs and outputs passed their checks; the parts of a region are disjoint.
        unsafe {
            update_rows::<O, I, N>(
                &cells,
                &inputs,
                part,
                #[inline(always)]
                |old, point| rule(old, point),
                || (),
            )
        };
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Array, Layout, Point, View, ViewMut};

    /// A value that names its cell, unlike any other.
    fn tag<const N: usize>(index: [isize; N]) -> f64 {
        index.iter().fold(1.0, |tag, &i| 31.0 * tag + i as f64)
    }

    fn tagged<const N: usize>(pool: &Pool, shape: [usize; N], halo: usize) -> Array<f64, N> {
        let layout = Layout::new(shape, [[halo, halo]; N], 8).unwrap();
        let mut array = Array::zeros(pool, layout);
        for index in layout.whole().indices() {
            array.view_mut().set(index, tag(index));
        }
        array
    }

    /// Every offset of a box stencil reaches the neighbor it names, for any number of axes.
    fn check_offsets<const N: usize>(shape: [usize; N]) {
        for threads in [1, 2, 3] {
            let pool = Pool::new(threads).unwrap();
            let input = tagged(&pool, shape, 2);
            let interior = input.layout().interior();
            let mut output = Array::zeros(&pool, *input.layout());
            for offset in Region::new([-2; N], [3; N]).indices() {
                sweep(
                    &pool,
                    interior,
                    output.view_mut(),
                    input.view().reach::<2>(),
                    |u: Point<'_, f64, N, 2>| u.at_offset(offset),
                )
                .unwrap();
                for index in interior.indices() {
                    let expected = tag::<N>(std::array::from_fn(|a| index[a] + offset[a]));
                    assert_eq!(output.view().get(index), expected, "{index:?} + {offset:?}");
                }
            }
        }
    }

    #[test]
    fn offsets_reach_the_neighbors_they_name() {
        check_offsets([7]);
        check_offsets([5, 6]);
        check_offsets([3, 4, 5]);
        check_offsets([2, 3, 2, 3]);
    }

    #[test]
    fn const_offsets_are_the_same_as_computed_ones() {
        let pool = Pool::new(2).unwrap();
        let input = tagged(&pool, [2, 3, 2, 5], 1);
        let mut output = Array::zeros(&pool, *input.layout());
        let interior = input.layout().interior();
        sweep(&pool, interior, output.view_mut(), input.view().reach::<1>(), |u: Point<'_, f64, 4, 1>| {
            assert_eq!(u.at::<1, 0, -1, 1>(), u.at_offset([1, 0, -1, 1]));
            assert_eq!(u.along::<2, -1>(), u.at::<0, 0, -1, 0>());
            assert_eq!(u.diagonal::<3, 1, 0, -1>(), u.at::<-1, 0, 0, 1>());
            u.center()
        })
        .unwrap();
        assert_eq!(output.view().get([1, 2, 1, 4]), tag([1, 2, 1, 4]));
    }

    /// Wider vectors, and no contraction to fused operations, give the bits of plain scalar code.
    #[test]
    fn vectorized_rows_have_the_bits_of_scalar_arithmetic() {
        let pool = Pool::new(1).unwrap();
        // rows of every remainder for vectors of up to 8 elements
        for length in 1..20 {
            let mut input = tagged(&pool, [2, length], 1);
            let whole = input.layout().whole();
            input
                .view_mut()
                .for_each_row(&pool, whole, |_, row| row.iter_mut().for_each(|x| *x = (*x).sqrt()));
            let mut output = Array::zeros(&pool, *input.layout());
            let cells = input.layout().interior();
            let view = input.view();
            sweep(&pool, cells, output.view_mut(), view.reach::<1>(), |u: Point<'_, f64, 2, 1>| {
                0.1 * u.at::<-1, 0>() + 0.3 * u.at::<0, 1>() - u.center() / 7.0
            })
            .unwrap();
            for [y, x] in cells.indices() {
                let [above, right, center] =
                    [[y - 1, x], [y, x + 1], [y, x]].map(|index| std::hint::black_box(view.get(index)));
                let expected = 0.1 * above + 0.3 * right - center / 7.0;
                assert_eq!(output.view().get([y, x]).to_bits(), expected.to_bits(), "cell {y}, {x}");
            }
        }
    }

    #[test]
    fn several_inputs_and_outputs_of_different_types() {
        let pool = Pool::new(2).unwrap();
        let cells = Region::from_shape([2, 3]);
        let a = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [10_i64, 20, 30, 40, 50, 60];
        let (mut sum, mut difference) = ([0.0_f64; 6], [7_i64; 6]);
        type Pair<'a> = (Point<'a, f32, 2, 0>, Point<'a, i64, 2, 0>);
        sweep(
            &pool,
            cells,
            (ViewMut::from_slice(&mut sum, cells), ViewMut::from_slice(&mut difference, cells)),
            (View::from_slice(&a, cells).reach::<0>(), View::from_slice(&b, cells).reach::<0>()),
            |(a, b): Pair<'_>| (f64::from(a.center()) + b.center() as f64, b.center() - a.center() as i64),
        )
        .unwrap();
        assert_eq!(sum, [11.0, 22.0, 33.0, 44.0, 55.0, 66.0]);
        assert_eq!(difference, [9, 18, 27, 36, 45, 54]);
        let outputs = (ViewMut::from_slice(&mut sum, cells), ViewMut::from_slice(&mut difference, cells));
        update(&pool, cells, outputs, (), |(s, d), ()| (s + d as f64, 0)).unwrap();
        assert_eq!(sum, [20.0, 40.0, 60.0, 80.0, 100.0, 120.0]);
        assert_eq!(difference, [0; 6]);
    }

    #[test]
    fn a_region_too_large_is_refused_with_its_numbers() {
        let pool = Pool::new(1).unwrap();
        let input = tagged(&pool, [4, 4], 1);
        let mut output = Array::zeros(&pool, *input.layout());
        let rule = |u: Point<'_, f64, 2, 2>| u.center();
        let error =
            sweep(&pool, Region::from_shape([4, 4]), output.view_mut(), input.view().reach::<2>(), rule)
                .unwrap_err();
        assert!(
            error.to_string().contains("radius 2") && error.to_string().contains("[-2..6, -2..6]"),
            "{error}"
        );
        let error = update(&pool, Region::from_shape([9, 4]), output.view_mut(), (), |u, ()| u).unwrap_err();
        assert!(error.to_string().contains("not all in the output"), "{error}");
    }
}
