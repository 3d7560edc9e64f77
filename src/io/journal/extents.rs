//! Sets of byte ranges of a file.

/// Byte ranges of a file, sorted and disjoint: first byte and the one after the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::io) struct Extents(Vec<(u64, u64)>);

impl Extents {
    /// Adds ranges, in any order.
    pub(in crate::io) fn add(&mut self, parts: impl IntoIterator<Item = (u64, u64)>) {
        self.0.extend(parts.into_iter().filter(|(start, end)| start < end));
        self.0.sort_unstable();
        self.0.dedup_by(|next, before| {
            let touch = next.0 <= before.1;
            if touch {
                before.1 = before.1.max(next.1);
            }
            touch
        });
    }

    /// The ranges of the first `length` bytes that are in none of these.
    pub(in crate::io) fn complement(&self, length: u64) -> impl Iterator<Item = (u64, u64)> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|&(_, end)| end));
        let ends = self.0.iter().map(|&(start, _)| start).chain([length]);
        starts.zip(ends).map(move |(start, end)| (start, end.min(length))).filter(|(start, end)| start < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_and_the_rest_is_their_complement() {
        let mut extents = Extents::default();
        extents.add([(10, 20), (40, 50), (5, 5)]);
        extents.add([(20, 30), (0, 2)]);
        assert_eq!(extents.0, [(0, 2), (10, 30), (40, 50)]);
        assert_eq!(extents.complement(60).collect::<Vec<_>>(), [(2, 10), (30, 40), (50, 60)]);
        assert_eq!(extents.complement(45).collect::<Vec<_>>(), [(2, 10), (30, 40)]);
    }
}
