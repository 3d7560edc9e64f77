//! Checks the page on the format: a reader in Python, written from the page alone, understands
//! every byte.

use num_complex::Complex;
use parhelion::Result;
use parhelion::checkpoint::{Checkpoint, Checkpoints};
use parhelion::prelude::*;
use parhelion::testing::RankTest;

use crate::python;
use crate::support::DIRECTORY;

fn save(world: &World) -> Result<()> {
    let directory = std::path::PathBuf::from(std::env::var_os(DIRECTORY).expect("set below"));
    let grid =
        Grid::builder([5, 6, 7]).periodic([false, true, false]).extent([1.0, 2.0, 3.0]).build(world)?;
    let mut v =
        grid.field_builder::<f32>("v").components(3).centering(Centering::Node).units("m s-1").build()?;
    for component in 0..3 {
        v.component_mut(component).fill_indexed(|[z, y, x]| (1000 * component + 100 * z + 10 * y + x) as f32);
    }
    v.set_time(0.25, 0.5);
    let line = Grid::builder([300_000]).build(world)?;
    let mut n = line.field::<i64>("n");
    n.fill_indexed(|[i]| i as i64 - 7);
    let mut c = line.field::<Complex<f64>>("c");
    c.fill_indexed(|[i]| Complex::new(i as f64, -0.5));
    let checkpoint =
        Checkpoint::new(42, 0.1).field(&v).field(&n).field(&c).scalar("dt", 0.1).scalar("k", 7_u64);
    Checkpoints::new(world, directory.join("run"))?.save(checkpoint.metadata(&[1.5, 2.5])?)?;
    Ok(())
}

#[test]
fn a_reader_written_from_the_specification_understands_every_byte() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    RankTest::new(1).env(DIRECTORY, directory.path()).on([(3, 1)], save);
    let Some(python) = python::with(&["h5py", "numpy"]) else { return };
    let report = python.run("check_checkpoint.py", [directory.path().join("run.00000001.h5")]);
    assert!(report.contains("all 3 fields, 9 blocks and every other byte are as specified"), "{report}");
}
