//! Outputs that are written while the ranks compute: the same files, and nothing of those given up.

use std::path::Path;

use num_complex::Complex;
use parhelion::{Attribute, Input, Output, Pending, Result, World, WriteOptions};

use crate::array::{Array, FromIndex, Layout};
use crate::support::{assert_contains, cube, files, filled, find, grids, on_ranks_in_scratch, refused};

/// Begins a file with fields of all sorts: narrowed, parts, complex, whole numbers, one in chunks.
fn write<'w>(
    output: Output<'w>,
    u: &Array<f64>,
    c: &Array<Complex<f64>>,
    n: &Array<i16>,
) -> Result<Output<'w>> {
    let new = WriteOptions::new;
    output
        .time(1.5)
        .attribute("title", "both ways")?
        .write(u)?
        .write_with(u, &new().name("single").as_f32())?
        .write_with(c, &new().as_f32().every(2, 2))?
        .write_with(u, &new().name("in chunks").chunks([2, 3, 4]).compressed(1))?
        .write_with(u, &new().name("window").window(0, 2..6).window(1, 1..2).independent())?
        .write_with(n, &new().name("plane").at(0, 3))?
        .write(n)
}

#[test]
fn a_file_written_in_the_background_has_the_bytes_of_an_ordinary_one() {
    on_ranks_in_scratch(|world, directory| {
        let (path, later) = (directory.join("at-once.h5"), directory.join("later.h5"));
        for (turn, ranks) in (world.size()..).zip(grids(world.size(), 3)) {
            let components = 1 + 2 * (turn % 2);
            let layout = Layout { shape: vec![7, 5, 6], ranks, halo: 1, padding: 1, components };
            let mut u = filled::<f64>(world, "u", &layout);
            let mut c = filled::<Complex<f64>>(world, "c", &layout);
            let mut n = filled::<i16>(world, "n", &layout);
            write(Output::create(world, &path)?, &u, &c, &n)?.finish()?;
            let output = write(Output::create(world, &later)?.in_background(), &u, &c, &n)?;
            // the copies count, not what becomes of the fields
            u.fill(|_| -1.0);
            c.fill(|_| Complex::default());
            n.fill(|_| -1);
            let pending = output.finish_later()?;
            world.barrier();
            assert!(!later.exists());
            world.barrier();
            pending.wait()?;
            assert!(std::fs::read(&path)? == std::fs::read(&later)?, "{layout:?}");
            let input = Input::open(world, &later)?;
            assert_eq!(input.time(), Some(1.5));
            let turned = Layout { ranks: layout.ranks.iter().rev().copied().collect(), ..layout };
            let mut back = Array::<f64>::new("u", &turned, world.rank());
            input.read_into("u", &mut back)?;
            back.assert_holds(f64::from_index);
            world.barrier();
            if world.rank() == 0 {
                std::fs::remove_file(&later)?;
            }
            world.barrier();
        }
        Ok(())
    });
}

#[test]
fn several_can_be_pending_and_finish_does_both_in_one() {
    on_ranks_in_scratch(|world, directory| {
        let path = |number: usize| directory.join(format!("{number}.h5"));
        let layout = cube(world);
        let mut u = filled::<f64>(world, "u", &layout);
        let mut pending = Vec::new();
        for number in 0..3 {
            u.fill(|index| (1000 * number + index) as f64);
            let output = Output::create(world, path(number))?.in_background().write(&u)?;
            if number == 1 {
                output.finish()?;
            } else {
                pending.push(output.finish_later()?);
            }
        }
        // in another order than they began
        while let Some(last) = pending.pop() {
            while !last.is_done() {
                std::thread::yield_now();
            }
            last.wait()?;
        }
        for number in 0..3 {
            let mut back = Array::<f64>::new("u", &layout, world.rank());
            Input::open(world, path(number))?.read_into("u", &mut back)?;
            back.assert_holds(|index| (1000 * number + index) as f64);
        }
        Ok(())
    });
}

#[test]
fn what_is_given_up_leaves_nothing_and_the_older_file_as_it_was() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("old.h5");
        let u = filled::<f64>(world, "u", &cube(world));
        Output::create(world, &path)?.write(&u)?.finish()?;
        let before = std::fs::read(&path)?;
        let intact = || -> Result<()> {
            world.barrier();
            assert!(std::fs::read(&path)? == before);
            assert_eq!(files(directory), ["old.h5", "old.xdmf"]);
            world.barrier();
            Ok(())
        };
        drop(begin(world, &path, &u)?);
        intact()?;
        drop(begin(world, &path, &u)?.finish_later()?);
        intact()?;
        let again = refused(world, begin(world, &path, &u)?.write_as("new", &u));
        assert_contains(&again, &["\"new\"", "old.h5", "already holds"]);
        intact()?;
        // the file cannot get its name: the error comes when it is waited for
        let pending = begin(world, &path, &u)?.finish_later()?;
        world.barrier();
        if world.rank() == 0 {
            std::fs::remove_file(&path)?;
            std::fs::create_dir(&path)?;
        }
        world.barrier();
        assert_contains(&refused(world, pending.wait()), &["old.h5", "directory"]);
        world.barrier();
        assert_eq!(files(directory), ["old.h5", "old.xdmf"]);
        world.barrier();
        if world.rank() == 0 {
            std::fs::remove_dir(&path)?;
        }
        world.barrier();
        begin(world, &path, &u)?.finish_later().and_then(Pending::wait)?;
        let kept = find(Input::open(world, &path)?.file_attributes(), "kept");
        assert_eq!(kept, Some(Attribute::from("yes")));
        Ok(())
    });
}

fn begin<'w>(world: &'w World, path: &Path, u: &Array<f64>) -> Result<Output<'w>> {
    Output::create(world, path)?.in_background().attribute("kept", "yes")?.write_as("new", u)
}
