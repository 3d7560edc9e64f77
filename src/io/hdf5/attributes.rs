//! Attributes: small named values attached to a file or a dataset.

use std::path::Path;

use hdf5::Location;
use hdf5::types::{TypeDescriptor, VarLenAscii, VarLenUnicode};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::io::hdf5::ffi;
use crate::messages::on_root;
use crate::world::World;

/// Attributes of a file that the library writes.
const RESERVED: [&str; 4] = ["Conventions", "parhelion_format", "parhelion_state", "time"];
/// HDF5 keeps at most 64 KiB with everything around them.
const LARGEST_LIST: usize = 64_000;

/// The value of an attribute.
///
/// ```
/// use parhelion::io::Attribute;
///
/// assert_eq!(Attribute::from("K").as_text(), Some("K"));
/// assert_eq!(Attribute::from(3).as_real(), Some(3.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// Integers; one of them is stored as a scalar.
    Integers(Vec<i64>),
    /// Floating-point numbers; one of them is stored as a scalar.
    Reals(Vec<f64>),
}

impl Attribute {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is exactly one; integers are converted.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Self::Reals(values) if values.len() == 1 => Some(values[0]),
            Self::Integers(values) if values.len() == 1 => Some(values[0] as f64),
            _ => None,
        }
    }

    /// Attaches the value to a file or dataset.
    pub(crate) fn write(&self, location: &Location, name: &str) -> hdf5::Result<()> {
        let builder = location.new_attr_builder();
        match self {
            Self::Text(text) => {
                let text: VarLenUnicode = text.parse().map_err(|_| {
                    hdf5::Error::from(format!("the text of attribute {name:?} contains a null character"))
                })?;
                builder.empty::<VarLenUnicode>().create(name)?.write_scalar(&text)
            }
            Self::Integers(values) => match values[..] {
                [value] => builder.empty::<i64>().create(name)?.write_scalar(&value),
                _ => builder.with_data(values).create(name).map(drop),
            },
            Self::Reals(values) => match values[..] {
                [value] => builder.empty::<f64>().create(name)?.write_scalar(&value),
                _ => builder.with_data(values).create(name).map(drop),
            },
        }
    }

    /// The value of an attribute; `None` if it is neither text nor numbers.
    fn read(attribute: &hdf5::Attribute) -> hdf5::Result<Option<Self>> {
        use TypeDescriptor as Type;
        let Ok(descriptor) = attribute.dtype()?.to_descriptor() else { return Ok(None) };
        if attribute.size() == 0 {
            return Ok(None);
        }
        let single = attribute.size() == 1;
        Ok(Some(match descriptor {
            Type::Integer(_) | Type::Unsigned(_) => Self::Integers(attribute.read_raw()?),
            Type::Float(_) => Self::Reals(attribute.read_raw()?),
            Type::FixedAscii(_) | Type::FixedUnicode(_) if single => {
                let bytes = ffi::read_string_attribute(attribute)?;
                let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
                Self::Text(String::from_utf8_lossy(text).into_owned())
            }
            Type::VarLenAscii if single => {
                let text: Vec<VarLenAscii> = attribute.read_raw()?;
                Self::Text(String::from_utf8_lossy(text[0].as_bytes()).into_owned())
            }
            Type::VarLenUnicode if single => {
                let text: Vec<VarLenUnicode> = attribute.read_raw()?;
                Self::Text(String::from_utf8_lossy(text[0].as_bytes()).into_owned())
            }
            _ => return Ok(None),
        }))
    }

    /// All attributes of a file or dataset that are text or numbers, by name.
    pub(in crate::io) fn read_all(location: &Location) -> hdf5::Result<Vec<(String, Self)>> {
        let mut found = Vec::new();
        for name in location.attr_names()? {
            if let Some(value) = Self::read(&location.attr(&name)?)? {
                found.push((name, value));
            }
        }
        Ok(found)
    }
}

/// Refuses what cannot be a further attribute of a file that has some. Rank 0's arguments count.
///
/// Collective.
pub(in crate::io) fn check(
    world: &World,
    file: &Path,
    present: &[(String, Attribute)],
    (name, value): (&str, &Attribute),
) -> Result<()> {
    on_root(world.comm(), || match refusal(present, name, value) {
        None => Ok(()),
        Some(reason) => {
            let message = format!("cannot attach attribute {name:?} to {}: {reason}", file.display());
            Err(Error::new(ErrorKind::Argument, message))
        }
    })
}

fn refusal(present: &[(String, Attribute)], name: &str, value: &Attribute) -> Option<String> {
    let length = match value {
        Attribute::Text(_) => 0,
        Attribute::Integers(values) => size_of_val(&values[..]),
        Attribute::Reals(values) => size_of_val(&values[..]),
    };
    if name.is_empty() || name.contains('\0') {
        Some("its name must have characters, none of them null".into())
    } else if name == "time" {
        Some("the time is stated by Output::time or Series::at".into())
    } else if RESERVED.contains(&name) {
        Some("it is one of the library's own; choose another name".into())
    } else if let Some((_, value)) = present.iter().find(|(known, _)| known == name) {
        Some(format!("it was given before, as {value:?}"))
    } else if value.as_text().is_some_and(|text| text.contains('\0')) {
        Some("its text contains a null character".into())
    } else {
        (length > LARGEST_LIST).then(|| {
            format!("its list has {length} bytes, attributes at most {LARGEST_LIST}; write it as a dataset")
        })
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Attribute {
    fn from(value: i64) -> Self {
        Self::Integers(vec![value])
    }
}

impl From<f64> for Attribute {
    fn from(value: f64) -> Self {
        Self::Reals(vec![value])
    }
}

impl From<Vec<i64>> for Attribute {
    fn from(values: Vec<i64>) -> Self {
        Self::Integers(values)
    }
}

impl From<Vec<f64>> for Attribute {
    fn from(values: Vec<f64>) -> Self {
        Self::Reals(values)
    }
}
