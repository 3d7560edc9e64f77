//! The interface of exact sums.

/// An exact sum that can be merged with others: in memory, or as integers that are added element by
/// element.
///
/// The second way is for sums over processes. Each process writes its [`words`](Self::write_words).
/// The words of up to 2^30 processes are added index by index, in any order, and
/// [`from_words`](Self::from_words) returns the sum of everything that was added to any of them.
///
/// ```
/// use parhelion_kernels::{Accumulator, ExactSum};
///
/// let mut parts = [Accumulator::new(), Accumulator::new()];
/// parts[0].add_row(&[1e300, 0.25]);
/// parts[1].add_row(&[-1e300, 0.5]);
///
/// let words = parts.each_ref().map(ExactSum::words);
/// let added: Vec<i64> = words[0].iter().zip(&words[1]).map(|(a, b)| a + b).collect();
/// assert_eq!(Accumulator::from_words(&added).total(), 0.75);
/// ```
pub trait ExactSum: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// The type of the total.
    type Total: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static;

    /// The type of a mean of such elements: `f64`, or `Complex<f64>`.
    type Mean: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static;

    /// Number of words.
    const WORDS: usize;

    /// The empty sum.
    fn new() -> Self;

    /// Adds everything that was added to `other`.
    fn merge(&mut self, other: &Self);

    /// Writes the sum as integers.
    ///
    /// # Panics
    /// If `words.len() != Self::WORDS`.
    fn write_words(&self, words: &mut [i64]);

    /// The sum as `WORDS` integers.
    fn words(&self) -> Vec<i64> {
        let mut words = vec![0; Self::WORDS];
        self.write_words(&mut words);
        words
    }

    /// The sum with these words, or with these sums of words.
    ///
    /// # Panics
    /// If `words.len() != Self::WORDS`.
    fn from_words(words: &[i64]) -> Self;

    /// The sum, rounded if its type cannot hold it.
    fn total(&self) -> Self::Total;

    /// The total divided by `count`; a rounded total is rounded once more.
    fn mean(&self, count: usize) -> Self::Mean;
}
