//! A failed write leaves nothing, and the previous file untouched.

use parhelion::Result;
use parhelion::io::{Input, Output};

use crate::array::Layout;
use crate::support::{assert_contains, cube, files, filled, on_ranks_in_scratch, refused};

#[test]
fn an_older_file_survives_until_a_newer_one_is_complete() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("old.h5");
        let u = filled::<f64>(world, "u", &cube(world));
        Output::create(world, &path)?.write(&u)?.finish()?;
        let before = std::fs::read(&path)?;
        let begin = || Output::create(world, &path)?.write_as("new", &u);
        let intact = || -> Result<()> {
            world.barrier();
            assert!(std::fs::read(&path)? == before);
            assert_eq!(files(directory), ["old.h5", "old.xdmf"]);
            world.barrier();
            Ok(())
        };
        drop(begin()?);
        intact()?;
        let again = refused(world, begin()?.write_as("new", &u));
        assert_contains(&again, &["\"new\"", "old.h5", "already holds"]);
        intact()?;
        assert_contains(&refused(world, begin()?.write_as("a/b", &u)), &["a/b", "without"]);
        assert_contains(&refused(world, begin()?.write_as("x", &u)), &["\"x\"", "both"]);
        let longer = filled::<f64>(world, "w", &Layout { shape: vec![4, 5, 7], ..cube(world) });
        assert_contains(&refused(world, begin()?.write(&longer)), &["axis \"x\"", "other coordinates"]);
        let mut torn = filled::<f64>(world, "torn", &cube(world));
        // The last rank always owns something.
        if world.rank() + 1 == world.size() {
            torn.parts[0].truncate(1);
        }
        assert_contains(&refused(world, begin()?.write(&torn)), &["shorter"]);
        if world.size() > 1 {
            let name = format!("of-{}", world.rank());
            assert_contains(&refused(world, begin()?.write_as(&name, &u)), &["not the same on all"]);
        }
        intact()?;
        begin()?.finish()?;
        assert_eq!(Input::open(world, &path)?.datasets().next(), Some("new"));
        Ok(())
    });
}
