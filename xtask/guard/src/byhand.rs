//! Loops over slices as a careful user writes them, compiled for AVX2 where there is AVX2.

use num_traits::Float;

use crate::physics::{Euler, Water, collide, polynomial, reaction};
use crate::stepping::{Places, Row};

/// Defines a function and runs it with AVX2 if the processor has that.
macro_rules! with_avx2 {
    ($(#[$doc:meta])* pub fn $name:ident$(<$($t:ident: $bound:path),* $(; const $c:ident: usize)?>)?($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[inline(always)]
        #[allow(clippy::too_many_arguments, reason = "one slice for every array")]
        pub fn $name$(<$($t: $bound,)* $(const $c: usize)?>)?($($arg: $type),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "one slice for every array")]
            fn body$(<$($t: $bound,)* $(const $c: usize)?>)?($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[inline(never)]
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments, reason = "one slice for every array")]
                fn avx2$(<$($t: $bound,)* $(const $c: usize)?>)?($($arg: $type),*) {
                    body($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}

with_avx2! {
    /// `out = Σ weights · rows`, added to what is there unless it is the first group of terms.
    pub fn group<T: Float; const G: usize>(out: &mut [T], rows: [&[T]; G], weights: [T; G], first: bool) {
        let len = out.len();
        let rows = rows.map(|row| &row[..len]);
        if first {
            for i in 0..len {
                let mut sum = weights[0] * rows[0][i];
                for g in 1..G {
                    sum = sum + weights[g] * rows[g][i];
                }
                out[i] = sum;
            }
        } else {
            for i in 0..len {
                let mut sum = out[i];
                for g in 0..G {
                    sum = sum + weights[g] * rows[g][i];
                }
                out[i] = sum;
            }
        }
    }
}

/// A row of a linear rule, eight terms at a time.
pub fn weighted_row<'u, T: Float + 'u>(
    out: &mut [T],
    terms: &[(usize, isize, T)],
    row: impl Fn(usize, isize) -> &'u [T],
) {
    for (number, terms) in terms.chunks(8).enumerate() {
        let first = number == 0;
        macro_rules! by_length {
            ($($g:literal)*) => {
                match terms.len() {
                    $($g => {
                        let rows: [&[T]; $g] = std::array::from_fn(|g| row(terms[g].0, terms[g].1));
                        group::<T, $g>(out, rows, std::array::from_fn(|g| terms[g].2), first);
                    })*
                    _ => unreachable!("chunks of eight"),
                }
            };
        }
        by_length!(1 2 3 4 5 6 7 8);
    }
}

/// Slices of the neighbors of a row: itself, then `-1` and `+1` along each axis.
fn star<'u, T, const N: usize>(
    row: Row,
    places: Places<N>,
    u: &'u [T],
    distance: usize,
) -> [[&'u [T]; 2]; N] {
    std::array::from_fn(|axis| {
        let step = (distance * places.stride(axis)) as isize;
        [row.of(u, -step), row.of(u, step)]
    })
}

/// The value `i` of a row as long as the one being written, without a check.
macro_rules! at {
    ($row:expr, $i:expr) => {{
        debug_assert!($i < $row.len());
        // SAFETY: all rows of a loop have the length of the row that it writes.
        unsafe { *$row.get_unchecked($i) }
    }};
}

pub fn heat7(row: Row, places: Places<3>, u: &[f64], out: &mut [f64]) {
    with_avx2! {
        pub fn heat(out: &mut [f64], c: &[f64], l: [&[f64]; 2], m: [&[f64]; 2], n: [&[f64]; 2]) {
            for i in 0..out.len() {
                let around = at!(l[0], i) + at!(l[1], i) + at!(m[0], i) + at!(m[1], i);
                out[i] = at!(c, i) + 0.1 * (around + at!(n[0], i) + at!(n[1], i) - 6.0 * at!(c, i));
            }
        }
    }
    let [l, m, n] = star(row, places, u, 1);
    heat(out, row.of(u, 0), l, m, n);
}

/// Weights of the second derivative of order 8.
const SECOND: [f32; 5] = [-205.0 / 72.0, 8.0 / 5.0, -1.0 / 5.0, 8.0 / 315.0, -1.0 / 560.0];

with_avx2! {
    /// `keep · u + lose · out + factor · Laplacian`, the Laplacian of order 8.
    pub fn order8(out: &mut [f32], c: &[f32], near: [[[&[f32]; 2]; 3]; 4], keep: f32, lose: f32, factor: f32) {
        for i in 0..out.len() {
            let mut sum = 3.0 * SECOND[0] * at!(c, i);
            for k in 0..4 {
                let [[a, b], [d, e], [f, g]] = near[k];
                let pairs = (at!(a, i) + at!(b, i)) + (at!(d, i) + at!(e, i)) + (at!(f, i) + at!(g, i));
                sum += SECOND[k + 1] * pairs;
            }
            out[i] = keep * at!(c, i) + lose * out[i] + factor * sum;
        }
    }
}

pub fn heat25(row: Row, places: Places<3>, u: &[f32], out: &mut [f32]) {
    order8(out, row.of(u, 0), [1, 2, 3, 4].map(|k| star(row, places, u, k)), 1.0, 0.0, 0.05);
}

pub fn wave25(row: Row, places: Places<3>, u: &[f32], out: &mut [f32]) {
    order8(out, row.of(u, 0), [1, 2, 3, 4].map(|k| star(row, places, u, k)), 2.0, -1.0, 0.1);
}

/// Weights of a cell, its faces, edges and corners.
pub const BOX: [f64; 4] = [8.0 / 64.0, 4.0 / 64.0, 2.0 / 64.0, 1.0 / 64.0];

pub fn box27(row: Row, places: Places<3>, u: &[f64], out: &mut [f64]) {
    with_avx2! {
        pub fn mean(out: &mut [f64], lines: [[&[f64]; 3]; 9]) {
            let [a, b, c, d, e, f, g, h, k] = lines;
            let [edges, corners] = [[b, d, f, h], [a, c, g, k]];
            for i in 0..out.len() {
                let mut sum = BOX[0] * at!(e[1], i) + BOX[1] * (at!(e[0], i) + at!(e[2], i));
                let (mut middle, mut sides) = (0.0, 0.0);
                for line in 0..4 {
                    middle += at!(edges[line][1], i);
                    sides += at!(edges[line][0], i) + at!(edges[line][2], i) + at!(corners[line][1], i);
                }
                let mut ends = 0.0;
                for line in 0..4 {
                    ends += at!(corners[line][0], i) + at!(corners[line][2], i);
                }
                sum += BOX[1] * middle + BOX[2] * sides + BOX[3] * ends;
                out[i] = sum;
            }
        }
    }
    let lines = std::array::from_fn(|k| {
        let line = (k as isize / 3 - 1) * places.stride(0) as isize
            + (k as isize % 3 - 1) * places.stride(1) as isize;
        [row.of(u, line - 1), row.of(u, line), row.of(u, line + 1)]
    });
    mean(out, lines);
}

pub fn gray_scott(row: Row, places: Places<3>, now: &[Vec<f64>; 2], next: &mut [Vec<f64>; 2]) {
    with_avx2! {
        pub fn react(
            out_u: &mut [f64], out_v: &mut [f64], u: &[f64], v: &[f64], su: [[&[f64]; 2]; 3], sv: [[&[f64]; 2]; 3],
        ) {
            let len = out_u.len();
            let out_v = &mut out_v[..len];
            for i in 0..len {
                macro_rules! sum {
                    ($s:ident) => {{
                        let plane = at!($s[1][0], i) + at!($s[1][1], i) + at!($s[2][0], i) + at!($s[2][1], i);
                        at!($s[0][0], i) + at!($s[0][1], i) + plane
                    }};
                }
                [out_u[i], out_v[i]] = reaction([at!(u, i), at!(v, i)], [sum!(su), sum!(sv)]);
            }
        }
    }
    let ([u, v], [out_u, out_v]) = (now, next);
    let (su, sv) = (star(row, places, u, 1), star(row, places, v, 1));
    react(row.of_mut(out_u), row.of_mut(out_v), row.of(u, 0), row.of(v, 0), su, sv);
}

pub fn water(row: Row, places: Places<2>, now: &[Vec<f64>; 3], next: &mut [Vec<f64>; 3]) {
    with_avx2! {
        pub fn step(a: &mut [f64], b: &mut [f64], d: &mut [f64], c: [&[f64]; 3], near: [[&[f64]; 3]; 4]) {
            let len = a.len();
            let (b, d) = (&mut b[..len], &mut d[..len]);
            let [south, north, west, east] = near;
            for i in 0..len {
                macro_rules! state {
                    ($rows:ident) => {
                        [at!($rows[0], i), at!($rows[1], i), at!($rows[2], i)]
                    };
                }
                [a[i], b[i], d[i]] = Water::step(state!(c), [state!(south), state!(north), state!(west), state!(east)]);
            }
        }
    }
    let stride = places.stride(0) as isize;
    let rows = |distance| std::array::from_fn(|k| row.of(&now[k], distance));
    let [a, b, d] = next;
    step(row.of_mut(a), row.of_mut(b), row.of_mut(d), rows(0), [-stride, stride, -1, 1].map(rows));
}

pub fn euler(row: Row, places: Places<2>, now: &[Vec<f64>; 4], next: &mut [Vec<f64>; 4]) {
    with_avx2! {
        pub fn step(
            a: &mut [f64], b: &mut [f64], d: &mut [f64], e: &mut [f64], c: [&[f64]; 4], near: [[&[f64]; 4]; 4],
        ) {
            let len = a.len();
            let (b, d, e) = (&mut b[..len], &mut d[..len], &mut e[..len]);
            let [south, north, west, east] = near;
            for i in 0..len {
                macro_rules! state {
                    ($rows:ident) => {
                        [at!($rows[0], i), at!($rows[1], i), at!($rows[2], i), at!($rows[3], i)]
                    };
                }
                let around = [state!(south), state!(north), state!(west), state!(east)];
                [a[i], b[i], d[i], e[i]] = Euler::step(state!(c), around);
            }
        }
    }
    let stride = places.stride(0) as isize;
    let rows = |distance| std::array::from_fn(|k| row.of(&now[k], distance));
    let [a, b, d, e] = next;
    step(
        row.of_mut(a),
        row.of_mut(b),
        row.of_mut(d),
        row.of_mut(e),
        rows(0),
        [-stride, stride, -1, 1].map(rows),
    );
}

with_avx2! {
    pub fn polynomials(u: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(u).for_each(|(out, &u)| *out = polynomial(u));
    }
}

pub fn smooth(row: Row, places: Places<2>, u: &[f64], out: &mut [f64]) {
    with_avx2! {
        pub fn mean(out: &mut [f64], c: &[f64], m: [&[f64]; 2], n: [&[f64]; 2]) {
            let len = out.len();
            let [c, a, b, d, e] = [c, m[0], m[1], n[0], n[1]].map(|row| &row[..len]);
            for i in 0..len {
                out[i] = c[i] + 0.1 * (a[i] + b[i] + d[i] + e[i] - 4.0 * c[i]);
            }
        }
    }
    let [m, n] = star(row, places, u, 1);
    mean(out, row.of(u, 0), m, n);
}

pub fn limited(row: Row, u: &[f64], out: &mut [f64]) {
    with_avx2! {
        pub fn advect(out: &mut [f64], a: &[f64], b: &[f64], c: &[f64], d: &[f64]) {
            let len = out.len();
            let [a, b, c, d] = [a, b, c, d].map(|row| &row[..len]);
            let minmod = |a: f64, b: f64| {
                let less = if a.abs() < b.abs() { a } else { b };
                if a * b <= 0.0 { 0.0 } else { less }
            };
            for i in 0..len {
                let low = b[i] + 0.5 * minmod(b[i] - a[i], c[i] - b[i]);
                let high = c[i] + 0.5 * minmod(c[i] - b[i], d[i] - c[i]);
                out[i] = c[i] - 0.1 * (high - low);
            }
        }
    }
    advect(out, row.of(u, -2), row.of(u, -1), row.of(u, 0), row.of(u, 1));
}

pub fn boltzmann(row: Row, places: Places<2>, now: &[Vec<f64>; 9], next: &mut [Vec<f64>; 9]) {
    with_avx2! {
        pub fn stream(
            a: &mut [f64], b: &mut [f64], c: &mut [f64], d: &mut [f64], e: &mut [f64], f: &mut [f64], g: &mut [f64],
            h: &mut [f64], k: &mut [f64], from: [&[f64]; 9],
        ) {
            let len = a.len();
            let (b, c, d, e) = (&mut b[..len], &mut c[..len], &mut d[..len], &mut e[..len]);
            let (f, g, h, k) = (&mut f[..len], &mut g[..len], &mut h[..len], &mut k[..len]);
            for i in 0..len {
                let mut values = [0.0; 9];
                for n in 0..9 {
                    values[n] = at!(from[n], i);
                }
                [a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i], k[i]] = collide(values);
            }
        }
    }
    let y = places.stride(0) as isize;
    let steps = [0, -1, 1, -y, y, -y - 1, y + 1, y - 1, 1 - y];
    let from = std::array::from_fn(|k| row.of(&now[k], steps[k]));
    let [a, b, c, d, e, f, g, h, k] = next.each_mut().map(|array| row.of_mut(array));
    stream(a, b, c, d, e, f, g, h, k, from);
}

pub fn yee(rows: &[Row], places: Places<2>, [hy, hx, e]: &mut [Vec<f64>; 3]) {
    with_avx2! {
        pub fn magnetic(hy: &mut [f64], hx: &mut [f64], e: &[f64], right: &[f64], up: &[f64]) {
            let len = hy.len();
            let hx = &mut hx[..len];
            for i in 0..len {
                hy[i] += 0.4 * (at!(right, i) - at!(e, i));
                hx[i] -= 0.4 * (at!(up, i) - at!(e, i));
            }
        }
    }
    with_avx2! {
        pub fn electric(e: &mut [f64], hy: &[f64], left: &[f64], hx: &[f64], down: &[f64]) {
            for i in 0..e.len() {
                e[i] += 0.4 * ((at!(hy, i) - at!(left, i)) - (at!(hx, i) - at!(down, i)));
            }
        }
    }
    let y = places.stride(0) as isize;
    for row in rows {
        magnetic(row.of_mut(hy), row.of_mut(hx), row.of(e, 0), row.of(e, 1), row.of(e, y));
    }
    for row in rows {
        electric(row.of_mut(e), row.of(hy, 0), row.of(hy, -1), row.of(hx, 0), row.of(hx, -y));
    }
}
