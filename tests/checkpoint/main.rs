//! Checkpoints on real ranks: runs resume with the same bits on any number of ranks, and no failure
//! of a job or its files loses a complete checkpoint.
#![cfg(feature = "hdf5")]

mod bits;
mod contents;
mod damage;
#[path = "../common/disk.rs"]
mod disk;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod fuzz;
mod kill;
#[path = "../common/python.rs"]
mod python;
#[path = "../common/refused.rs"]
mod refused;
#[path = "../stepping/serial.rs"]
#[allow(dead_code, reason = "only its numbers, rules and walls are needed here")]
mod serial;
mod series;
mod signals;
mod specification;
#[path = "../common/stages.rs"]
mod stages;
mod support;
