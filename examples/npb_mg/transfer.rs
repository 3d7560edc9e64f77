//! Between a level and the next coarser one. Coarse point j lies at fine point 2j + 1 (counted from 0).

use parhelion::kernels::map_parts;
use parhelion::prelude::*;

/// coarse = P fine: full weighting, ½ · (½, 1, ½) along each axis.
pub(crate) fn restrict(fine: &mut Field<f64, 3>, coarse: &mut Field<f64, 3>) -> parhelion::Result<()> {
    fine.exchange()?;
    let whole = fine.whole()?;
    let (grid, region) = (coarse.grid().clone(), coarse.region_local());
    map_parts(grid.world().pool(), region, [coarse.output()], |part, [mut coarse]| {
        let mut sum = Vec::new();
        for (first, len) in part.rows() {
            let [z, y, x] = first.map(|i| i as usize);
            sum.clear();
            sum.resize(2 * len + 1, 0.0);
            for (dz, dy) in (0..3).flat_map(|dz| (0..3).map(move |dy| (dz, dy))) {
                let weight = [0.5, 1.0, 0.5][dz] * [0.5, 1.0, 0.5][dy];
                // With the halo of 1, fine point i is at i + 1.
                let row = whole.slice(parhelion::ndarray::s![
                    2 * z + 1 + dz,
                    2 * y + 1 + dy,
                    2 * x + 1..2 * x + 2 * len + 2
                ]);
                let row = row.to_slice().expect("rows are contiguous");
                sum.iter_mut().zip(row).for_each(|(sum, r)| *sum += weight * r);
            }
            for (i, coarse) in coarse.row_mut(first, len).iter_mut().enumerate() {
                *coarse = 0.5 * (0.5 * (sum[2 * i] + sum[2 * i + 2]) + sum[2 * i + 1]);
            }
        }
    });
    Ok(())
}

/// fine += Q coarse: trilinear interpolation.
pub(crate) fn add_interpolated(
    coarse: &mut Field<f64, 3>,
    fine: &mut Field<f64, 3>,
) -> parhelion::Result<()> {
    coarse.exchange()?;
    let whole = coarse.whole()?;
    let shape = [0, 1, 2].map(|a| whole.len_of(parhelion::ndarray::Axis(a)));
    let (grid, region) = (fine.grid().clone(), fine.region_local());
    map_parts(grid.world().pool(), region, [fine.output()], |part, [mut fine]| {
        let mut sum = vec![0.0; shape[2]];
        for (first, len) in part.rows() {
            let [z, y, x] = first.map(|i| i as usize);
            sum.fill(0.0);
            // An even point lies between two coarse ones; an odd one has one, whose index with the halo is half of its own
            // and 1 more.
            let sources = |i: usize| if i % 2 == 1 { [i / 2 + 1, i / 2 + 1] } else { [i / 2, i / 2 + 1] };
            for (cz, cy) in sources(z).into_iter().flat_map(|cz| sources(y).map(|cy| (cz, cy))) {
                let row = whole.slice(parhelion::ndarray::s![cz, cy, ..]);
                let row = row.to_slice().expect("rows are contiguous");
                sum.iter_mut().zip(row).for_each(|(sum, u)| *sum += 0.25 * u);
            }
            let row = fine.row_mut(first, len);
            if x % 2 == 1 || len % 2 == 1 {
                for (i, u) in row.iter_mut().enumerate() {
                    let [low, high] = sources(x + i);
                    *u += 0.5 * (sum[low] + sum[high]);
                }
                continue;
            }
            let (pairs, _) = row.as_chunks_mut::<2>();
            for (pair, sum) in pairs.iter_mut().zip(sum[x / 2..].windows(2)) {
                pair[0] += 0.5 * (sum[0] + sum[1]);
                pair[1] += sum[1];
            }
        }
    });
    Ok(())
}
