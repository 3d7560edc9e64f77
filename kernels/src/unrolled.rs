//! Loops that are certain to be straight-line code.

/// `unrolled!(k in 0..END <= MOST, { body })` is `for k in 0..END { body }` for a constant `END`, with the
/// first `MOST` turns (4 or 8) written out.
///
/// The compiler unrolls a loop only where it expects to gain by it. Where it does not, the offsets of
/// neighbors are computed and checked at run time, and the loop over the cells around it is scalar:
/// up to 100 times slower.
macro_rules! unrolled {
    ($index:ident in 0..$end:ident <= 4, $body:block) => {
        unrolled!(@ $index $end $body 0 1 2 3)
    };
    ($index:ident in 0..$end:ident <= 8, $body:block) => {
        unrolled!(@ $index $end $body 0 1 2 3 4 5 6 7)
    };
    (@ $index:ident $end:ident $body:block $($number:literal)*) => {
        $(
            if const { $number < $end } {
                let $index: usize = $number;
                $body
            }
        )*
        if const { [$($number),*].len() < $end } {
            for $index in [$($number),*].len()..$end $body
        }
    };
}
pub(crate) use unrolled;
