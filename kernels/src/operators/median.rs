//! The median of a box.

use crate::{Element, Point};

/// Puts two values in order, without a branch.
#[inline(always)]
fn order<T: PartialOrd + Copy>(a: T, b: T) -> (T, T) {
    if b < a { (b, a) } else { (a, b) }
}

/// The median by forgetful selection: of `n` values, neither the smallest nor the largest of any
/// `n/2 + 2` is the median. Those two are dropped, the next value joins the rest, and so on until
/// one is left.
///
/// `median_of!(n/2 + 2 variables; the others)` writes every exchange out, so the values stay in
/// vector registers.
macro_rules! median_of {
    ($low:ident $high:ident $($kept:ident)+; $($others:ident)*) => {{
        let ($low, $high) = order($low, $high);
        $(let ($low, $kept) = order($low, $kept);)+
        let _smallest = $low;
        $(let ($kept, $high) = order($kept, $high);)+
        let _largest = $high;
        median_of!(@next $($kept)+; $($others)*)
    }};
    (@next $median:ident;) => { $median };
    (@next $($kept:ident)+; $next:ident $($others:ident)*) => { median_of!($($kept)+ $next; $($others)*) };
}

#[inline(always)]
fn median_of_3<T: PartialOrd + Copy>([a, b, c]: [T; 3]) -> T {
    median_of!(a b c;)
}

#[inline(always)]
fn median_of_9<T: PartialOrd + Copy>([a, b, c, d, e, f, g, h, i]: [T; 9]) -> T {
    median_of!(a b c d e f; g h i)
}

#[inline(always)]
#[allow(clippy::many_single_char_names, reason = "27 values alike")]
fn median_of_27<T: PartialOrd + Copy>(
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, last]: [T; 27],
) -> T {
    median_of!(a b c d e f g h i j k l m n o; p q r s t u v w x y z last)
}

/// The median of the `3^N` values in the box around a cell, in 1-D to 3-D: removes single outliers
/// and keeps edges.
///
/// Elements may be integers. If there are NaNs among the values, the result is an unspecified one
/// of the values.
///
/// ```
/// use parhelion_kernels::{Region, Stencil, View, ViewMut, operators, stencil};
///
/// let image = [1_u16, 1, 1, 2, 1000, 3, 3, 3, 3];
/// let (seen, pixel) = (Region::new([-1, -1], [2, 2]), Region::from_shape([1, 1]));
/// let mut clean = [0];
/// let median = stencil::<u16, 2, 1>(operators::median());
/// median.apply(pixel, ViewMut::from_slice(&mut clean, pixel), View::from_slice(&image, seen))?;
/// assert_eq!(clean, [3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn median<T: Element + PartialOrd, const N: usize>()
-> impl Fn(Point<'_, T, N, 1>) -> T + Copy + Send + Sync {
    const { assert!(1 <= N && N <= 3, "the median filter is for 1, 2 or 3 axes") };
    #[inline(always)]
    move |u: Point<'_, T, N, 1>| {
        // Value `i` of the box: the digits of `i` to base 3 are its offsets + 1, slowest axis
        // first.
        let value = |i: usize| {
            let digits = [i / 9 % 3, i / 3 % 3, i % 3];
            u.at_offset(std::array::from_fn(|a| digits[3 - N + a] as isize - 1))
        };
        match N {
            1 => median_of_3(std::array::from_fn(value)),
            2 => median_of_9(std::array::from_fn(value)),
            _ => median_of_27(std::array::from_fn(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network that selects the median of all sequences of 0 and 1 does so for all values (the
    /// 0–1 principle: thresholds commute with exchanges).
    #[test]
    fn the_networks_select_the_median_of_all_zeros_and_ones() {
        let bits = |n: u32, i: usize| n >> i & 1;
        for n in 0..1 << 3 {
            assert_eq!(median_of_3(std::array::from_fn(|i| bits(n, i))), u32::from(n.count_ones() > 1));
        }
        for n in 0..1 << 9 {
            assert_eq!(median_of_9(std::array::from_fn(|i| bits(n, i))), u32::from(n.count_ones() > 4));
        }
        // 27 values as bits of 32 sequences at a time would need a network over words; a step that
        // shares no factor with 2^27 visits a tenth of a million sequences evenly.
        for n in (0..1 << 27).step_by(1319) {
            assert_eq!(median_of_27(std::array::from_fn(|i| bits(n, i))), u32::from(n.count_ones() > 13));
        }
    }
}
