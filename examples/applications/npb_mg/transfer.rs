//! Transfer between a level and the next coarser one, a row at a time. Coarse point j lies at fine
//! point 2j + 1 (counted from 0).

/// Full weighting, ½ · (½, 1, ½) along each axis; `fine(index, len)` gives rows of the fine level.
#[inline(always)]
pub(crate) fn restrict_row<'a>(
    first: [isize; 3],
    coarse: &mut [f64],
    sum: &mut Vec<f64>,
    fine: impl Fn([isize; 3], usize) -> &'a [f64],
) {
    let len = 2 * coarse.len() + 1;
    let [z, y, x] = first.map(|j| 2 * j);
    let row = |dz, dy| fine([z + dz, y + dy, x], len);
    sum.resize(len, 0.0);
    weigh(
        sum,
        row(1, 1),
        [row(0, 1), row(1, 0), row(1, 2), row(2, 1)],
        [row(0, 0), row(0, 2), row(2, 0), row(2, 2)],
    );
    halve(sum, coarse);
}

#[inline(never)]
fn weigh(sum: &mut [f64], center: &[f64], near: [&[f64]; 4], far: [&[f64]; 4]) {
    let len = sum.len();
    let (center, near, far) = (&center[..len], near.map(|row| &row[..len]), far.map(|row| &row[..len]));
    for i in 0..len {
        let faces = (near[0][i] + near[1][i]) + (near[2][i] + near[3][i]);
        let edges = (far[0][i] + far[1][i]) + (far[2][i] + far[3][i]);
        sum[i] = center[i] + 0.5 * faces + 0.25 * edges;
    }
}

#[inline(never)]
fn halve(sum: &[f64], coarse: &mut [f64]) {
    let (pairs, _) = sum.as_chunks::<2>();
    for ((coarse, pair), next) in coarse.iter_mut().zip(pairs).zip(sum[2..].iter().step_by(2)) {
        *coarse = 0.5 * (0.5 * (pair[0] + next) + pair[1]);
    }
}

/// The coarse indices between which a fine point lies: twice the same where they coincide.
fn sources(i: isize) -> [isize; 2] {
    [(i - 1).div_euclid(2), i.div_euclid(2)]
}

/// `fine = old + Q coarse`, trilinear interpolation, for a row of even length that begins at an
/// even index; `coarse(index, len)` gives rows of the coarse level.
#[inline(always)]
pub(crate) fn interpolate_row<'a>(
    [z, y, x]: [isize; 3],
    old: Option<&[f64]>,
    fine: &mut [f64],
    sum: &mut Vec<f64>,
    coarse: impl Fn([isize; 3], usize) -> &'a [f64],
) {
    let len = fine.len() / 2 + 1;
    let [[z0, z1], [y0, y1]] = [sources(z), sources(y)];
    let row = |z, y| coarse([z, y, x / 2 - 1], len);
    sum.resize(len, 0.0);
    // Where a point coincides with a coarse one along an axis, half of it twice is the same as all
    // of it once.
    mean(sum, [row(z0, y0), row(z0, y1), row(z1, y0), row(z1, y1)]);
    spread(sum, old, fine);
}

#[inline(never)]
fn mean(sum: &mut [f64], [a, b, c, d]: [&[f64]; 4]) {
    let len = sum.len();
    let (a, b, c, d) = (&a[..len], &b[..len], &c[..len], &d[..len]);
    for i in 0..len {
        sum[i] = 0.25 * ((a[i] + b[i]) + (c[i] + d[i]));
    }
}

#[inline(never)]
fn spread(sum: &[f64], old: Option<&[f64]>, fine: &mut [f64]) {
    let (fine, _) = fine.as_chunks_mut::<2>();
    let values = sum.windows(2).map(|sum| [0.5 * (sum[0] + sum[1]), sum[1]]);
    match old {
        Some(old) => {
            let (old, _) = old.as_chunks::<2>();
            for ((fine, old), [even, odd]) in fine.iter_mut().zip(old).zip(values) {
                *fine = [old[0] + even, old[1] + odd];
            }
        }
        None => fine.iter_mut().zip(values).for_each(|(fine, value)| *fine = value),
    }
}
