//! Files that may not survive a crash are not complete: directories that cannot be synced.

use std::path::{Path, PathBuf};
use std::process::Command;

use parhelion::checkpoint::{Checkpoint, Checkpoints};
use parhelion::io::{Output, Series};
use parhelion::testing::RankTest;
use parhelion::{Grid, Result, World};

use crate::python::skip;
use crate::support::{assert_contains, files, refused, scratch};

/// Syncing a directory with an entry `no-sync` fails.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int file) {
    if (faccessat(file, "no-sync", F_OK, 0) == 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_fsync, file);
}
"#;

fn shim() -> std::result::Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, library) = (directory.join("no-sync.c"), directory.join("no-sync.so"));
    std::fs::write(&source, SHIM).map_err(|error| error.to_string())?;
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output();
    let output = compiled.map_err(|error| format!("cc: {error}"))?;
    if output.status.success() { Ok(library) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

#[test]
fn a_directory_that_cannot_be_brought_to_disk_is_an_error() {
    let preloaded = std::env::var_os("LD_PRELOAD");
    let library = match preloaded.map_or_else(shim, |library| Ok(library.into())) {
        Ok(library) => library,
        Err(reason) => return skip(&format!("no compiler for a disk that fails: {reason}")),
    };
    let test = RankTest::new(1).env("LD_PRELOAD", library);
    test.on([1, 2, 3].map(|ranks| (ranks, 1)), |world| scratch(world, |directory| check(world, directory)));
}

fn check(world: &World, directory: &Path) -> Result<()> {
    let flag = directory.join("no-sync");
    let fail = |fails: bool| -> Result<()> {
        world.barrier();
        if world.rank() == 0 {
            if fails { std::fs::write(&flag, "")? } else { std::fs::remove_file(&flag)? }
        }
        world.barrier();
        Ok(())
    };
    let said = ["Input/output error", "may not survive a crash"];
    let mut u = Grid::builder([6, 5]).build(world)?.field::<f64>("u");
    u.fill(1.0);
    let mut series = Series::create(world, directory.join("run.h5"))?;
    for time in [0.0, 1.0] {
        series.at(time)?.write(&u)?.finish()?;
    }
    let mut checkpoints = Checkpoints::new(world, directory.join("saved"))?.keep(1);
    checkpoints.save(Checkpoint::new(1, 0.0).field(&u))?;
    let before = std::fs::read(directory.join("run.h5"))?;
    let unchanged = || std::fs::read(directory.join("run.h5")).is_ok_and(|now| now == before);

    fail(true)?;
    let output = Output::create(world, directory.join("out.h5"))?.write(&u)?.finish();
    assert_contains(&refused(world, output), &[&said[..], &["out.h5"]].concat());
    assert_contains(&refused(world, series.at(2.0).map(drop)), &said);
    assert!(unchanged() && !directory.join(".run.h5.journal").exists());
    let saved = checkpoints.save(Checkpoint::new(2, 0.0).field(&u));
    assert_contains(&refused(world, saved), &said);
    // The older file, which is known to be on disk, stays.
    assert!(directory.join("saved.00000001.h5").exists());
    fail(false)?;

    // At the end of an append: it is not complete.
    let snapshot = series.at(2.0)?.write(&u)?;
    fail(true)?;
    assert_contains(&refused(world, snapshot.finish()), &said);
    assert!(unchanged());
    fail(false)?;
    assert_eq!(series.times(), [0.0, 1.0]);
    series.at(2.0)?.write(&u)?.finish()?;
    checkpoints.save(Checkpoint::new(2, 0.0).field(&u))?;
    assert!(!files(directory).iter().any(|name| name.contains("journal") || name.contains("partial")));
    assert_eq!(Series::resume(world, directory.join("run.h5"), f64::INFINITY)?.times(), [0.0, 1.0, 2.0]);
    Ok(())
}
