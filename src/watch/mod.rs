//! Looking at a run while it goes on: pictures of planes, and values at points over time.
//!
//! Neither gathers a field: a picture collects as many values as it has pixels, and a probe one value for each point. `sample` finds them,
//! `ticks` chooses numbers for scales, `canvas` draws.

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
