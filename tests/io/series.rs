//! Series are read as they were appended, a restart leaves no duplicates, and no complete output is
//! lost.

use std::path::Path;
use std::time::Duration;

use parhelion::io::{Input, ReadOptions, Series, WriteOptions};
use parhelion::testing::RankTest;
use parhelion::{Centering, Field, Grid, Result, World};

use crate::array::{Array, Layout};
use crate::python;
use crate::stages::stages;
use crate::support::{assert_contains, cube, files, filled, on_ranks_in_scratch, refused};

/// The value at an index, at a time.
fn value(index: usize, time: f64) -> f64 {
    1000.0 * time + index as f64
}

fn array(world: &World, name: &str, layout: &Layout, time: f64) -> Array<f64> {
    let mut u = Array::new(name, layout, world.rank());
    u.fill_with(|index| value(index, time));
    u
}

/// Three components, on a grid of ranks that differs from that of [`cube`].
fn vectors(world: &World) -> Layout {
    Layout { shape: vec![6, 3, 4], ranks: vec![1, 1, world.size()], halo: 1, padding: 2, components: 3 }
}

/// An output of a vector, compressed, and of single-precision values.
fn output(world: &World, series: &mut Series<'_>, time: f64) -> Result<()> {
    let v = array(world, "v", &vectors(world), time);
    // Axes of another shape need other names, which a window gives them.
    let u = array(world, "u", &cube(world), time);
    let part = WriteOptions::new().as_f32().window(0, 1..4).window(1, 0..4).window(2, 1..6);
    series
        .at(time)?
        .write_with(&v, &WriteOptions::new().chunks([4, 3, 2]).compressed(1))?
        .write_with(&u, &part)?
        .finish()
}

/// Compares the outputs of a file with the expected ones.
fn check_one_file(world: &World, path: &Path, times: &[f64]) -> Result<()> {
    let input = Input::open(world, path)?;
    assert_eq!(input.shape("v")?, [times.len(), 6, 3, 4, 3]);
    let line = Layout { shape: vec![times.len()], ranks: vec![1], halo: 0, padding: 0, components: 1 };
    let mut found = Array::<f64>::new("time", &line, 0);
    input.read_into("time", &mut found)?;
    found.assert_holds(|index| times[index]);
    for (index, &time) in times.iter().enumerate() {
        let now = ReadOptions::new().at(0, index);
        let mut v = Array::<f64>::new("v", &Layout { halo: 2, ..vectors(world) }, world.rank());
        input.read_with("v", &mut v, &now)?;
        v.assert_holds(|index| value(index, time));
        let part = Layout { shape: vec![3, 4, 5], ..cube(world) };
        let mut u = Array::<f32>::new("u", &part, world.rank());
        input.read_with("u", &mut u, &now)?;
        u.assert_holds(|index| {
            let [z, y, x] = [index / 20 + 1, index / 5 % 4, index % 5 + 1];
            value((z * 5 + y) * 6 + x, time) as f32
        });
    }
    Ok(())
}

#[test]
fn every_time_of_a_file_is_read_on_any_number_of_ranks() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("run.h5");
        let mut series = Series::create(world, &path)?.time_units("s").attribute("case", 7)?;
        for time in [0.0, 0.5, 1.5] {
            output(world, &mut series, time)?;
            assert_eq!(series.times().last(), Some(&time));
        }
        check_one_file(world, &path, &[0.0, 0.5, 1.5])?;
        assert_eq!(files(directory), ["run.h5", "run.xdmf"]);
        world.barrier();
        // A new series replaces the old one with its first output, not before.
        let mut other = Series::create(world, &path)?;
        drop(other.at(9.0)?);
        check_one_file(world, &path, &[0.0, 0.5, 1.5])?;
        output(world, &mut other, 9.0)?;
        check_one_file(world, &path, &[9.0])
    });
}

