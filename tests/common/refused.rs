//! Errors that are the same on all ranks, and lists of files.

use std::path::Path;

use mpi::traits::CommunicatorCollectives;
use parhelion::{Result, World};

/// Returns the message of an error, after checking that every rank has the same one.
pub(crate) fn refused<T>(world: &World, result: Result<T>) -> String {
    let message = result.err().expect("this must be refused").to_string();
    let mut bytes = vec![0_u8; 8192];
    bytes[..message.len()].copy_from_slice(message.as_bytes());
    let mut all = vec![0_u8; bytes.len() * world.size()];
    world.communicator().all_gather_into(&bytes[..], &mut all[..]);
    assert!(all.chunks(bytes.len()).all(|other| other == bytes), "ranks differ about: {message}");
    if world.rank() == 0 {
        println!("  {message}");
    }
    message
}

pub(crate) fn assert_contains(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

/// The sorted names of all files in a directory.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
