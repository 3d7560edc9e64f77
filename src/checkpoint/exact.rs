//! Floating-point numbers that keep their bits in JSON, infinities and NaN included.

use serde::{Deserialize, Serialize};

/// A number with its bits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(into = "ExactForm", try_from = "ExactForm")]
pub(super) struct Exact(pub(super) f64);

/// In JSON: the value for people (null if it is not finite), the bits for programs.
#[derive(Serialize, Deserialize)]
struct ExactForm {
    #[serde(default)]
    value: Option<f64>,
    bits: String,
}

impl From<Exact> for ExactForm {
    fn from(Exact(value): Exact) -> Self {
        Self { value: value.is_finite().then_some(value), bits: format!("{:016x}", value.to_bits()) }
    }
}

impl TryFrom<ExactForm> for Exact {
    type Error = std::num::ParseIntError;

    fn try_from(form: ExactForm) -> Result<Self, Self::Error> {
        u64::from_str_radix(&form.bits, 16).map(|bits| Self(f64::from_bits(bits)))
    }
}

/// The same bits.
impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bits_survive() {
        let odd_nan = f64::from_bits(0x7ff8_dead_beef_0001);
        for value in [0.1, -0.0, f64::INFINITY, f64::NEG_INFINITY, odd_nan, f64::MIN_POSITIVE / 3.0, 1e300] {
            let text = serde_json::to_string(&Exact(value)).unwrap();
            assert_eq!(serde_json::from_str::<Exact>(&text).unwrap(), Exact(value), "{text}");
        }
        assert_eq!(serde_json::to_string(&Exact(0.5)).unwrap(), r#"{"value":0.5,"bits":"3fe0000000000000"}"#);
        assert!(serde_json::from_str::<Exact>(r#"{"value":0.5,"bits":"half"}"#).is_err());
    }
}