#[test]
fn a_restart_replaces_what_is_at_its_time_or_later() {
    stages(&[4, 6, 1, 8, 3], |world, directory, turn| {
        let [one, many] = ["run.h5", "each-*.h5"].map(|name| directory.join(name));
        // each job resumes from the last but one output of the job before: times 0 1 2 | 1 2 3 | 2
        // 3 4 …
        let start = turn as f64;
        for path in [&one, &many] {
            let mut series = Series::resume(world, path, start)?;
            assert_eq!(series.times(), (0..turn).map(|n| n as f64).collect::<Vec<_>>());
            for step in 0..3 {
                output(world, &mut series, start + f64::from(step))?;
            }
        }
        let times: Vec<f64> = (0..turn + 3).map(|n| n as f64).collect();
        check_one_file(world, &one, &times)?;
        let mut expected: Vec<String> = (0..turn + 3)
            .flat_map(|n| [format!("each-{n:06}.h5"), format!("each-{n:06}.xdmf")])
            .chain(["each.xdmf", "run.h5", "run.xdmf"].map(String::from))
            .collect();
        expected.sort();
        assert_eq!(files(directory), expected);
        for (number, &time) in times.iter().enumerate() {
            let input = Input::open(world, directory.join(format!("each-{number:06}.h5")))?;
            assert_eq!(input.time(), Some(time));
            let mut v = Array::<f64>::new("v", &vectors(world), world.rank());
            input.read_into("v", &mut v)?;
            v.assert_holds(|index| value(index, time));
        }
        // Nothing is left when everything will be written again.
        let mut series = Series::resume(world, &one, -1.0)?;
        assert!(series.times().is_empty());
        output(world, &mut series, 7.0)?;
        check_one_file(world, &one, &[7.0])?;
        let mut series = Series::resume(world, &one, 0.0)?;
        for &time in &times {
            output(world, &mut series, time)?;
        }
        check_one_file(world, &one, &times)
    });
}

#[test]
fn an_output_that_fails_leaves_the_file_as_it_was() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("run.h5");
        let mut series = Series::create(world, &path)?;
        output(world, &mut series, 0.0)?;
        output(world, &mut series, 1.0)?;
        let before = std::fs::read(&path)?;
        world.barrier();
        let intact = || -> Result<()> {
            world.barrier();
            assert!(std::fs::read(&path)? == before, "the file has changed");
            assert_eq!(files(directory), ["run.h5", "run.xdmf"]);
            world.barrier();
            Ok(())
        };
        let v = array(world, "v", &vectors(world), 2.0);
        drop(series.at(2.0)?.write(&v)?);
        intact()?;
        assert_contains(&refused(world, series.at(2.0)?.write(&v)?.finish()), &["run.h5", "\"u\""]);
        intact()?;
        assert_contains(&refused(world, series.at(2.0)?.write(&v)?.write(&v)), &["already holds"]);
        let other = filled::<f64>(world, "w", &cube(world));
        assert_contains(&refused(world, series.at(2.0)?.write(&other)), &["\"w\"", "\"u\", \"v\""]);
        let longer = array(world, "v", &Layout { shape: vec![6, 3, 5], ..vectors(world) }, 2.0);
        assert_contains(&refused(world, series.at(2.0)?.write(&longer)), &["[6, 3, 4, 3]", "[6, 3, 5, 3]"]);
        let integers = filled::<i32>(world, "v", &vectors(world));
        assert_contains(&refused(world, series.at(2.0)?.write(&integers)), &["type", "Integer"]);
        let alone = series.at(2.0)?.write_with(&v, &WriteOptions::new().independent());
        assert_contains(&refused(world, alone), &["all ranks at once"]);
        assert_contains(&refused(world, series.at(1.0)), &["1.0", "cannot come after"]);
        assert_contains(&refused(world, series.at(f64::NAN)), &["NaN"]);
        intact()?;
        output(world, &mut series, 2.0)?;
        check_one_file(world, &path, &[0.0, 1.0, 2.0])?;
        let plain = directory.join("plain.h5");
        parhelion::io::Output::create(world, &plain)?.write(&other)?.finish()?;
        let message = refused(world, Series::resume(world, &plain, 1.0));
        assert_contains(&message, &["plain.h5", "no series", "\"time\""]);
        assert_contains(&refused(world, Series::create(world, directory.join("*-*.h5"))), &["one *"]);
        Ok(())
    });
}

/// Tells the ranks the number of the launch.
const ATTEMPT: &str = "PARHELION_TEST_ATTEMPT";
/// Number of launches that are killed.
const DEATHS: usize = 8;

