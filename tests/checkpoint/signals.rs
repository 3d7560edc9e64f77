//! Runs that are asked to end stop on all ranks after the same step, with a checkpoint.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use parhelion::checkpoint::{Checkpoint, Checkpoints, StopReason, StopRequest};
use parhelion::testing::RankTest;
use parhelion::{Error, Result, World};
use parhelion_launcher::Vendor;
use signal_hook::consts::{SIGTERM, SIGUSR1};
use signal_hook::low_level::raise;

use crate::support::{DIRECTORY, job, mpirun, stages};

#[test]
fn a_rank_that_the_signal_has_not_reached_joins() {
    stages(&[4, 1, 4], |world, _, stage| {
        let (signal, reason) = [(SIGUSR1, StopReason::User1), (SIGTERM, StopReason::Terminated)][stage % 2];
        let stop = StopRequest::listen(world)?;
        for step in 0..10 {
            if step == 5 && world.rank() + 1 == world.size() {
                raise(signal).map_err(Error::other)?;
            }
            assert_eq!(stop.check(), (step >= 5).then_some(reason), "step {step}");
        }
        Ok(())
    });
}

#[test]
fn the_time_limit_counts_for_all_ranks_at_once() {
    stages(&[1, 3], |world, _, _| {
        // One rank's limit is far away.
        let limit = Duration::from_millis(if world.rank() == 0 { 50 } else { 1_000_000 });
        let begin = Instant::now();
        let stop = StopRequest::listen(world)?.after(limit);
        assert_eq!(stop.check(), None);
        while stop.check().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(begin.elapsed() >= Duration::from_millis(50));
        assert_eq!(stop.check(), Some(StopReason::TimeLimit));
        world.barrier();
        Ok(())
    });
}

#[test]
fn one_request_after_another_and_two_at_once_hear_the_signal() {
    stages(&[1, 2], |world, _, _| {
        drop(StopRequest::listen(world)?);
        let (first, second) = (StopRequest::listen(world)?, StopRequest::listen(world)?);
        raise(SIGUSR1).map_err(Error::other)?;
        assert_eq!([first.check(), second.check()], [Some(StopReason::User1); 2]);
        drop(first);
        raise(SIGTERM).map_err(Error::other)?;
        assert_eq!(second.check(), Some(StopReason::Terminated));
        Ok(())
    });
}

#[test]
fn afterwards_signals_end_the_process_as_usual() {
    let outcome = RankTest::new(1).output(|world| {
        drop(StopRequest::listen(world)?);
        raise(SIGUSR1).map_err(Error::other)?;
        println!("still here");
        Ok(())
    });
    assert!(!outcome.success && !outcome.stdout.contains("still here"), "{outcome}");
}

/// A run that ends only when asked to.
fn run(world: &World, directory: &Path) -> Result<()> {
    let stop = StopRequest::listen(world)?.after(Duration::from_secs(60));
    let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
    for step in 1.. {
        std::thread::sleep(Duration::from_millis(5));
        if world.rank() == 0 && step == 3 {
            std::fs::write(directory.join("ready"), "")?;
        }
        if let Some(reason) = stop.check() {
            checkpoints.save(Checkpoint::new(step, 0.0).scalar("reason", reason.to_string()))?;
            // A late or repeated signal does no harm.
            raise(SIGUSR1).map_err(Error::other)?;
            std::fs::write(directory.join(format!("done{}", world.rank())), step.to_string())?;
            break;
        }
    }
    Ok(())
}

/// Starts the calling test on 3 ranks, sends a signal to `mpirun` once they compute, and waits for
/// its end.
fn signalled(signal: &str, directory: &Path, mpirun_args: &[&str]) -> bool {
    let launch = job(3).env(DIRECTORY, directory).mpirun_args(mpirun_args);
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("exec env {launch}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the shell starts");
    wait(&mut child, |_| directory.join("ready").exists());
    let sent = Command::new("/bin/sh").args(["-c", &format!("kill -s {signal} {}", child.id())]).status();
    assert!(sent.expect("the shell starts").success());
    let mut success = false;
    wait(&mut child, |child| {
        let status = child.try_wait().expect("it was started");
        success = status.is_some_and(|status| status.success());
        status.is_some()
    });
    success
}

fn wait(child: &mut Child, mut done: impl FnMut(&mut Child) -> bool) {
    let begin = Instant::now();
    while !done(child) {
        if begin.elapsed() > Duration::from_secs(90) {
            let _ = child.kill();
            panic!("nothing happens");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// On a rank, runs the body and exits; in the test, returns a directory for the ranks.
fn directory() -> tempfile::TempDir {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let world = World::init().unwrap();
        world.agree(run(&world, &PathBuf::from(directory))).unwrap();
        drop(world);
        std::process::exit(0);
    }
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Checks that all ranks ended after the same step and saved it.
fn check(directory: &Path, signal: &str) {
    let steps = [0, 1, 2].map(|rank| std::fs::read_to_string(directory.join(format!("done{rank}"))).unwrap());
    assert!(steps[0] == steps[1] && steps[1] == steps[2], "{steps:?}");
    let saved = std::fs::read(directory.join("run.00000001.h5")).unwrap();
    let text = String::from_utf8_lossy(&saved);
    assert!(text.contains(&format!("\"step\": {}", steps[0])), "{steps:?}");
    assert!(text.contains(&format!("{signal} received")));
}

#[test]
fn sigusr1_to_mpirun_makes_a_checkpoint_and_ends_the_job_well() {
    let directory = directory();
    assert!(signalled("USR1", directory.path(), &[]));
    check(directory.path(), "SIGUSR1");
}

#[test]
fn sigterm_to_mpirun_makes_a_checkpoint() {
    let directory = directory();
    // Open MPI's mpirun waits this time before it passes the signal on, and again before it kills.
    let patience: &[&str] = match mpirun().vendor() {
        Vendor::OpenMpi => &["--mca", "odls_base_sigkill_timeout", "5"],
        Vendor::Mpich | Vendor::IntelMpi => &[],
    };
    // Launchers differ in whether they call this success.
    signalled("TERM", directory.path(), patience);
    check(directory.path(), "SIGTERM");
}
