//! What HDF5 knows of a file: types, attributes, dimension scales, filters, and all unsafe calls of
//! its library.

pub(in crate::io) mod attributes;
pub(in crate::io) mod catalog;
pub(in crate::io) mod compression;
pub(in crate::io) mod ffi;
pub(in crate::io) mod kinds;
pub(in crate::io) mod scales;

/// Version of [the format](crate::guide::file_format) of output files.
pub(in crate::io) const FORMAT: i64 = 1;
