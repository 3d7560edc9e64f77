//! Other events in the life of a series: another program reads or writes it, another job appends,
//! an older file replaces it.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use parhelion::io::{Input, Series};
use parhelion::{Grid, Result, World};

use crate::python;
use crate::stages::stages;
use crate::support::{assert_contains, files, on_ranks_in_scratch, refused};

/// The output of a time, with values that encode it.
fn output(world: &World, series: &mut Series<'_>, time: f64) -> Result<()> {
    let mut u = Grid::builder([6, 5]).build(world)?.field::<f64>("u");
    u.fill_indexed(|[y, x]| 100.0 * time + (5 * y + x) as f64);
    series.at(time)?.write(&u)?.finish()
}

fn times(world: &World, path: &Path) -> Result<Vec<f64>> {
    let series = Series::resume(world, path, f64::INFINITY)?;
    Ok(series.times().to_vec())
}

#[test]
fn who_reads_a_series_does_not_stop_it_but_who_writes_does() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("run.h5");
        let mut series = Series::create(world, &path)?;
        output(world, &mut series, 0.0)?;
        output(world, &mut series, 1.0)?;
        // A reader's lock through HDF5, as in a notebook.
        let reader = File::open(&path)?;
        reader.lock_shared()?;
        output(world, &mut series, 2.0)?;
        let mut series = Series::resume(world, &path, 2.0)?;
        assert_eq!(series.times(), [0.0, 1.0]);
        output(world, &mut series, 2.5)?;
        assert_eq!(Input::open(world, &path)?.shape("u")?, [3, 6, 5]);
        drop(reader);
        world.barrier();
        let writer = (world.rank() == 0).then(|| File::open(&path)).transpose()?;
        writer.iter().try_for_each(File::lock)?;
        let before = std::fs::read(&path)?;
        world.barrier();
        assert_contains(&refused(world, series.at(3.0).map(drop)), &["run.h5", "open for writing"]);
        assert!(std::fs::read(&path)? == before);
        assert_eq!(files(directory), ["run.h5", "run.xdmf"]);
        world.barrier();
        drop(writer);
        output(world, &mut series, 3.0)?;
        assert_eq!(times(world, &path)?, [0.0, 1.0, 2.5, 3.0]);
        Ok(())
    });
}

#[test]
fn a_notebook_keeps_a_series_open_while_the_run_goes_on() {
    let Some(python) = python::with(&["h5py", "numpy", "xarray", "h5netcdf"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("run.h5");
        let mut series = Series::create(world, &path)?;
        output(world, &mut series, 0.0)?;
        output(world, &mut series, 1.0)?;
        std::thread::scope(|scope| {
            let notebook =
                (world.rank() == 0).then(|| scope.spawn(|| python.run("hold_series.py", [directory])));
            let begun = Instant::now();
            while !directory.join("open").exists() {
                assert!(begun.elapsed() < Duration::from_secs(120), "the notebook did not open the series");
                std::thread::sleep(Duration::from_millis(5));
            }
            world.barrier();
            for time in 2..9 {
                output(world, &mut series, f64::from(time))?;
            }
            if world.rank() == 0 {
                std::fs::write(directory.join("more"), "")?;
            }
            notebook.map(|it| it.join().unwrap());
            world.barrier();
            Ok(())
        })
    });
}

#[test]
fn one_job_may_append_at_a_time() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("run.h5");
        let mut series = Series::create(world, &path)?;
        output(world, &mut series, 0.0)?;
        // Separate handles, as in two jobs.
        let mut other = Series::resume(world, &path, f64::INFINITY)?;
        let mut u = Grid::builder([6, 5]).build(world)?.field::<f64>("u");
        u.fill(1.0);
        let snapshot = series.at(1.0)?.write(&u)?;
        assert_contains(&refused(world, other.at(1.0).map(drop)), &["run.h5", "another job is changing it"]);
        let resumed = Series::resume(world, &path, 0.0);
        assert_contains(&refused(world, resumed), &["run.h5", "another job is changing it"]);
        snapshot.finish()?;
        assert_contains(&refused(world, other.at(1.0).map(drop)), &["another program has changed it"]);
        assert_eq!(times(world, &path)?, [0.0, 1.0]);
        Ok(())
    });
}

/// Leaves the journal of an unfinished append, as a killed job does.
fn die_appending(series: &mut Series<'_>, time: f64) -> Result<()> {
    std::mem::forget(series.at(time)?);
    Ok(())
}

#[test]
fn a_journal_is_not_applied_to_a_file_from_a_backup() {
    stages(&[3, 2, 4, 1, 2], |world, directory, stage| {
        let (path, backup) = (directory.join("run.h5"), directory.join("backup"));
        let journal = directory.join(".run.h5.journal");
        let copy = |from: &Path, to: &Path| -> Result<()> {
            world.barrier();
            if world.rank() == 0 {
                std::fs::copy(from, to)?;
            }
            world.barrier();
            Ok(())
        };
        match stage {
            0 => {
                let mut series = Series::create(world, &path)?;
                output(world, &mut series, 0.0)?;
                output(world, &mut series, 1.0)?;
                copy(&path, &backup)?;
                for time in 2..6 {
                    output(world, &mut series, f64::from(time))?;
                }
                die_appending(&mut series, 6.0)
            }
            // In the same directory entry, so that neither inode nor device differ.
            1 => {
                copy(&path, &directory.join("torn"))?;
                copy(&journal, &directory.join("its-journal"))?;
                copy(&backup, &path)?;
                assert!(journal.exists());
                assert_contains(&refused(world, Input::open(world, &path)), &["Series::resume"]);
                let message = refused(world, Series::resume(world, &path, f64::INFINITY));
                assert_contains(
                    &message,
                    &["run.h5", ".run.h5.journal", "another state", "without that file"],
                );
                assert!(std::fs::read(&path)? == std::fs::read(&backup)?);
                Ok(())
            }
            2 => {
                world.barrier();
                if world.rank() == 0 {
                    std::fs::remove_file(&journal)?;
                }
                world.barrier();
                let mut series = Series::resume(world, &path, f64::INFINITY)?;
                assert_eq!(series.times(), [0.0, 1.0]);
                output(world, &mut series, 7.0)
            }
            // Both still belong together after a move.
            3 => {
                copy(&directory.join("torn"), &directory.join("moved.h5"))?;
                copy(&directory.join("its-journal"), &directory.join(".moved.h5.journal"))?;
                let mut series = Series::resume(world, directory.join("moved.h5"), f64::INFINITY)?;
                assert_eq!(series.times(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
                output(world, &mut series, 6.0)
            }
            _ => {
                assert_eq!(times(world, &path)?, [0.0, 1.0, 7.0]);
                assert_eq!(times(world, &directory.join("moved.h5"))?.len(), 7);
                Ok(())
            }
        }
    });
}
