//! A minimal binary form for what rank 0 tells the others.

/// Appends numbers and texts to bytes.
#[derive(Debug, Default)]
pub(super) struct Encoder(pub(super) Vec<u8>);

impl Encoder {
    pub(super) fn number(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn text(&mut self, value: &str) {
        self.number(value.len() as u64);
        self.0.extend(value.as_bytes());
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        items.iter().for_each(|value| item(self, value));
    }
}

/// Takes them out again, in the same order.
///
/// The bytes come from the same program on another rank, so a mismatch is a bug and panics.
#[derive(Debug)]
pub(super) struct Decoder<'a>(pub(super) &'a [u8]);

impl Decoder<'_> {
    pub(super) fn number(&mut self) -> u64 {
        let (number, rest) = self.0.split_first_chunk().expect("message of another rank is complete");
        self.0 = rest;
        u64::from_le_bytes(*number)
    }

    pub(super) fn text(&mut self) -> String {
        let length = self.number() as usize;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.number()).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut encoder = Encoder::default();
        encoder.text("naïve");
        encoder.list(&[1, u64::MAX], |e, &n| e.number(n));
        encoder.text("");
        let mut decoder = Decoder(&encoder.0);
        assert_eq!(decoder.text(), "naïve");
        assert_eq!(decoder.list(Decoder::number), [1, u64::MAX]);
        assert_eq!(decoder.text(), "");
        assert!(decoder.0.is_empty());
    }
}
