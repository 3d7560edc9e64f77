//! Views of a run in progress: pictures of planes, and values at points over time.
//!
//! Neither gathers a field: a picture collects one value for each pixel, a probe one for each
//! point. `sample` finds them, `ticks` chooses numbers for scales, `canvas` draws. The plotting
//! crate `plotters` would not replace the latter two: its bitmaps have text only with a font that
//! the system or the program provides, while this canvas brings a bitmap font.

#[cfg(feature = "pictures")]
mod canvas;
#[cfg(feature = "pictures")]
mod picture;
mod probes;
#[cfg(feature = "pictures")]
mod sample;
#[cfg(feature = "pictures")]
mod ticks;

#[cfg(feature = "pictures")]
pub use picture::{Colors, Picture};
pub use probes::Probes;
