//! Exact against plain sums: time, and the ratio of the two, on one thread.
//!
//! `cargo bench -p parhelion-kernels --bench exact_sum [-- ELEMENTS]`
//!
//! Each case runs the plain and the exact version in turn and prints the best time per element of
//! each (other work on the machine only adds to it), their ratio, and the ratio of the medians. The
//! plain sum is the fastest simple loop: 16 independent lanes, which the compiler vectorizes.

use std::hint::black_box;
use std::time::Instant;

use parhelion_kernels::{Accumulator, ExactSum};

const ROUNDS: usize = 15;
const LANES: usize = 16;

fn plain<T: Copy>(row: &[T], f: impl Fn(T) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&x| f(x)).sum::<f64>()
}

fn plain_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (left, right) = (left.as_chunks::<LANES>().0, right.as_chunks::<LANES>().0);
    for (x, y) in left.iter().zip(right) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum()
}

/// Times two ways to sum `elements` elements of `bytes` bytes in turn.
fn compare(
    case: &str,
    elements: usize,
    bytes: usize,
    mut plain: impl FnMut() -> f64,
    mut exact: impl FnMut() -> f64,
) {
    // Small cases are repeated, so that each time is a few milliseconds.
    let repeats = (10_000_000 / elements).max(1);
    let time = |f: &mut dyn FnMut() -> f64| {
        let start = Instant::now();
        for _ in 0..repeats {
            black_box(f());
        }
        start.elapsed().as_secs_f64() * 1e9 / (repeats * elements) as f64
    };
    let mut times = [vec![], vec![]];
    for _ in 0..ROUNDS {
        times[0].push(time(&mut plain));
        times[1].push(time(&mut exact));
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let [plain_best, exact_best] = times.each_ref().map(|times| times[0]);
    let [plain_median, exact_median] = times.each_ref().map(|times| times[ROUNDS / 2]);
    println!(
        "{case:<26}{elements:>10}  plain {plain_best:5.3} ns  exact {exact_best:5.3} ns ({:4.1} GB/s)  ratio {:5.2} (of medians {:5.2})",
        bytes as f64 / exact_best,
        exact_best / plain_best,
        exact_median / plain_median,
    );
}

/// Reproducible noise in [-1, 1).
fn noise(i: usize) -> f64 {
    let mut x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ x >> 31) as i64 as f64 / 2_f64.powi(63)
}

fn exact_rows(values: &[f64], row: usize) -> f64 {
    let mut sum = Accumulator::new();
    for row in values.chunks(row) {
        sum.add_row(row);
    }
    sum.total()
}

fn cases(n: usize) {
    let values: Vec<f64> = (0..n).map(noise).collect();
    for row in [n, 512, 64] {
        let name = if row == n { "f64".into() } else { format!("f64 in rows of {row}") };
        compare(&name, n, 8, || plain(&values, |x| x), || exact_rows(&values, row));
    }
    let mut squares = || {
        let mut sum = Accumulator::new();
        sum.add_map(&values, |x| x * x);
        sum.total()
    };
    compare("squares of f64", n, 8, || plain(&values, |x| x * x), &mut squares);

    let other: Vec<f64> = (0..n).map(|i| noise(i + n)).collect();
    let mut dot = || {
        let mut sum = Accumulator::new();
        sum.add_zip(&values, &other, |x, y| x * y);
        sum.total()
    };
    compare("dot of f64", n, 16, || plain_dot(&values, &other), &mut dot);
    drop(other);

    let single: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    let exact_single = || {
        let mut sum = Accumulator::new();
        sum.add_map(&single, f64::from);
        sum.total()
    };
    compare("f32", n, 4, || plain(&single, f64::from), exact_single);
    drop(single);

    for (name, binades) in [("range 2^±30", 30.0), ("range 2^±100", 100.0), ("range 2^±1000", 1000.0)] {
        let wide: Vec<f64> = (0..n).map(|i| noise(i) * (noise(i + n) * binades).exp2()).collect();
        compare(name, n, 8, || plain(&wide, |x| x), || exact_rows(&wide, n));
    }
    let bell: Vec<f64> = (0..n)
        .map(|i| (-40.0 * noise(i / 256).powi(2) - ((i % 256) as f64 / 128.0 - 1.0).powi(2) * 40.0).exp())
        .collect();
    compare("exp(-40 r²), rows of 256", n, 8, || plain(&bell, |x| x), || exact_rows(&bell, 256));
}

fn main() {
    let wanted = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    // From cache, and from memory.
    for n in wanted.map_or(vec![1 << 15, 100_000_000], |n| vec![n]) {
        cases(n);
    }
}
