//! Single named values in a checkpoint.

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// A single value that a checkpoint keeps beside the fields, to the last bit.
///
/// ```
/// use parhelion::checkpoint::Scalar;
///
/// assert_eq!(f64::try_from(Scalar::from(0.1)), Ok(0.1));
/// assert!(f64::try_from(Scalar::from("fast")).is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// A floating-point number; all its bits are kept, also those of infinities and NaN.
    Real(f64),
    /// A whole number.
    Integer(i64),
    /// A whole number that is not negative.
    Natural(u64),
    /// A text.
    Text(String),
}

/// A scalar as it is written to the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScalarRecord {
    Real(Exact),
    Integer(i64),
    Natural(u64),
    Text(String),
}

impl From<Scalar> for ScalarRecord {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Real(value) => Self::Real(Exact(value)),
            Scalar::Integer(value) => Self::Integer(value),
            Scalar::Natural(value) => Self::Natural(value),
            Scalar::Text(value) => Self::Text(value),
        }
    }
}

impl From<ScalarRecord> for Scalar {
    fn from(kept: ScalarRecord) -> Self {
        match kept {
            ScalarRecord::Real(Exact(value)) => Self::Real(value),
            ScalarRecord::Integer(value) => Self::Integer(value),
            ScalarRecord::Natural(value) => Self::Natural(value),
            ScalarRecord::Text(value) => Self::Text(value),
        }
    }
}

/// Both ways between a type and its variant.
macro_rules! converts {
    ($($type:ty: $variant:ident, $what:literal;)*) => {$(
        impl From<$type> for Scalar {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }

        impl TryFrom<Scalar> for $type {
            type Error = String;

            fn try_from(scalar: Scalar) -> Result<Self, String> {
                match scalar {
                    Scalar::$variant(value) => Ok(value),
                    other => Err(format!("it is {other:?}, which is not {}", $what)),
                }
            }
        }
    )*};
}

converts! {
    f64: Real, "an f64";
    i64: Integer, "an i64";
    u64: Natural, "a u64";
    String: Text, "a text";
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
