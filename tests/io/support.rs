//! Helpers of the tests.

use std::path::Path;

use mpi::traits::{Communicator, Root};
use parhelion::io::Attribute;
use parhelion::testing::on_ranks;
use parhelion::{Result, World};

use crate::array::{Array, FromIndex, Layout};
use crate::ranks;
pub(crate) use crate::refused::{assert_contains, files, refused};

/// Runs `body` on each number of [`ranks`], with an empty directory that the ranks share.
pub(crate) fn on_ranks_in_scratch(body: impl FnOnce(&World, &Path) -> Result<()>) {
    on_ranks(ranks(), |world| scratch(world, |directory| body(world, directory)));
}

/// Runs `body` with an empty directory that the ranks share.
pub(crate) fn scratch(world: &World, body: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let owner = (world.rank() == 0).then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let mut path: Vec<u8> = owner.iter().flat_map(|it| it.path().to_str().unwrap().bytes()).collect();
    let root = world.communicator().process_at_rank(0);
    let mut length = path.len() as u64;
    root.broadcast_into(&mut length);
    path.resize(length as usize, 0);
    root.broadcast_into(&mut path[..]);
    let path = String::from_utf8(path).unwrap();
    // The directory exists until all ranks are done with it.
    world.agree(body(path.as_ref()))
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
    array.fill_with(T::from_index);
    array
}

pub(crate) fn find(list: &[(String, Attribute)], name: &str) -> Option<Attribute> {
    list.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}
