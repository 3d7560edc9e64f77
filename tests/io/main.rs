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
mod support;
mod survival;
mod tools;
mod volume;

/// Every case runs on these numbers of ranks.
const RANKS: [usize; 6] = [1, 2, 3, 4, 6, 8];
