//! Element kinds as HDF5 types, and which stored types may be read as which kinds.

use hdf5::Datatype;
use serde::{Deserialize, Serialize};

use hdf5::types::{CompoundField, CompoundType, FloatSize, IntSize, TypeDescriptor};

use crate::io::hdf5::ffi;
use parhelion_kernels::ElementKind;

/// The members of a complex number, as h5py and netCDF name them.
pub(crate) const COMPLEX_MEMBERS: [&str; 2] = ["r", "i"];

/// What the values of a dataset are, of whatever byte order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::io) enum FileKind {
    Integer {
        size: usize,
        signed: bool,
    },
    Float {
        size: usize,
    },
    /// Two floating-point members; their size and names.
    Complex {
        size: usize,
        members: [String; 2],
    },
    /// Anything that is not a number, described.
    Other(String),
}

impl FileKind {
    pub(in crate::io) fn of(datatype: &Datatype) -> Self {
        match datatype.to_descriptor() {
            Ok(TypeDescriptor::Integer(size)) => Self::Integer { size: size as usize, signed: true },
            Ok(TypeDescriptor::Unsigned(size)) => Self::Integer { size: size as usize, signed: false },
            // half and quadruple precision have no descriptor, but HDF5 converts them
            _ if ffi::is_float(datatype) => Self::Float { size: datatype.size() },
            Ok(TypeDescriptor::Compound(CompoundType { fields, .. })) => match &fields[..] {
                [CompoundField { name: re, ty: TypeDescriptor::Float(size), .. }, im]
                    if im.ty == TypeDescriptor::Float(*size) =>
                {
                    Self::Complex { size: *size as usize, members: [re.clone(), im.name.clone()] }
                }
                _ => Self::Other("a compound type".into()),
            },
            Ok(other) => Self::Other(format!("the type {other}")),
            Err(_) => Self::Other("an unknown type".into()),
        }
    }

    /// The smallest kind of element that holds every value (long doubles are rounded).
    pub(in crate::io) fn element(&self) -> Option<ElementKind> {
        use ElementKind::*;
        Some(match self {
            Self::Integer { size: 1, signed: true } => I8,
            Self::Integer { size: 2, signed: true } => I16,
            Self::Integer { size: 4, signed: true } => I32,
            Self::Integer { size: 8, signed: true } => I64,
            Self::Integer { size: 1, signed: false } => U8,
            Self::Integer { size: 2, signed: false } => U16,
            Self::Integer { size: 4, signed: false } => U32,
            Self::Integer { size: 8, signed: false } => U64,
            Self::Float { size } if *size <= 4 => F32,
            Self::Float { .. } => F64,
            Self::Complex { size: 4, .. } => ComplexF32,
            Self::Complex { size: 8, .. } => ComplexF64,
            _ => return None,
        })
    }

    /// Why these values cannot be read as elements of this kind; `None` if they can.
    ///
    /// Integers may become wider integers and, rounded if need be, floating-point numbers;
    /// floating-point and complex numbers may change their precision.
    pub(in crate::io) fn refusal(&self, kind: ElementKind) -> Option<String> {
        let stored = self.element().map(|kind| kind.to_string());
        let reason = match (self, NumberFamily::of(kind)) {
            (Self::Other(what), _) => return Some(format!("holds {what}, which is not a number")),
            (Self::Integer { size, signed }, NumberFamily::Integer { size: wanted, signed: sign }) => {
                if (sign == *signed && wanted >= *size) || (sign && wanted > *size) {
                    return None;
                }
                "which may not fit"
            }
            (Self::Integer { .. } | Self::Float { .. }, NumberFamily::Float { .. }) => return None,
            (Self::Complex { .. }, NumberFamily::Complex { .. }) => return None,
            (Self::Float { .. }, NumberFamily::Integer { .. }) => "which would lose their fractions",
            (Self::Complex { .. }, _) => "which would lose their imaginary parts",
            (_, NumberFamily::Complex { .. }) => "which are not complex",
        };
        let stored = stored.unwrap_or_else(|| format!("{self:?}"));
        Some(format!("holds values of type {stored}, {reason} as {kind}; read it into a field of {stored}"))
    }

