//! Outputs in the background: the same files as otherwise, and nothing left of abandoned ones.

use std::path::Path;

use num_complex::Complex;
use parhelion::io::{Attribute, Input, Output, Pending, Series, WriteOptions};
use parhelion::testing::RankTest;
use parhelion::{Result, World};

use crate::array::{Array, FromIndex, Layout};
use crate::support::{assert_contains, cube, files, filled, find, grids, on_ranks_in_scratch, refused};

/// Begins a file with fields of all kinds: rounded, partial, complex, integer, chunked.
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
            // The copies are written, not later values of the fields.
            u.fill_with(|_| -1.0);
            c.fill_with(|_| Complex::default());
            n.fill_with(|_| -1);
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
            u.fill_with(|index| (1000 * number + index) as f64);
            let output = Output::create(world, path(number))?.in_background().write(&u)?;
            if number == 1 {
                output.finish()?;
            } else {
                pending.push(output.finish_later()?);
            }
        }
        // In another order than they were started.
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
        // The file cannot be renamed: waiting returns the error.
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

#[test]
fn rows_that_ranks_share_arrive_whole_in_either_way() {
    on_ranks_in_scratch(|world, directory| {
        // Rows of 16 KiB, shared by all ranks; pieces are smaller than the part of a rank.
        let n = world.size();
        let layout =
            Layout { shape: vec![21, 40, 2048], ranks: vec![1, 1, n], halo: 1, padding: 3, components: 1 };
        let mut u = filled::<f64>(world, "u", &layout);
        let (now, later) = (directory.join("now.h5"), directory.join("later.h5"));
        Output::create(world, &now)?.write(&u)?.finish()?;
        let output = Output::create(world, &later)?.in_background().write(&u)?;
        u.fill_with(|_| -1.0);
        output.finish_later()?.wait()?;
        assert!(std::fs::read(&now)? == std::fs::read(&later)?);
        for ranks in [vec![n, 1, 1], vec![1, 1, n], vec![1, n, 1]] {
            let mut back =
                Array::<f64>::new("u", &Layout { ranks, padding: 0, ..layout.clone() }, world.rank());
            Input::open(world, &later)?.read_into("u", &mut back)?;
            back.assert_holds(f64::from_index);
        }
        // Values of other types take the same paths.
        let integers = filled::<i32>(world, "n", &layout);
        Output::create(world, &now)?.write(&integers)?.finish()?;
        let mut back = Array::<f64>::new("n", &layout, world.rank());
        Input::open(world, &now)?.read_into("n", &mut back)?;
        back.assert_holds(|index| f64::from(i32::from_index(index)));
        Ok(())
    });
}

#[test]
fn a_series_in_the_background_counts_what_is_on_disk() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("run-*.h5");
        let file = |number: usize| directory.join(format!("run-{number:06}.h5"));
        let layout = cube(world);
        let mut u = filled::<f64>(world, "u", &layout);
        let mut series = Series::create(world, &path)?.in_background();
        for number in 0..3 {
            u.fill_with(|index| (1000 * number + index) as f64);
            series.at(number as f64)?.write(&u)?.finish()?;
            assert_eq!(series.times().len(), number);
        }
        u.fill_with(|_| -1.0);
        // The third file cannot be renamed: the next call returns the error, and the series
        // continues.
        world.barrier();
        if world.rank() == 0 {
            std::fs::create_dir(file(2))?;
        }
        world.barrier();
        assert_contains(&refused(world, series.at(3.0)), &["run-000002.h5", "directory"]);
        world.barrier();
        assert_eq!(files(directory).iter().filter(|name| name.ends_with("partial")).count(), 0);
        world.barrier();
        if world.rank() == 0 {
            std::fs::remove_dir(file(2))?;
        }
        world.barrier();
        assert_eq!(series.times(), [0.0, 1.0]);
        series.at(3.0)?.write(&u)?.finish()?;
        series.wait()?;
        series.wait()?;
        assert_eq!(series.times(), [0.0, 1.0, 3.0]);
        series.at(4.0)?.write(&u)?.finish()?;
        drop(series);
        world.barrier();
        assert_eq!(Series::resume(world, &path, 9.0)?.times(), [0.0, 1.0, 3.0]);
        for number in 0..2 {
            let mut back = Array::<f64>::new("u", &layout, world.rank());
            Input::open(world, file(number))?.read_into("u", &mut back)?;
            back.assert_holds(|index| (1000 * number + index) as f64);
        }
        // In one file nothing changes.
        let path = directory.join("one.h5");
        let mut series = Series::create(world, &path)?.in_background();
        for time in [0.0, 1.0] {
            series.at(time)?.write(&u)?.finish()?;
        }
        assert_eq!(series.times(), [0.0, 1.0]);
        series.wait()
    });
}

