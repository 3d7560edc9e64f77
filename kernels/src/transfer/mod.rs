//! Copies of boxes of cells: into byte buffers, out of them, and within an array.

mod copies;
mod job;
mod packing;

pub use copies::{Copies, CopyList};
pub use packing::{BoxCopy, Packing};