    /// The HDF5 type of elements in memory, with the members' names of the file if they are
    /// complex.
    pub(in crate::io) fn memory_type(&self, kind: ElementKind) -> hdf5::Result<Datatype> {
        match self {
            Self::Complex { members: [re, im], .. } => datatype(kind, [re, im]),
            _ => datatype(kind, COMPLEX_MEMBERS),
        }
    }
}

/// The HDF5 type of elements of this kind.
pub(crate) fn datatype(kind: ElementKind, complex_members: [&str; 2]) -> hdf5::Result<Datatype> {
    let descriptor = match NumberFamily::of(kind) {
        NumberFamily::Integer { size, signed: true } => TypeDescriptor::Integer(integer(size)),
        NumberFamily::Integer { size, signed: false } => TypeDescriptor::Unsigned(integer(size)),
        NumberFamily::Float { size } => float(size),
        NumberFamily::Complex { size } => {
            let member = |index: usize| CompoundField {
                name: complex_members[index].into(),
                ty: float(size),
                offset: index * size,
                index,
            };
            TypeDescriptor::Compound(CompoundType { fields: vec![member(0), member(1)], size: 2 * size })
        }
    };
    Datatype::from_descriptor(&descriptor)
}

fn integer(size: usize) -> IntSize {
    IntSize::from_int(size).expect("element kinds have integers of 1, 2, 4 and 8 bytes")
}

fn float(size: usize) -> TypeDescriptor {
    TypeDescriptor::Float(FloatSize::from_int(size).expect("element kinds have floats of 4 and 8 bytes"))
}

/// The family an element kind belongs to, with the size of a number or, if complex, of its parts.
pub(in crate::io) enum NumberFamily {
    Integer { size: usize, signed: bool },
    Float { size: usize },
    Complex { size: usize },
}

impl NumberFamily {
    pub(in crate::io) fn of(kind: ElementKind) -> Self {
        use ElementKind::*;
        let size = kind.size();
        match kind {
            I8 | I16 | I32 | I64 => Self::Integer { size, signed: true },
            U8 | U16 | U32 | U64 => Self::Integer { size, signed: false },
            F32 | F64 => Self::Float { size },
            ComplexF32 | ComplexF64 => Self::Complex { size: size / 2 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_way_through_its_hdf5_type() {
        for kind in ElementKind::ALL {
            let datatype = datatype(kind, COMPLEX_MEMBERS).unwrap();
            assert_eq!(datatype.size(), kind.size());
            let stored = FileKind::of(&datatype);
            assert_eq!(stored.element(), Some(kind));
            assert_eq!(stored.refusal(kind), None);
            assert!(stored.memory_type(kind).unwrap() == datatype, "{kind}");
        }
    }

    #[test]
    fn only_conversions_that_keep_the_values_are_allowed() {
        use ElementKind::*;
        let allowed =
            |from, to| FileKind::of(&datatype(from, COMPLEX_MEMBERS).unwrap()).refusal(to).is_none();
        for (from, to) in [(U8, F64), (I16, F32), (U8, I16), (I32, I64), (F64, F32), (ComplexF32, ComplexF64)]
        {
            assert!(allowed(from, to), "{from} to {to}");
        }
        for (from, to) in [(F32, I64), (I64, I32), (U8, I8), (I8, U64), (F64, ComplexF64), (ComplexF32, F32)]
        {
            assert!(!allowed(from, to), "{from} to {to}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_for_every_kind() {
        let text = Datatype::from_descriptor(&TypeDescriptor::FixedAscii(8)).unwrap();
        for kind in ElementKind::ALL {
            let refusal = FileKind::of(&text).refusal(kind).unwrap();
            assert!(refusal.contains("not a number"), "{refusal}");
        }
    }
}
