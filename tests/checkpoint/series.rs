//! The set of checkpoints on disk: retention, several runs with one name, fields that cannot be saved.

use parhelion::checkpoint::{Checkpoint, Checkpoints};
use parhelion::prelude::*;

use crate::support::{assert_contains, files, in_scratch, on_rank_0, refused};

#[test]
fn the_newest_are_kept_and_other_runs_are_left_alone() {
    in_scratch([1, 3], |world, directory| {
        let grid = Grid::builder([12, 10]).build(world)?;
        let mut u = grid.field::<f64>("u");
        let path = directory.join("run");
        let mut first = Checkpoints::new(world, &path)?;
        assert!(first.restart()?.is_none());
        for step in 1..=4 {
            u.fill(step as f64);
            let saved = first.save(Checkpoint::new(step, 0.0).field(&u))?;
            assert_eq!(saved, directory.join(format!("run.{step:08}.h5")));
        }
        assert_eq!(files(directory), ["run.00000003.h5", "run.00000004.h5"]);

        // A new run removes only its own checkpoints.
        let mut second = Checkpoints::new(world, &path)?.keep(1);
        for step in 1..=3 {
            second.save(Checkpoint::new(step, 0.0).field(&u))?;
        }
        assert_eq!(files(directory), ["run.00000003.h5", "run.00000004.h5", "run.00000007.h5"]);

        // A resumed run removes the checkpoint that it resumed from.
        let mut third = Checkpoints::new(world, &path)?.keep(2);
        assert_eq!(third.restart()?.expect("there are checkpoints").step(), 3);
        third.save(Checkpoint::new(4, 0.0).field(&u))?;
        third.save(Checkpoint::new(5, 0.0).field(&u))?;
        let left = ["run.00000003.h5", "run.00000004.h5", "run.00000008.h5", "run.00000009.h5"];
        assert_eq!(files(directory), left);
        Ok(())
    });
}

#[test]
fn damaged_ones_do_not_count_as_kept() {
    in_scratch([2], |world, directory| {
        let grid = Grid::builder([12, 10]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill(1.0);
        let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
        checkpoints.save(Checkpoint::new(1, 0.0).field(&u))?;
        let newest = checkpoints.save(Checkpoint::new(2, 0.0).field(&u))?;
        on_rank_0(world, || {
            let mut bytes = std::fs::read(&newest).unwrap();
            let at = bytes.windows(8).rposition(|eight| eight == 1.0_f64.to_le_bytes()).unwrap();
            bytes[at] ^= 1;
            std::fs::write(&newest, bytes).unwrap();
        });
        let mut again = Checkpoints::new(world, directory.join("run"))?.keep(2);
        let saved = again.restart()?.expect("the older one is good");
        assert_eq!((saved.step(), saved.skipped().len()), (1, 1));
        again.save(Checkpoint::new(2, 0.0).field(&u))?;
        assert_eq!(files(directory), ["run.00000001.h5", "run.00000002.h5", "run.00000003.h5"]);
        again.save(Checkpoint::new(3, 0.0).field(&u))?;
        assert_eq!(files(directory), ["run.00000003.h5", "run.00000004.h5"]);
        Ok(())
    });
}

#[test]
fn what_a_killed_job_left_is_removed() {
    in_scratch([1, 2], |world, directory| {
        on_rank_0(world, || {
            std::fs::write(directory.join(".run.00000007.h5.4711-0.partial"), "half").unwrap();
            std::fs::write(directory.join(".other.00000007.h5.4711-0.partial"), "not ours").unwrap();
        });
        let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
        checkpoints.save(Checkpoint::new(1, 0.0))?;
        assert_eq!(files(directory), [".other.00000007.h5.4711-0.partial", "run.00000001.h5"]);
        Ok(())
    });
}

#[test]
fn what_makes_no_sense_is_refused_on_every_rank() {
    in_scratch([1, 3], |world, directory| {
        let grid = Grid::builder([12, 10]).build(world)?;
        let (mut u, v) = (grid.field::<f64>("u"), grid.field::<f64>("a/b"));
        let path = directory.join("run");
        let mut checkpoints = Checkpoints::new(world, &path)?;
        let twice = refused(world, checkpoints.save(Checkpoint::new(1, 0.0).field(&u).field_as("u", &v)));
        assert_contains(&twice, &["two fields called \"u\"", "differently"]);
        let slash = refused(world, checkpoints.save(Checkpoint::new(1, 0.0).field(&v)));
        assert_contains(&slash, &["\"a/b\"", "without"]);
        let huge = vec![0.125_f64; 3 << 20];
        let long = Checkpoint::new(1, 0.0).metadata(&huge)?;
        assert_contains(
            &refused(world, checkpoints.save(long)),
            &["run.00000001.h5", "metadata", "16777216"],
        );
        if world.size() > 1 {
            let mine = Checkpoint::new(world.rank() as u64, 0.0);
            assert_contains(&refused(world, checkpoints.save(mine)), &["not the same on all"]);
            let name = format!("run{}", world.rank());
            assert_contains(&refused(world, Checkpoints::new(world, name)), &["path", "not the same on all"]);
        }
        assert_contains(&refused(world, Checkpoints::new(world, "..")), &["..", "must end in a name"]);
        u.set_time(f64::NAN, f64::INFINITY);
        assert!(files(directory).is_empty());
        // Any times are accepted.
        checkpoints.save(Checkpoint::new(1, f64::NAN).field(&u))?;
        let saved = checkpoints.restart()?.expect("it was saved");
        assert!(saved.time().is_nan());
        Ok(())
    });
}
