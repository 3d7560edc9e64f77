//! Exact sums against arbitrary-precision integers.

use num_bigint::{BigInt, BigUint, Sign};
use parhelion_kernels::{Accumulator, ExactSum};
use proptest::prelude::*;

/// The sum in units of 2^-1074 by arbitrary-precision integers, rounded by long division: shares
/// nothing with the code under test.
fn oracle(values: &[f64]) -> f64 {
    let has = |f: fn(&f64) -> bool| values.iter().any(f);
    match (has(|x| x.is_nan()), has(|&x| x == f64::INFINITY), has(|&x| x == f64::NEG_INFINITY)) {
        (true, ..) | (_, true, true) => return f64::NAN,
        (_, true, _) => return f64::INFINITY,
        (_, _, true) => return f64::NEG_INFINITY,
        _ => {}
    }
    let sum: BigInt = values.iter().map(|&x| in_units(x)).sum();
    let (sign, magnitude) = sum.into_parts();
    let rounded = round(&magnitude);
    if sign == Sign::Minus { -rounded } else { rounded }
}

fn in_units(x: f64) -> BigInt {
    // scale in two steps: the mantissa as an integer, and a power of two
    let (mut mantissa, mut exponent) = (x, 0);
    while mantissa.fract() != 0.0 && exponent < 1074 {
        mantissa *= 2.0;
        exponent += 1;
    }
    while mantissa.abs() >= 2_f64.powi(53) {
        mantissa /= 2.0;
        exponent -= 1;
    }
    BigInt::from(mantissa as i64) << (1074 - exponent) as usize
}

fn round(magnitude: &BigUint) -> f64 {
    let drop = magnitude.bits().saturating_sub(53);
    let unit = BigUint::from(1_u8) << drop;
    let (mut quotient, rest) = (magnitude / &unit, magnitude % &unit);
    let twice = rest * 2_u8;
    if twice > unit || (twice == unit && quotient.bit(0)) {
        quotient += 1_u8;
    }
    let quotient = u64::try_from(quotient).unwrap() as f64;
    let exponent = drop as i32 - 1074;
    if exponent < -1000 {
        // 2^exponent itself may be subnormal, the (exact) product is not rounded
        quotient * 2_f64.powi(-1000) * 2_f64.powi(exponent + 1000)
    } else if exponent > 971 {
        f64::INFINITY
    } else {
        quotient * 2_f64.powi(exponent)
    }
}

fn exact(values: &[f64]) -> f64 {
    let mut sum = Accumulator::new();
    sum.add_row(values);
    sum.total()
}

fn one_by_one(values: &[f64]) -> f64 {
    let mut sum = Accumulator::new();
    values.iter().for_each(|&x| sum.add(x));
    sum.total()
}

/// The same value: equal bits, or both NaN.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Finite values of every kind: any bit pattern, one scale, integers, extremes and zeros.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(|bits| f64::from_bits(bits & !(1 << 62))),
        4 => -1.0..1.0_f64,
        2 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite()),
        2 => (-1000..1000_i32).prop_map(f64::from),
        1 => (-1.0..1.0_f64).prop_map(|x| x * 1e-310),
        1 => (-1.0..1.0_f64).prop_map(|x| x * f64::MAX),
        1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, -5e-324]),
    ]
}

/// One row per scale: all wild, or of a few kinds that the fast paths are made for.
fn rows() -> impl Strategy<Value = Vec<f64>> {
    let len = 0..3000_usize;
    prop_oneof![
        prop::collection::vec(finite(), 0..300),
        prop::collection::vec(finite(), len.clone()),
        (prop::collection::vec(-1.0..1.0_f64, len.clone()), -1070..1020_i32)
            .prop_map(|(row, scale)| row.into_iter().map(|x| x * 2_f64.powf(f64::from(scale))).collect()),
        (prop::collection::vec((-1.0..1.0_f64, -1.0..1.0_f64), len), 0..1000_i32).prop_map(|(row, range)| {
            row.into_iter().map(|(x, e)| x * (e * f64::from(range)).exp2()).collect()
        }),
    ]
}

