//! The scalar types that a grid cell can hold.

use std::fmt;

use bytemuck::Pod;
use num_complex::Complex;
use num_traits::{Num, NumAssign};

mod sealed {
    /// Closes [`super::Element`]: kernels, messages and files rely on the exact list of types.
    pub trait Sealed {}
}

/// The type of an [`Element`] as a value, for messages and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant names the Rust type it stands for")]
pub enum ElementKind {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    ComplexF32,
    ComplexF64,
}

impl ElementKind {
    /// Every kind, in declaration order.
    pub const ALL: [ElementKind; 12] = [
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::F32,
        Self::F64,
        Self::ComplexF32,
        Self::ComplexF64,
    ];

    /// Size of one value in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::ComplexF32 => 8,
            Self::ComplexF64 => 16,
        }
    }

    /// The Rust name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::ComplexF32 => "Complex<f32>",
            Self::ComplexF64 => "Complex<f64>",
        }
    }
}

impl fmt::Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar that a grid cell can hold: an integer of 8 to 64 bits, `f32`, `f64`, `Complex<f32>` or
/// `Complex<f64>`.
///
/// Every element is plain old data ([`bytemuck::Pod`]), so messages and files carry it as bytes.
/// The trait is sealed. A struct is not an element; store one array for each of its members:
///
/// ```compile_fail,E0277
/// #[derive(Clone, Copy, Debug, Default)]
/// struct Particle { mass: f64, charge: f64 }
///
/// fn store<T: parhelion_kernels::Element>(_: T) {}
/// store(Particle { mass: 1.0, charge: 0.0 });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a grid cell",
    label = "not an element type",
    note = "elements are i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Complex<f32> and Complex<f64>",
    note = "store a struct as one field or component for each of its members, and a bool as u8"
)]
pub trait Element:
    sealed::Sealed + Pod + Num + NumAssign + Copy + Default + fmt::Debug + Send + Sync + 'static
{
    /// This type as a value.
    const KIND: ElementKind;

    /// A quiet NaN for floating-point types, `None` for integers. Debug builds write it where no
    /// value may be read.
    const POISON: Option<Self>;

    /// The mirror image of `self` about `wall`: `2·wall − self`. Integers wrap.
    fn mirrored_about(self, wall: Self) -> Self;

    /// `self + slope·distance`. `None` for integers, which have no fractional slopes.
    fn extrapolated(self, slope: Self, distance: f64) -> Option<Self>;
}

macro_rules! integers {
    ($($t:ty => $kind:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const KIND: ElementKind = ElementKind::$kind;
            const POISON: Option<Self> = None;
            fn mirrored_about(self, wall: Self) -> Self {
                wall.wrapping_add(wall).wrapping_sub(self)
            }
            fn extrapolated(self, _: Self, _: f64) -> Option<Self> {
                None
            }
        }
    )*};
}
integers!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64);

macro_rules! floats {
    ($($t:ident => $kind:ident, $complex:ident);*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const KIND: ElementKind = ElementKind::$kind;
            const POISON: Option<Self> = Some($t::NAN);
            fn mirrored_about(self, wall: Self) -> Self {
                wall + wall - self
            }
            fn extrapolated(self, slope: Self, distance: f64) -> Option<Self> {
                Some(self + slope * distance as $t)
            }
        }
        impl sealed::Sealed for Complex<$t> {}
        impl Element for Complex<$t> {
            const KIND: ElementKind = ElementKind::$complex;
            const POISON: Option<Self> = Some(Complex::new($t::NAN, $t::NAN));
            fn mirrored_about(self, wall: Self) -> Self {
                wall + wall - self
            }
            fn extrapolated(self, slope: Self, distance: f64) -> Option<Self> {
                Some(self + slope * distance as $t)
            }
        }
    )*};
}
floats!(f32 => F32, ComplexF32; f64 => F64, ComplexF64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirror_images_of_integers_wrap_instead_of_panicking() {
        assert_eq!(7_u8.mirrored_about(0), 249);
        assert_eq!(3_i32.mirrored_about(5), 7);
    }

    #[test]
    fn kinds_know_the_size_of_their_type() {
        fn check<T: Element>() {
            assert_eq!(T::KIND.size(), size_of::<T>(), "{}", T::KIND);
        }
        check::<i8>();
        check::<u16>();
        check::<i32>();
        check::<u64>();
        check::<f32>();
        check::<f64>();
        check::<Complex<f32>>();
        check::<Complex<f64>>();
    }
}
