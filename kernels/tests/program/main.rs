//! Rules known only at run time give the bits of closures and of a slow evaluator, cell by cell.

mod external;
mod fixed;
mod random;
mod text;

use parhelion_kernels::{Array, Layout, Places, Pool, Region, RuntimeRule, View, ViewMut};

/// An array of `shape` with a halo, whose values differ from cell to cell and have both signs.
fn filled<const N: usize>(pool: &Pool, shape: [usize; N], halo: usize, seed: u64) -> Array<f64, N> {
    let layout = Layout::new(shape, [[halo, halo]; N], size_of::<f64>()).unwrap();
    let mut array = Array::zeros(pool, layout);
    for (number, index) in layout.whole().indices().enumerate() {
        let mixed = (number as u64 + 977 * seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        array.view_mut().set(index, (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0);
    }
    array
}

/// What a rule computes for the interiors of new arrays.
fn computed<const N: usize>(
    pool: &Pool,
    rule: &RuntimeRule<f64, N>,
    inputs: &[&Array<f64, N>],
    cells: Region<N>,
    places: Option<Places<'_, N>>,
) -> Vec<Vec<f64>> {
    let mut outputs = vec![vec![0.0; cells.len()]; rule.outputs()];
    let views = outputs.iter_mut().map(|output| ViewMut::from_slice(output, cells)).collect();
    let inputs: Vec<View<'_, f64, N>> = inputs.iter().map(|input| input.view()).collect();
    rule.sweep(pool, cells, views, &inputs, places).unwrap();
    outputs
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}
