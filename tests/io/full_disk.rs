//! A disk of 1 MiB: a file that fits is written, another leaves no trace.

use std::path::Path;

use parhelion::io::{Output, Series};
use parhelion::testing::on_ranks;
use parhelion::{Result, World};

use crate::array::Layout;
use crate::disk::{Disk, fill_up};
use crate::python::skip;
use crate::ranks;
use crate::support::{assert_contains, cube, files, filled, refused};

#[test]
fn a_full_disk_is_an_error_and_leaves_no_trace() {
    let disk = match Disk::mount("io-full-disk", "1m") {
        Ok(disk) => disk,
        Err(reason) => return skip(&format!("no small file system: {reason}")),
    };
    on_ranks(ranks(), |world| fill(world, &disk.0));
}

fn fill(world: &World, directory: &Path) -> Result<()> {
    let path = directory.join("full.h5");
    let small = filled::<f64>(world, "u", &cube(world));
    Output::create(world, &path)?.write(&small)?.finish()?;
    let before = std::fs::read(&path)?;
    // Two fields of nine tenths of the disk: the second does not fit.
    let half = filled::<f64>(world, "half", &Layout { shape: vec![50, 40, 50], ..cube(world) });
    let output = Output::create(world, &path)?.write(&half)?;
    assert_contains(&refused(world, output.write_as("more", &half)), &["full.h5", "No space left"]);
    let large = filled::<f64>(world, "large", &Layout { shape: vec![200, 100, 100], ..cube(world) });
    let message = refused(world, Output::create(world, &path)?.write(&large));
    assert_contains(&message, &["\"large\"", "full.h5", "No space left", "16000000 bytes"]);
    let later = |name| Output::create(world, &path)?.in_background().write_as(name, &half);
    let message = refused(world, later("half").and_then(|output| output.write_as("more", &half)));
    assert_contains(&message, &["\"more\"", "full.h5", "No space left"]);
    // The pending file has its space reserved, so the other one finds none.
    let pending = later("half")?.finish_later()?;
    assert_contains(&refused(world, later("more")), &["\"more\"", "full.h5", "No space left"]);
    drop(pending);
    world.barrier();
    assert!(std::fs::read(&path)? == before);
    assert_eq!(files(directory), ["full.h5", "full.xdmf"]);
    world.barrier();
    // No byte is left: even an empty file does not fit.
    let filler = directory.join("filler");
    if world.rank() == 0 {
        fill_up(&filler);
    }
    world.barrier();
    let result =
        Output::create(world, &path).and_then(|output| output.write(&small)).and_then(Output::finish);
    assert_contains(&refused(world, result), &["full.h5"]);
    world.barrier();
    assert!(std::fs::read(&path)? == before);
    assert_eq!(files(directory), ["filler", "full.h5", "full.xdmf"]);
    world.barrier();
    if world.rank() == 0 {
        std::fs::remove_file(filler)?;
    }
    world.barrier();
    fill_by_series(world, directory)
}

/// A series grows until the disk is full, and keeps its outputs.
fn fill_by_series(world: &World, directory: &Path) -> Result<()> {
    let path = directory.join("series.h5");
    let third = filled::<f64>(world, "u", &Layout { shape: vec![40, 40, 25], ..cube(world) });
    let mut series = Series::create(world, &path)?;
    let mut output = |time: f64| series.at(time)?.write(&third)?.finish();
    output(0.0)?;
    output(1.0)?;
    let before = std::fs::read(&path)?;
    world.barrier();
    assert_contains(&refused(world, output(2.0)), &["series.h5", "No space left"]);
    world.barrier();
    assert!(std::fs::read(&path)? == before);
    assert_eq!(files(directory), ["full.h5", "full.xdmf", "series.h5", "series.xdmf"]);
    world.barrier();
    if world.rank() == 0 {
        std::fs::remove_file(&path)?;
        std::fs::remove_file(path.with_extension("xdmf"))?;
    }
    Ok(())
}
