//! Linear rules: sums of weights times neighbors. The weights are found by applying the rule to
//! fields that are 1 at one place and 0 elsewhere; the loop by hand then needs no formula.

use std::cell::RefCell;
use std::rc::Rc;

use num_traits::Float;
use parhelion::kernels::{Array, Element, Layout, Pool, Region, View, ViewMut};

use crate::byhand::weighted_row;
use crate::case::Case;

/// One term of an output: weight × input at an offset.
type Term<T, const N: usize> = (usize, [isize; N], T);

fn noise(k: usize) -> f64 {
    let mut x = (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((x >> 11) as f64) / (1u64 << 53) as f64 - 0.5
}

fn arrays<T: Element + Float, const N: usize, const K: usize>(
    pool: &Pool,
    layout: Layout<N>,
) -> [Array<T, N>; K] {
    std::array::from_fn(|_| Array::zeros(pool, layout))
}

fn apply<T: Element, const N: usize, const M: usize, const K: usize>(
    run: &impl Fn(&Pool, Region<N>, [ViewMut<'_, T, N>; M], [View<'_, T, N>; K]),
    pool: &Pool,
    cells: Region<N>,
    outputs: &mut [Array<T, N>; M],
    inputs: &[Array<T, N>; K],
) {
    let outputs = outputs.each_mut().map(|array| array.view_mut());
    run(pool, cells, outputs, inputs.each_ref().map(|array| array.view()));
}

/// The case of a linear rule of `radius` with `K` inputs and `M` outputs on cells of `shape`.
pub fn linear<T: Element + Float, const N: usize, const M: usize, const K: usize>(
    shape: [usize; N],
    radius: usize,
    run: impl Fn(&Pool, Region<N>, [ViewMut<'_, T, N>; M], [View<'_, T, N>; K]) + 'static,
) -> Case {
    let pool = Pool::new(1).expect("one thread");
    let halo = [[radius; 2]; N];
    // One cell, to find the weights.
    let one = Layout::new([1; N], halo, size_of::<T>()).expect("a small array");
    let (mut to, mut from) = (arrays::<T, N, M>(&pool, one), arrays::<T, N, K>(&pool, one));
    let mut terms: [Vec<Term<T, N>>; M] = std::array::from_fn(|_| Vec::new());
    for k in 0..K {
        for offset in one.whole().indices() {
            from[k].view_mut().set(offset, T::one());
            apply(&run, &pool, one.interior(), &mut to, &from);
            from[k].view_mut().set(offset, T::zero());
            for (terms, to) in terms.iter_mut().zip(&to) {
                let weight = to.view().get([0; N]);
                if weight != T::zero() {
                    terms.push((k, offset, weight));
                }
            }
        }
    }

    let layout = Layout::new(shape, halo, size_of::<T>()).expect("a small array");
    let (outputs, mut inputs) = (arrays::<T, N, M>(&pool, layout), arrays::<T, N, K>(&pool, layout));
    let (cells, whole) = (layout.interior(), layout.whole());
    let padded = whole.shape();
    let mut flat: [Vec<T>; K] = std::array::from_fn(|_| Vec::with_capacity(whole.len()));
    for (k, array) in inputs.iter_mut().enumerate() {
        for (place, index) in whole.indices().enumerate() {
            let value = T::from(noise(place + k * whole.len())).expect("a number");
            array.view_mut().set(index, value);
            flat[k].push(value);
        }
    }
    let distance = move |offset: [isize; N]| (0..N).fold(0, |d, a| d * padded[a] as isize + offset[a]);
    let terms = terms.map(|terms| {
        terms.into_iter().map(|(k, offset, weight)| (k, distance(offset), weight)).collect::<Vec<_>>()
    });
    let results: [Vec<T>; M] = std::array::from_fn(|_| vec![T::zero(); whole.len()]);
    let outputs = Rc::new(RefCell::new(outputs));
    let results = Rc::new(RefCell::new(results));
    let start = distance([radius as isize; N]);

    let (ours, by_hand) = (outputs.clone(), results.clone());
    Case {
        cells: cells.len(),
        ours: Box::new(move || {
            apply(&run, &pool, cells, &mut ours.borrow_mut(), &inputs);
            Ok(())
        }),
        by_hand: Box::new(move || {
            for (terms, result) in terms.iter().zip(by_hand.borrow_mut().iter_mut()) {
                for (first, len) in cells.rows() {
                    let at = (start + distance(first)) as usize;
                    let row = &mut result[at..at + len];
                    weighted_row(row, terms, |k, distance| {
                        let from = at.strict_add_signed(distance);
                        &flat[k][from..from + len]
                    });
                }
            }
        }),
        difference: Box::new(move || {
            let (outputs, results) = (outputs.borrow(), results.borrow());
            let (mut largest, mut difference) = (0.0_f64, 0.0_f64);
            for (output, result) in outputs.iter().zip(results.iter()) {
                for index in cells.indices() {
                    let ours = output.view().get(index).to_f64().expect("a number");
                    let by_hand = result[(start + distance(index)) as usize].to_f64().expect("a number");
                    largest = largest.max(by_hand.abs());
                    difference = difference.max((ours - by_hand).abs());
                }
            }
            difference / largest
        }),
        // Sums of up to 125 terms in another order.
        tolerance: 100.0 * T::epsilon().to_f64().expect("a number"),
    }
}
