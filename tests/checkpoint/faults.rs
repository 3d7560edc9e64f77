//! Full disks, and directories that are read-only or gone, are an error on every rank and lose
//! nothing.

use std::fs::{Permissions, create_dir, remove_dir_all, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::{Uid, setfsuid};
use parhelion::Result;
use parhelion::checkpoint::{Checkpoint, Checkpoints};
use parhelion::prelude::*;
use parhelion::testing::on_ranks;

use crate::disk::{Disk, fill_up};
use crate::python::skip;
use crate::support::{assert_contains, files, in_scratch, on_rank_0, refused};

fn field(world: &World, name: &str, cells: usize) -> Result<Field<f64, 1>> {
    let mut field = Grid::builder([cells]).build(world)?.field::<f64>(name);
    field.fill_indexed(|[i]| i as f64);
    Ok(field)
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let disk = match Disk::mount("checkpoint-full-disk", "2m") {
        Ok(disk) => disk,
        Err(reason) => return skip(&format!("no small file system: {reason}")),
    };
    on_ranks([1, 2, 4], |world| fill(world, &disk.0));
}

fn fill(world: &World, directory: &Path) -> Result<()> {
    let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
    let (small, large) = (field(world, "u", 1000)?, field(world, "v", 100_000)?);
    checkpoints.save(Checkpoint::new(1, 0.0).field(&small).field(&large))?;
    let intact = |names: &[&str]| -> Result<()> {
        world.barrier();
        assert_eq!(files(directory), names);
        let saved = Checkpoints::new(world, directory.join("run"))?.restart()?.expect("the first is there");
        assert_eq!((saved.step(), saved.skipped().len()), (1, 0));
        let mut back = field(world, "v", 100_000)?;
        back.fill(0.0);
        saved.restore(&mut back)?;
        assert_eq!(back.fingerprint(), large.fingerprint());
        Ok(())
    };
    // The third of three such fields does not fit.
    let [a, b] = [field(world, "a", 100_000)?, field(world, "b", 100_000)?];
    let message = refused(world, checkpoints.save(Checkpoint::new(2, 0.0).field(&a).field(&b)));
    assert_contains(&message, &["run.00000002.h5", "No space left", "800000 bytes"]);
    intact(&["run.00000001.h5"])?;
    // No byte is left: even an empty file does not fit.
    let filler = directory.join("filler");
    on_rank_0(world, || fill_up(&filler));
    assert_contains(
        &refused(world, checkpoints.save(Checkpoint::new(2, 0.0).field(&small))),
        &["run.00000002.h5"],
    );
    intact(&["filler", "run.00000001.h5"])?;
    on_rank_0(world, || std::fs::remove_file(&filler).unwrap());
    // Now there is space again.
    let path = checkpoints.save(Checkpoint::new(2, 0.0).field(&small))?;
    assert_eq!(files(directory), ["run.00000001.h5", "run.00000002.h5"]);
    on_rank_0(world, || {
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(directory.join("run.00000001.h5")).unwrap();
    });
    Ok(())
}

/// Root ignores permissions, so it becomes an ordinary user for access to files.
fn as_nobody<R>(work: impl FnOnce() -> R) -> R {
    let before = Uid::effective().is_root().then(|| setfsuid(Uid::from_raw(65534)));
    let result = work();
    if let Some(user) = before {
        setfsuid(user);
    }
    result
}

#[test]
fn a_directory_that_may_not_be_written_to_or_read_is_refused() {
    in_scratch([1, 3], |world, directory| {
        let u = field(world, "u", 100)?;
        let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
        let path = checkpoints.save(Checkpoint::new(1, 0.0).field(&u))?;
        on_rank_0(world, || set_permissions(directory, Permissions::from_mode(0o555)).unwrap());
        let written = as_nobody(|| refused(world, checkpoints.save(Checkpoint::new(2, 0.0).field(&u))));
        assert_contains(&written, &["run.00000002.h5", "Permission denied"]);
        on_rank_0(world, || set_permissions(&path, Permissions::from_mode(0o000)).unwrap());
        // It may be intact, so no older one is used instead.
        let read = as_nobody(|| refused(world, checkpoints.restart()));
        assert_contains(&read, &["run.00000001.h5", "Permission denied"]);
        on_rank_0(world, || {
            set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            set_permissions(directory, Permissions::from_mode(0o000)).unwrap();
        });
        let listed = as_nobody(|| refused(world, checkpoints.restart()));
        assert_contains(&listed, &["cannot look for checkpoints", "Permission denied"]);
        on_rank_0(world, || set_permissions(directory, Permissions::from_mode(0o755)).unwrap());
        assert_eq!(files(directory), ["run.00000001.h5"]);
        assert_eq!(checkpoints.restart()?.expect("it is there").step(), 1);
        Ok(())
    });
}

#[test]
fn a_directory_that_is_gone_is_an_error_until_it_is_back() {
    in_scratch([1, 3], |world, directory| {
        let inner = directory.join("inner");
        let u = field(world, "u", 100)?;
        let mut checkpoints = Checkpoints::new(world, inner.join("run"))?;
        let missing = refused(world, checkpoints.restart());
        assert_contains(&missing, &["inner", "No such file"]);
        on_rank_0(world, || create_dir(&inner).unwrap());
        checkpoints.save(Checkpoint::new(1, 0.0).field(&u))?;
        on_rank_0(world, || remove_dir_all(&inner).unwrap());
        let gone = refused(world, checkpoints.save(Checkpoint::new(2, 0.0).field(&u)));
        assert_contains(&gone, &["inner", "No such file"]);
        on_rank_0(world, || create_dir(&inner).unwrap());
        checkpoints.save(Checkpoint::new(3, 0.0).field(&u))?;
        assert_eq!(files(&inner), ["run.00000001.h5"]);
        Ok(())
    });
}
