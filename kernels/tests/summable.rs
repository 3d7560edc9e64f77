//! Sums, products and norms of every element type, against plain loops over wider types.

use num_complex::Complex;
use parhelion_kernels::{Accumulator, ExactSum, Summable};
use proptest::prelude::*;

/// Sums two rows in pieces: merged in memory, and as added words; both must agree.
fn in_pieces<T: Summable, S: ExactSum>(
    (left, right): (&[T], &[T]),
    cut: usize,
    add: impl Fn(&mut S, &[T], &[T]),
) -> S::Total {
    let (mut merged, mut words) = (S::new(), vec![0; S::WORDS]);
    for (left, right) in left.chunks(cut).zip(right.chunks(cut)) {
        let mut part = S::new();
        add(&mut part, left, right);
        merged.merge(&part);
        words.iter_mut().zip(part.words()).for_each(|(sum, word)| *sum += word);
    }
    assert_eq!(S::from_words(&words).total(), merged.total());
    merged.total()
}

fn check_integers<T: Summable<Sum: ExactSum<Total = i128>> + Into<i128>>(
    pairs: &[(T, T)],
    cut: usize,
) -> Result<(), TestCaseError> {
    let (x, y): (Vec<T>, Vec<T>) = pairs.iter().copied().unzip();
    let rows = (&x[..], &y[..]);
    let sum = in_pieces::<T, T::Sum>(rows, cut, |sum, x, _| T::add_row(sum, x));
    prop_assert_eq!(sum, x.iter().map(|&x| x.into()).sum::<i128>());

    let products =
        pairs.iter().try_fold(0_i128, |sum, &(x, y)| sum.checked_add(x.into().checked_mul(y.into())?));
    if let Some(expected) = products {
        prop_assert_eq!(in_pieces::<T, T::Sum>(rows, cut, T::add_products), expected);
    }

    let magnitudes = in_pieces::<T, Accumulator>(rows, cut, |sum, x, _| T::add_magnitudes(sum, x));
    let squares = in_pieces::<T, Accumulator>(rows, cut, |sum, x, _| T::add_squares(sum, x));
    let doubles = x.iter().map(|&x| x.into() as f64);
    let mut expected = [Accumulator::new(), Accumulator::new()];
    doubles.clone().for_each(|x| {
        expected[0].add(x.abs());
        expected[1].add(x * x);
    });
    prop_assert_eq!([magnitudes, squares], expected.map(|sum| sum.total()));
    if T::KIND.size() <= 4 {
        // all of these fit 53 bits, so that a plain sum is exact
        prop_assert_eq!(magnitudes, doubles.map(f64::abs).sum::<f64>());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn integers_sum_exactly(
        pairs in prop::collection::vec(any::<(u64, u64)>(), 0..2000),
        cut in 1..900_usize,
        extreme in any::<bool>(),
    ) {
        macro_rules! check {
            ($($t:ty),*) => {$(
                let typed: Vec<($t, $t)> = pairs
                    .iter()
                    .map(|&(x, y)| if extreme {
                        (if x % 4 == 0 { <$t>::MAX } else { <$t>::MIN }, <$t>::MAX)
                    } else {
                        (x as $t, y as $t)
                    })
                    .collect();
                check_integers(&typed, cut)?;
            )*};
        }
        check!(i8, i16, i32, i64, u8, u16, u32, u64);
    }

    #[test]
    fn floats_sum_what_the_documentation_says(
        rows in prop::collection::vec((-1e6..1e6_f64, -1.0..1.0_f64), 0..2000),
        cut in 1..900_usize,
    ) {
        // value by value, which is tested against big integers elsewhere
        let sum = |f: &dyn Fn(f64, f64) -> f64| {
            let mut sum = Accumulator::new();
            rows.iter().for_each(|&(x, y)| sum.add(f(x, y)));
            sum.total()
        };
        let (x, y): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
        let doubles = (&x[..], &y[..]);
        prop_assert_eq!(in_pieces::<f64, Accumulator>(doubles, cut, |s, x, _| f64::add_row(s, x)), sum(&|x, _| x));
        prop_assert_eq!(in_pieces::<f64, Accumulator>(doubles, cut, f64::add_products), sum(&|x, y| x * y));
        prop_assert_eq!(in_pieces::<f64, Accumulator>(doubles, cut, |s, x, _| f64::add_magnitudes(s, x)), sum(&|x, _| x.abs()));
        prop_assert_eq!(in_pieces::<f64, Accumulator>(doubles, cut, |s, x, _| f64::add_squares(s, x)), sum(&|x, _| x * x));

        let single = |x: f64| f64::from(x as f32);
        let (a, b): (Vec<f32>, Vec<f32>) = rows.iter().map(|&(x, y)| (x as f32, y as f32)).unzip();
        let singles = (&a[..], &b[..]);
        prop_assert_eq!(in_pieces::<f32, Accumulator>(singles, cut, |s, x, _| f32::add_row(s, x)), sum(&|x, _| single(x)));
        prop_assert_eq!(in_pieces::<f32, Accumulator>(singles, cut, f32::add_products), sum(&|x, y| single(x) * single(y)));
        prop_assert_eq!(in_pieces::<f32, Accumulator>(singles, cut, |s, x, _| f32::add_squares(s, x)), sum(&|x, _| single(x).powi(2)));

        let z: Vec<Complex<f64>> = rows.iter().map(|&(x, y)| Complex::new(x, y)).collect();
        let w: Vec<Complex<f64>> = rows.iter().map(|&(x, y)| Complex::new(y, x - 1.0)).collect();
        type Z = Complex<f64>;
        let complex = (&z[..], &w[..]);
        let total = in_pieces::<Z, <Z as Summable>::Sum>(complex, cut, |s, z, _| Z::add_row(s, z));
        prop_assert_eq!(total, Complex::new(sum(&|x, _| x), sum(&|_, y| y)));
        let dot = in_pieces::<Z, <Z as Summable>::Sum>(complex, cut, Z::add_products);
        let product = |x, y| Complex::new(x, y).conj() * Complex::new(y, x - 1.0);
        prop_assert_eq!(dot, Complex::new(sum(&|x, y| product(x, y).re), sum(&|x, y| product(x, y).im)));
        let squares = in_pieces::<Z, Accumulator>(complex, cut, |s, z, _| Z::add_squares(s, z));
        prop_assert_eq!(squares, sum(&|x, y| Complex::new(x, y).norm_sqr()));
        let magnitudes = in_pieces::<Z, Accumulator>(complex, cut, |s, z, _| Z::add_magnitudes(s, z));
        prop_assert_eq!(magnitudes, sum(&|x, y| Complex::new(x, y).norm_sqr().sqrt()));
    }
}

#[test]
#[should_panic(expected = "exceeds the range of i128")]
fn products_beyond_128_bits_are_refused() {
    let mut sum = <u64 as Summable>::Sum::new();
    u64::add_products(&mut sum, &[u64::MAX; 2], &[u64::MAX; 2]);
}

#[test]
#[should_panic(expected = "same length")]
fn rows_of_different_lengths_are_refused() {
    f64::add_products(&mut Accumulator::new(), &[1.0; 3], &[1.0; 2]);
}
