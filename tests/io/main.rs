//! Parallel HDF5 on real ranks: files are read unchanged by any number of ranks and by other tools,
//! and what fails is the same error on every rank and leaves nothing behind.
#![cfg(feature = "hdf5")]

mod array;
mod background;
mod compression;
#[path = "../common/disk.rs"]
mod disk;
#[cfg(target_os = "linux")]
mod durability;
mod fields;
mod foreign;
mod full_disk;
mod guards;
#[cfg(target_os = "linux")]
mod large;
mod layouts;
#[path = "../common/long.rs"]
mod long;
#[cfg(target_os = "linux")]
mod permission;
#[path = "../common/python.rs"]
mod python;
mod refusals;
#[path = "../common/refused.rs"]
mod refused;
mod round_trips;
mod series;
#[path = "../common/stages.rs"]
mod stages;
mod stretched;
mod support;
mod survival;
mod tools;
mod volume;

/// The numbers of ranks of most cases: one, an odd number, and more than some axes have points; the
/// others with `cargo xtask test --long` only.
fn ranks() -> impl Iterator<Item = usize> {
    [1, 3, 8, 2, 4, 6].into_iter().take(if long::long() { 6 } else { 3 })
}