/// Tells the ranks the number of the launch.
const ATTEMPT: &str = "PARHELION_TEST_ATTEMPT";
/// Number of launches that are killed.
const DEATHS: usize = 5;

/// Checks the existing outputs, and continues until killed.
fn output_until_killed(world: &World, directory: &Path) -> Result<()> {
    let attempt: usize = std::env::var(ATTEMPT).expect("it is set").parse().expect("a number");
    let (path, log) = (directory.join("run-*.h5"), directory.join("log"));
    let noted: usize = std::fs::read_to_string(&log).map_or(0, |text| text.parse().expect("a number"));
    world.barrier();
    let mut series = Series::resume(world, &path, f64::INFINITY)?.in_background();
    let count = series.times().len();
    assert!(count >= noted, "{noted} outputs were complete, {count} are there");
    let layout = Layout { shape: vec![30, 40, 50], ..cube(world) };
    let mut u = Array::<f64>::new("u", &layout, world.rank());
    for number in count.saturating_sub(3)..count {
        let input = Input::open(world, directory.join(format!("run-{number:06}.h5")))?;
        assert_eq!(input.time(), Some(number as f64));
        input.read_into("u", &mut u)?;
        u.assert_holds(|index| (number + index) as f64);
    }
    if attempt == DEATHS {
        return Ok(());
    }
    if world.rank() == attempt % world.size() {
        // Spread irregularly over a few outputs.
        let delay = std::time::Duration::from_millis(20 + (attempt as u64 * 7919) % 211);
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            let pid = std::process::id().to_string();
            std::process::Command::new("kill").args(["-KILL", &pid]).status().expect("there is kill");
        });
    }
    for number in count.. {
        u.fill_with(|index| (number + index) as f64);
        series.at(number as f64)?.write(&u)?.finish()?;
        if world.rank() == 0 {
            let partial = directory.join("log.partial");
            std::fs::write(&partial, series.times().len().to_string())?;
            std::fs::rename(partial, &log)?;
        }
    }
    Ok(())
}

#[test]
fn no_complete_output_is_lost_when_a_rank_is_killed_while_the_next_is_written() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io-background-killed");
    if std::env::var_os(ATTEMPT).is_none() {
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).expect("the directory can be made");
    }
    for attempt in 0..=DEATHS {
        let directory = directory.clone();
        let job =
            RankTest::new(3).timeout(std::time::Duration::from_secs(60)).env(ATTEMPT, attempt.to_string());
        // A launch belongs to the test that its thread is named after, and a thread launches once.
        let name = std::thread::current().name().expect("tests are named").to_owned();
        let launch = move || job.output(|world| output_until_killed(world, &directory));
        let outcome =
            std::thread::Builder::new().name(name).spawn(launch).expect("a thread").join().expect("no panic");
        assert!(!outcome.timed_out, "attempt {attempt} hung:\n{outcome}");
        assert_eq!(outcome.success, attempt == DEATHS, "attempt {attempt}:\n{outcome}");
        let said = outcome.ranks().iter().any(|rank| rank.stderr.contains("panicked"));
        assert!(!said, "attempt {attempt}:\n{outcome}");
    }
}