/// Repairs the series, checks that all finished outputs exist, and appends until killed.
fn append_until_killed(world: &World, directory: &Path) -> Result<()> {
    let attempt: usize = std::env::var(ATTEMPT).unwrap().parse().unwrap();
    let (path, log) = (directory.join("run.h5"), directory.join("log"));
    let (finished, torn) = (std::fs::read_to_string(&log), directory.join(".run.h5.journal").exists());
    world.barrier();
    if torn {
        assert_contains(&refused(world, Input::open(world, &path)), &["run.h5", "Series::resume"]);
    }
    let mut series = Series::resume(world, &path, f64::INFINITY)?;
    let count = series.times().len();
    let times: Vec<f64> = (0..count).map(|n| n as f64).collect();
    assert_eq!(series.times(), times);
    let finished = finished.unwrap_or_default().lines().count();
    // The last one may have been completed before it was recorded.
    assert!(
        count == finished || count == finished + 1,
        "{finished} outputs were finished, {count} are there"
    );
    if count > 0 {
        check_one_file(world, &path, &times)?;
    }
    if world.rank() == 0 {
        println!("attempt {attempt}: {count} outputs, torn: {torn}");
        std::fs::write(&log, times.iter().map(|time| format!("{time}\n")).collect::<String>())?;
    }
    world.barrier();
    if attempt == DEATHS {
        return Ok(());
    }
    if world.rank() == attempt % world.size() {
        // Spread irregularly over a few outputs.
        let delay = Duration::from_millis(20 + (attempt as u64 * 7919) % 311);
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            let pid = std::process::id().to_string();
            std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        });
    }
    loop {
        let time = series.times().len() as f64;
        output(world, &mut series, time)?;
        if world.rank() == 0 {
            use std::io::Write;
            writeln!(std::fs::OpenOptions::new().append(true).open(&log)?, "{time}")?;
        }
    }
}

#[test]
fn no_finished_output_is_lost_when_a_rank_is_killed() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io-series-killed");
    if std::env::var_os(ATTEMPT).is_none() {
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
    }
    for attempt in 0..=DEATHS {
        let directory = directory.clone();
        let job = RankTest::new(3).timeout(Duration::from_secs(60)).env(ATTEMPT, attempt.to_string());
        // A launch belongs to the test that its thread is named after, and a thread launches once.
        let name = std::thread::current().name().unwrap().to_owned();
        let launch = move || job.output(|world| append_until_killed(world, &directory));
        let outcome = std::thread::Builder::new().name(name).spawn(launch).unwrap().join().unwrap();
        assert!(!outcome.timed_out, "attempt {attempt} hung:\n{outcome}");
        assert_eq!(outcome.success, attempt == DEATHS, "attempt {attempt}:\n{outcome}");
        let said = outcome.ranks().iter().any(|rank| rank.stderr.contains("panicked"));
        assert!(!said, "attempt {attempt}:\n{outcome}");
    }
}

#[test]
fn an_output_of_another_region_is_refused_and_leaves_the_series_as_it_was() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("planes.h5");
        let mut u = Grid::builder([4, 5, 9]).build(world)?.field::<f64>("u");
        u.fill_indexed(|index| index[2] as f64);
        let plane = |index| WriteOptions::new().at(2, index);
        let mut series = Series::create(world, &path)?;
        series.at(0.0)?.write_with(&u, &plane(1))?.finish()?;
        let message = refused(world, series.at(1.0)?.write_with(&u, &plane(6)).map(drop));
        assert_contains(&message, &["\"u\"", "it lies at \"x_at6\"", "where earlier outputs did not"]);
        series.at(1.0)?.write_with(&u, &plane(1))?.finish()?;
        // The same shape at another position.
        let grid = Grid::builder([4, 5, 9]).origin([0.0, 1.0, 0.0]).build(world)?;
        let mut moved = grid.field::<f64>("u");
        moved.fill(0.0);
        let mut series = Series::resume(world, &path, 2.0)?;
        let message = refused(world, series.at(2.0)?.write_with(&moved, &plane(1)).map(drop));
        assert_contains(&message, &["it lies at \"y\" from 1.5 on"]);
        assert_eq!(Input::open(world, &path)?.shape("u")?, [2, 4, 5, 1]);
        Ok(())
    });
}

#[test]
fn other_tools_see_named_times_coordinates_and_values() {
    let Some(python) = python::with(&["h5py", "numpy", "xarray", "h5netcdf", "netCDF4"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        gallery(world, directory)?;
        if world.rank() == 0 {
            python.run("check_series.py", [directory]);
        }
        Ok(())
    });
}

#[test]
fn pyvista_plays_series_in_one_file_and_in_many() {
    let Some(python) = python::with(&["h5py", "numpy", "pyvista"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        gallery(world, directory)?;
        if world.rank() == 0 {
            python.run("check_series_pyvista.py", [directory]);
        }
        Ok(())
    });
}

