//! Missing permission to read files or write to directories, on all ranks or on one.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use nix::unistd::{Uid, setfsuid};
use parhelion::io::{Input, Output};
use parhelion::{Result, World};

use crate::array::Array;
use crate::support::{assert_contains, cube, files, filled, on_ranks_in_scratch, refused};

/// Root ignores permissions, so it becomes an ordinary user for access to files.
fn as_nobody<R>(here: bool, work: impl FnOnce() -> R) -> R {
    let before = (here && Uid::effective().is_root()).then(|| setfsuid(Uid::from_raw(65534)));
    let result = work();
    if let Some(user) = before {
        setfsuid(user);
    }
    result
}

/// Rank 0 sets the permission bits; afterwards all ranks see them.
fn permit(world: &World, path: &std::path::Path, bits: u32) -> Result<()> {
    world.barrier();
    if world.rank() == 0 {
        set_permissions(path, Permissions::from_mode(bits))?;
    }
    world.barrier();
    Ok(())
}

#[test]
fn what_nobody_may_read_or_write_is_refused() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("private.h5");
        let u = filled::<f64>(world, "u", &cube(world));
        Output::create(world, &path)?.write(&u)?.finish()?;
        permit(world, directory, 0o555)?;
        permit(world, &path, 0o000)?;
        let (read, written) = as_nobody(true, || {
            let read = refused(world, Input::open(world, &path));
            (read, refused(world, Output::create(world, &path)))
        });
        assert_contains(&read, &["cannot read", "private.h5", "Permission denied"]);
        assert_contains(&written, &["cannot create", "private.h5", "Permission denied"]);
        permit(world, directory, 0o755)?;
        assert_eq!(files(directory), ["private.h5", "private.xdmf"]);
        Ok(())
    });
}

/// As on a cluster whose nodes see the file differently: the others must not wait.
#[test]
fn what_one_rank_may_not_read_or_write_is_refused_on_all() {
    on_ranks_in_scratch(|world, directory| {
        // Only root can play both roles.
        let last = world.rank() + 1 == world.size();
        if world.size() == 1 || !Uid::effective().is_root() {
            return Ok(());
        }
        let path = directory.join("private.h5");
        let u = filled::<f64>(world, "u", &cube(world));
        Output::create(world, &path)?.write(&u)?.finish()?;
        permit(world, directory, 0o755)?;
        permit(world, &path, 0o600)?;
        let mut back = Array::<f64>::new("u", &cube(world), world.rank());
        let read = as_nobody(last, || {
            let input = Input::open(world, &path)?;
            Ok::<_, parhelion::Error>(refused(world, input.read_into("u", &mut back)))
        })?;
        assert_contains(&read, &["private.h5", "Permission denied"]);
        let written = as_nobody(last, || {
            let output = Output::create(world, directory.join("new.h5"))?;
            Ok::<_, parhelion::Error>(refused(world, output.write(&u)))
        })?;
        assert_contains(&written, &["new.h5", "Permission denied"]);
        world.barrier();
        assert_eq!(files(directory), ["private.h5", "private.xdmf"]);
        Ok(())
    });
}
