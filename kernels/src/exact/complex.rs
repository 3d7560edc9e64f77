//! Exact sums of complex numbers.

use num_complex::Complex;

use super::accumulator::Accumulator;
use super::sum::ExactSum;

/// The exact sums of the real and of the imaginary parts of complex numbers.
#[derive(Clone, Debug)]
pub struct ComplexAccumulator {
    /// The sum of the real parts.
    pub re: Accumulator,
    /// The sum of the imaginary parts.
    pub im: Accumulator,
}

impl ExactSum for ComplexAccumulator {
    type Total = Complex<f64>;
    type Mean = Complex<f64>;
    const WORDS: usize = 2 * Accumulator::WORDS;

    fn new() -> Self {
        Self { re: Accumulator::new(), im: Accumulator::new() }
    }

    fn merge(&mut self, other: &Self) {
        self.re.merge(&other.re);
        self.im.merge(&other.im);
    }

    fn write_words(&self, words: &mut [i64]) {
        let (re, im) = words.split_at_mut(Accumulator::WORDS);
        self.re.write_words(re);
        self.im.write_words(im);
    }

    fn from_words(words: &[i64]) -> Self {
        assert_eq!(words.len(), Self::WORDS, "the words are not those of a sum of complex numbers");
        let (re, im) = words.split_at(Accumulator::WORDS);
        Self { re: Accumulator::from_words(re), im: Accumulator::from_words(im) }
    }

    fn total(&self) -> Complex<f64> {
        Complex::new(self.re.total(), self.im.total())
    }

    fn mean(&self, count: usize) -> Complex<f64> {
        self.total() / count as f64
    }
}
