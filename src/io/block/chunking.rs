//! How a dataset is cut into chunks.

/// Most bytes of a chunk that the library chooses: large enough for a disk and for few entries in
/// the index, small enough for readers that want a part of the dataset.
const CHOSEN: usize = 4 << 20;
/// HDF5 counts the bytes of a chunk in 32 bits.
const LARGEST: usize = u32::MAX as usize;

/// The chunk for ranks of which the largest has a box of this shape, cut along its slowest axes: at
/// most [`CHOSEN`] bytes, and if possible one that divides the box.
pub(in crate::io) fn divide(part: &[usize], element: usize) -> Vec<usize> {
    let mut chunk: Vec<usize> = part.iter().map(|&n| n.max(1)).collect();
    let mut bytes = chunk.iter().fold(element, |bytes, &n| bytes.saturating_mul(n));
    for length in &mut chunk {
        if bytes <= CHOSEN {
            break;
        }
        let below = bytes / *length;
        let most = (CHOSEN / below.max(1)).max(1);
        let even = (most.div_ceil(2)..=most).rev().find(|&n| length.is_multiple_of(n));
        *length = even.unwrap_or_else(|| length.div_ceil(length.div_ceil(most)));
        bytes = below.saturating_mul(*length);
    }
    chunk
}

/// Why these chunks cannot be; `None` if they can.
pub(in crate::io) fn refusal(chunks: &[usize], axes: usize, element: usize) -> Option<String> {
    let bytes = chunks.iter().try_fold(element, |bytes, &n| bytes.checked_mul(n));
    if chunks.len() != axes {
        Some(format!("chunks of {chunks:?} have {} axes, the field has {axes}", chunks.len()))
    } else if chunks.contains(&0) {
        Some(format!("chunks of {chunks:?} are empty"))
    } else if bytes.is_none_or(|bytes| bytes > LARGEST) {
        Some(format!(
            "chunks of {chunks:?} elements of {element} bytes exceed the {LARGEST} bytes that HDF5 can count"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_are_divided_evenly_where_a_divisor_is_near() {
        // 16 MiB and 512 KiB for a plane of doubles
        assert_eq!(divide(&[128, 128, 128], 8), [32, 128, 128]);
        assert_eq!(divide(&[8, 64, 64], 8), [8, 64, 64]);
        // 63 rows of 64 KiB: 21 divide, 63 of them are nearly 4 MiB
        assert_eq!(divide(&[126, 128, 64], 8), [63, 128, 64]);
        // the plane is too large itself
        assert_eq!(divide(&[4, 2048, 2048], 8), [1, 256, 2048]);
    }

    proptest! {
        #[test]
        fn chunks_are_within_the_part_and_not_too_large(
            part in prop::collection::vec(0_usize..3000, 1..5),
            element in prop::sample::select(vec![1_usize, 4, 8, 16, 48]),
        ) {
            let chunk = divide(&part, element);
            prop_assert!(chunk.iter().zip(&part).all(|(&c, &n)| c >= 1 && c <= n.max(1)));
            prop_assert!(chunk.iter().product::<usize>() * element <= CHOSEN);
        }
    }
}