/// One series in a file and one in numbered files: a cell-centered scalar, a vector and a staggered
/// field.
fn gallery(world: &World, directory: &Path) -> Result<()> {
    let grid = Grid::builder([4, 5, 6]).extent([2.0, 5.0, 1.5]).origin([10.0, 0.0, -1.0]);
    let grid = grid.axis_units(["m", "m", "km"]).build(world)?;
    let number = |[z, y, x]: [usize; 3]| ((z * 5 + y) * 6 + x) as f64;
    let mut u = grid.field_builder::<f64>("temperature").units("K").build()?;
    let mut v = grid.field_builder::<f64>("velocity").components(3).build()?;
    let mut w = grid.field_builder::<f32>("flux").centering(Centering::Face(0)).build()?;
    let fill = |u: &mut Field<f64, 3>, v: &mut Field<f64, 3>, w: &mut Field<f32, 3>, time: f64| {
        u.fill_indexed(|index| value(number(index) as usize, time));
        w.fill_indexed(|index| value(number(index) as usize, time) as f32);
        for component in 0..3 {
            v.component_mut(component)
                .fill_indexed(|index| value(3 * number(index) as usize + component, time));
        }
    };
    for name in ["one.h5", "many-*.h5"] {
        let mut series =
            Series::create(world, directory.join(name))?.time_units("s").attribute("title", "test")?;
        for time in [0.0, 0.25, 1.0] {
            fill(&mut u, &mut v, &mut w, time);
            let compressed = WriteOptions::new().compressed(4).attribute("long_name", "air temperature");
            series.at(time)?.write_with(&u, &compressed)?.write(&v)?.write(&w)?.finish()?;
        }
    }
    Ok(())
}

#[test]
fn an_output_counts_though_its_side_file_fails() {
    on_ranks_in_scratch(|world, directory| {
        let blocked = |name: &str| -> Result<()> {
            if world.rank() == 0 {
                std::fs::create_dir(directory.join(name))?;
            }
            world.barrier();
            Ok(())
        };
        for name in ["one.xdmf", "many.xdmf", "many-000001.xdmf"] {
            blocked(name)?;
        }
        let one = directory.join("one.h5");
        let mut series = Series::create(world, &one)?;
        for time in [0.0, 1.0] {
            let message = refused(world, output(world, &mut series, time));
            assert_contains(&message, &["one.h5", "one.xdmf", "is complete, but not the side file"]);
            assert_eq!(series.times().last(), Some(&time));
        }
        check_one_file(world, &one, &[0.0, 1.0])?;
        let mut series = Series::create(world, directory.join("many-*.h5"))?;
        for (number, side_file) in ["many.xdmf", "many-000001.xdmf", "many.xdmf"].into_iter().enumerate() {
            let message = refused(world, output(world, &mut series, number as f64));
            assert_contains(&message, &["is complete, but not", side_file]);
            assert_eq!(series.times().len(), number + 1);
        }
        for number in 0..3 {
            let input = Input::open(world, directory.join(format!("many-00000{number}.h5")))?;
            assert_eq!(input.time(), Some(f64::from(number)));
        }
        // A separate output.
        blocked("out.xdmf")?;
        let u = filled::<f64>(world, "u", &cube(world));
        let message = refused(
            world,
            parhelion::io::Output::create(world, directory.join("out.h5"))?.write(&u)?.finish(),
        );
        assert_contains(&message, &["out.h5 is complete, but not its side file", "out.xdmf"]);
        assert_eq!(Input::open(world, directory.join("out.h5"))?.shape("u")?, [4, 5, 6]);
        Ok(())
    });
}

#[test]
fn a_field_that_knows_its_time_gives_it_to_the_output() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("heat-*.h5");
        let mut u = Grid::builder([6, 4, 5]).build(world)?.field::<f64>("u");
        let mut series = Series::create(world, &path)?;
        let error = series.at_time_of(&u).unwrap_err().to_string();
        assert_contains(&error, &["heat-*.h5", "\"u\" has no time", "set_time", "Series::at"]);
        for step in 0..2 {
            u.set_time(f64::from(step), 0.5);
            series.at_time_of(&u)?.write(&u)?.finish()?;
        }
        assert_eq!(series.times(), [0.0, 1.0]);
        assert_eq!(Input::open(world, directory.join("heat-000001.h5"))?.time(), Some(1.0));
        Ok(())
    });
}
