//! Boxes of indices: which elements of an array are meant, and where they lie in memory and in a
//! file.
//!
//! Arithmetic only: nothing here communicates, and nothing opens a file.

pub(in crate::io) mod chunking;
pub(in crate::io) mod file_box;
pub(in crate::io) mod index;
pub(in crate::io) mod pieces;
pub(in crate::io) mod placement;
pub(in crate::io) mod portion;
pub(in crate::io) mod selection;
pub(in crate::io) mod stored;
