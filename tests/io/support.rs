//! What the cases share.

use std::path::Path;

use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use parhelion::testing::on_ranks;
use parhelion::{Attribute, Result, World};

use crate::RANKS;
use crate::array::{Array, FromIndex, Layout};

/// Runs `body` on each number of ranks in [`RANKS`], with an empty directory that the ranks share.
pub(crate) fn on_ranks_in_scratch(body: impl FnOnce(&World, &Path) -> Result<()>) {
    on_ranks(RANKS, |world| {
        let owner = (world.rank() == 0).then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        let mut path: Vec<u8> = owner.iter().flat_map(|it| it.path().to_str().unwrap().bytes()).collect();
        let root = world.communicator().process_at_rank(0);
        let mut length = path.len() as u64;
        root.broadcast_into(&mut length);
        path.resize(length as usize, 0);
        root.broadcast_into(&mut path[..]);
        let path = String::from_utf8(path).unwrap();
        // the directory lasts until all ranks are done with it
        world.agree(body(world, path.as_ref()))
    });
}

/// Grids of ranks to try: everything on one axis, a compact grid, and one rank left empty.
pub(crate) fn grids(ranks: usize, axes: usize) -> Vec<Vec<usize>> {
    let mut grids = Vec::new();
    for axis in 0..axes {
        let mut grid = vec![1; axes];
        grid[axis] = ranks;
        grids.push(grid);
    }
    if axes > 1 && ranks.is_multiple_of(2) {
        let mut grid = vec![1; axes];
        (grid[axes - 2], grid[axes - 1]) = (2, ranks / 2);
        grids.push(grid);
    }
    if ranks > 1 {
        let mut grid = vec![1; axes];
        grid[0] = ranks - 1;
        grids.push(grid);
    }
    grids
}

/// 4 × 5 × 6 values; on more than 5 ranks, some own nothing.
pub(crate) fn cube(world: &World) -> Layout {
    Layout { shape: vec![4, 5, 6], ranks: vec![1, world.size(), 1], halo: 1, padding: 0, components: 1 }
}

pub(crate) fn filled<T: FromIndex>(world: &World, name: &str, layout: &Layout) -> Array<T> {
    let mut array = Array::new(name, layout, world.rank());
    array.fill(T::from_index);
    array
}

/// The message of an error, after making sure that every rank has the same one.
pub(crate) fn refused<T>(world: &World, result: Result<T>) -> String {
    let message = result.err().expect("this must be refused").to_string();
    let mut bytes = [0_u8; 4096];
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

pub(crate) fn find(list: &[(String, Attribute)], name: &str) -> Option<Attribute> {
    list.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}