/// Everything cancels but a little.
fn canceling() -> impl Strategy<Value = Vec<f64>> {
    (rows(), finite())
        .prop_map(|(row, rest)| {
            let negated: Vec<_> = row.iter().rev().map(|x| -x).collect();
            [row, negated, vec![rest]].concat()
        })
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sums_are_the_rounded_true_sums(row in rows()) {
        let expected = oracle(&row);
        prop_assert!(same(exact(&row), expected), "{:e} for {expected:e}", exact(&row));
        prop_assert!(same(one_by_one(&row), expected), "{:e} for {expected:e}", one_by_one(&row));
    }

    #[test]
    fn what_cancellation_leaves_is_exact(row in canceling()) {
        let expected = oracle(&row);
        prop_assert!(same(exact(&row), expected), "{:e} for {expected:e}", exact(&row));
    }

    #[test]
    fn nan_and_infinities_follow_ieee(
        row in rows(),
        specials in prop::collection::vec(prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), 1..3),
        at in any::<prop::sample::Index>(),
    ) {
        let mut row = row;
        let at = at.index(row.len() + 1);
        row.splice(at..at, specials);
        prop_assert!(same(exact(&row), oracle(&row)));
        prop_assert!(same(one_by_one(&row), oracle(&row)));
    }

    #[test]
    fn order_and_splitting_do_not_matter(
        (row, other) in rows().prop_flat_map(|row| (Just(row.clone()), Just(row).prop_shuffle())),
        cuts in prop::collection::vec(1..700_usize, 1..8),
    ) {
        let expected = exact(&row);

        // one accumulator per piece, some filled value by value; merged in memory and as words
        let (mut rest, mut parts) = (&other[..], vec![]);
        for (i, &cut) in cuts.iter().cycle().enumerate() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at(cut.min(rest.len()));
            let mut part = Accumulator::new();
            if i % 3 == 2 {
                piece.iter().for_each(|&x| part.add(x));
            } else {
                part.add_row(piece);
            }
            parts.push(part);
            rest = tail;
        }
        let mut merged = Accumulator::new();
        parts.iter().for_each(|part| merged.merge(part));
        prop_assert!(same(merged.total(), expected));

        let mut words = vec![0; Accumulator::WORDS];
        for part in &parts {
            words.iter_mut().zip(part.words()).for_each(|(sum, word)| *sum += word);
        }
        prop_assert!(same(Accumulator::from_words(&words).total(), expected));
        prop_assert_eq!(Accumulator::from_words(&words).words(), merged.words());
    }

    #[test]
    fn mapped_rows_sum_the_rounded_values(
        pairs in prop::collection::vec((-1.0..1.0_f64, -1e9..1e9_f64), 0..1500),
    ) {
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let single: Vec<f32> = y.iter().map(|&y| y as f32).collect();
        let mut dot = Accumulator::new();
        dot.add_zip(&x, &y, |x, y| x * y);
        let products: Vec<f64> = pairs.iter().map(|(x, y)| x * y).collect();
        prop_assert!(same(dot.total(), oracle(&products)));

        let mut squares = Accumulator::new();
        squares.add_map(&single, |y| f64::from(y) * f64::from(y));
        let expected: Vec<f64> = single.iter().map(|&y| f64::from(y).powi(2)).collect();
        prop_assert!(same(squares.total(), oracle(&expected)));
    }
}

#[test]
fn rows_of_every_length_about_a_block() {
    let values: Vec<f64> = (0..2100).map(|i| (f64::from(i) * 0.7).sin() * 1.1_f64.powi(i % 90)).collect();
    for len in (0..40).chain(120..136).chain(1015..1035).chain(2040..2060) {
        assert!(same(exact(&values[..len]), oracle(&values[..len])), "length {len}");
    }
}

#[test]
fn ties_round_to_even_and_a_hair_decides() {
    let half = 2_f64.powi(-53);
    assert_eq!(exact(&[1.0, half]), 1.0);
    assert_eq!(exact(&[1.0 + 2.0 * half, half]), 1.0 + 4.0 * half);
    assert_eq!(exact(&[1.0, half, 5e-324]), 1.0 + 2.0 * half);
    assert_eq!(exact(&[-1.0, -half, -5e-324]), -1.0 - 2.0 * half);
    assert_eq!(exact(&[1.0, half, -5e-324]), 1.0);
    // the largest value, with half a unit: overflows; with less: does not
    let half = 2_f64.powi(970);
    assert_eq!(exact(&[f64::MAX, half]), f64::INFINITY);
    assert_eq!(exact(&[f64::MAX, half, -5e-324]), f64::MAX);
    assert_eq!(exact(&[f64::MAX; 5000]), f64::INFINITY);
    assert_eq!(exact(&[[f64::MAX; 2000], [f64::MIN; 2000]].concat()), 0.0);
}

#[test]
fn zero_sums_are_positive_zero() {
    for row in [&[][..], &[-0.0], &[-0.0; 3000], &[1.0, -1.0], &[-5e-324, 5e-324]] {
        assert_eq!(exact(row).to_bits(), 0, "{row:?}");
    }
}
