//! The benchmark's right-hand side, from its random number generator.

use parhelion::prelude::*;

const MODULUS_MASK: u64 = (1 << 46) - 1;
const MULTIPLIER: u64 = 1_220_703_125; // 5¹³
const SEED: u64 = 314_159_265;

/// aⁿ mod 2⁴⁶
fn power(mut n: u64) -> u64 {
    let (mut result, mut square) = (1_u64, MULTIPLIER);
    while n > 0 {
        if n & 1 == 1 {
            result = result.wrapping_mul(square) & MODULUS_MASK;
        }
        square = square.wrapping_mul(square) & MODULUS_MASK;
        n >>= 1;
    }
    result
}

/// +1 at the points of the 10 largest random numbers, −1 at those of the 10 smallest, else 0. The
/// stream runs along the last axis first.
pub(crate) fn charges(v: &mut Field<f64, 3>) -> parhelion::Result<()> {
    let [_, ny, nx] = v.shape_global();
    let start = v.region_global().start;
    let (grid, region) = (v.grid().clone(), v.region_local());
    v.view_mut().for_each_row(grid.world().pool(), region, |first, row| {
        let [z, y, x] = std::array::from_fn(|a| (first[a] + start[a]) as u64);
        let mut state = SEED.wrapping_mul(power((z * ny as u64 + y) * nx as u64 + x)) & MODULUS_MASK;
        for value in row {
            state = state.wrapping_mul(MULTIPLIER) & MODULUS_MASK;
            *value = state as f64 / (MODULUS_MASK + 1) as f64;
        }
    });
    let (mut positive, mut negative) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let (largest, smallest) = (v.max().index, v.min().index);
        positive.push(largest);
        negative.push(smallest);
        for index in [largest, smallest] {
            v.set_global(index, 0.5);
        }
    }
    v.fill(0.0);
    for (index, charge) in
        positive.into_iter().map(|i| (i, 1.0)).chain(negative.into_iter().map(|i| (i, -1.0)))
    {
        v.set_global(index, charge);
    }
    Ok(())
}
