//! Indices of arrays whose number of axes is known only at run time.

/// The index of the element with this number in C order: pairs of axis and index, fastest axis
/// first.
pub(crate) fn unravel(number: usize, shape: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let mut rest = number;
    shape.iter().enumerate().rev().map(move |(axis, &length)| {
        let index = rest % length.max(1);
        rest /= length.max(1);
        (axis, index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_in_c_order() {
        assert_eq!(unravel(17, &[2, 3, 4]).collect::<Vec<_>>(), [(2, 1), (1, 1), (0, 1)]);
        assert_eq!(unravel(0, &[]).count(), 0);
    }
}
