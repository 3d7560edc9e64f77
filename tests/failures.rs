//! A failure of one rank ends the whole job soon, with non-zero status and that rank's message.

use std::process::Command;
use std::time::Duration;

use parhelion::halo::HaloPlan;
use parhelion::halo::HaloTransport;
use parhelion::prelude::*;
use parhelion::testing::{Outcome, RankTest, on_ranks};
use parhelion::{Error, Result};

/// Longest time in which a job must end after one rank failed.
const SOON: Duration = Duration::from_secs(10);

/// A launch whose time limit, which a hanging job would reach, is well after the promised time.
fn job(ranks: usize) -> RankTest {
    RankTest::new(ranks).timeout(Duration::from_secs(30))
}

fn assert_failed_soon(outcome: &Outcome) {
    assert!(!outcome.timed_out, "the job hung:\n{outcome}");
    assert!(!outcome.success, "the job was to fail:\n{outcome}");
    assert!(outcome.elapsed < SOON, "the job took too long to fail:\n{outcome}");
}

/// Checks that rank `rank` printed `texts`, and that the others did not end the job.
fn assert_rank_said(outcome: &Outcome, rank: usize, texts: &[&str]) {
    for (number, output) in outcome.ranks().iter().enumerate() {
        for text in texts {
            assert_eq!(output.stderr.contains(text), number == rank, "'{text}' of rank {number}:\n{outcome}");
        }
    }
}

/// Waits for the other ranks repeatedly, as a solver does.
fn step_forever(world: &World) -> Result<()> {
    let mut u = Grid::builder([64]).periodic([true]).build(world)?.field::<f64>("u");
    loop {
        u.fill(1.0);
        u.exchange()?;
    }
}

#[test]
fn a_panic_while_others_wait_in_a_collective() {
    let outcome = job(3).output(|world| {
        if world.rank() == 1 {
            panic!("the reactor is too hot");
        }
        world.barrier();
        Ok(())
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 1, &["rank 1 of 3 panicked", "the reactor is too hot", "ending all ranks"]);
}

#[test]
fn an_error_in_a_world_of_one_rank_alone() {
    let outcome = job(2).output(|world| {
        if world.rank() == 1 {
            Grid::builder([0, 4]).build(&world.alone())?;
        }
        step_forever(world)
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 1, &["rank 1 of 2 failed", "ending all ranks"]);
}

#[test]
fn a_panic_in_a_worker_thread() {
    let outcome = job(2).threads(Some(2)).output(|world| {
        if world.rank() == 1 {
            world.pool().run(|thread| assert!(thread == 0, "thread {thread} gives up"));
        }
        world.barrier();
        Ok(())
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 1, &["rank 1 of 2 panicked", "thread 1 gives up", "ending all ranks"]);
}

#[test]
fn a_panic_in_a_stencil_while_messages_are_under_way() {
    let outcome = job(4).threads(Some(2)).output(|world| {
        let grid = Grid::builder([32, 32]).periodic([true, true]).procs([2, 2]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_indexed(|[j, i]| (32 * j + i) as f64);
        // One cell in the middle of the block of rank 3 fails in the third step.
        let bad = (u.region_global().start == [16, 16]).then_some(24.0 * 32.0 + 24.0 + 2.0);
        u.advance(
            &stencil::<f64, 2, 1>(|u| {
                assert!(Some(u.center()) != bad, "cell of value {} is bad", u.center());
                u.center() + 1.0
            }),
            1000,
        )
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 3, &["rank 3 of 4 panicked", "cell of value 794 is bad", "ending all ranks"]);
}

#[test]
fn an_error_of_one_rank_while_others_exchange() {
    let outcome = job(4).output(|world| {
        let _grid = Grid::builder([8, 8]).build(world)?;
        if world.rank() == 2 {
            std::fs::read("no/such/folder/input")?;
        }
        step_forever(world)
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 2, &["rank 2 of 4 failed: No such file or directory", "ending all ranks"]);
}

#[test]
fn a_users_error_while_a_field_is_alive() {
    let outcome = job(2).output(|world| {
        let u = Grid::builder([8]).build(world)?.field::<f64>("u");
        if world.rank() == 0 {
            let steps: usize = "many".parse().map_err(Error::other)?;
            assert_eq!(steps, u.components());
        }
        step_forever(world)
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 0, &["rank 0 of 2 failed: invalid digit found in string", "ending all ranks"]);
}

#[test]
fn an_agreed_error_ends_every_rank_by_itself() {
    let outcome = job(4).output(|world| {
        let mine = match world.rank() {
            1 => Err(Error::other("disk on fire")),
            3 => Err(Error::other("tape torn")),
            rank => Ok(rank),
        };
        let error = world.agree(mine).unwrap_err();
        assert!(error.is_other());
        eprintln!("caught: {error}");
        world.barrier(); // Everybody could go on.
        Err(error)
    });
    assert_failed_soon(&outcome);
    for rank in outcome.ranks() {
        assert!(rank.stderr.contains("caught: disk on fire (on rank 1)\n"), "{outcome}");
    }
    assert!(!outcome.stderr.contains("ending all ranks"), "nobody was to abort the job:\n{outcome}");
    assert!(!outcome.stderr.to_lowercase().contains("mpi_abort"), "nobody was to abort the job:\n{outcome}");
}

#[test]
fn handled_errors_end_nothing() {
    on_ranks([1, 3], |world| {
        // Made and dropped by one rank, or by all; agreed on and kept to the end.
        if world.rank() == 0 {
            let error = std::fs::read("no/such/folder/input").map_err(Error::from).unwrap_err();
            assert!(error.to_string().contains("No such file"), "{error}");
        }
        world.barrier();
        let kept = world.agree::<()>(Err(Error::other("known to all"))).unwrap_err();
        assert_eq!(kept.to_string(), "known to all");
        assert_eq!(world.agree(Ok(world.rank()))?, world.rank());
        std::mem::forget(kept); // Still alive when the world ends.
        Ok(())
    });
}

#[test]
fn a_rank_killed_from_outside() {
    let outcome = job(3).output(|world| {
        if world.rank() == 2 {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-9", &me]).status().map_err(Error::other)?;
        }
        world.barrier();
        Ok(())
    });
    assert_failed_soon(&outcome);
    // The launcher reports the cause: "signal 9 (Killed)", "KILLED BY SIGNAL: 9".
    let said = outcome.launcher.to_lowercase();
    assert!(said.contains("signal") && said.contains('9') && said.contains("killed"), "{outcome}");
}

/// The other ranks spin on a counter in memory, not in MPI.
#[test]
fn a_rank_killed_while_others_wait_for_its_shared_memory() {
    let outcome = job(3).output(|world| {
        let mut u = Grid::builder([64]).periodic([true]).build(world)?.field::<f64>("u");
        let mut plan = HaloPlan::builder(u.grid()).field(&u).transport(HaloTransport::Shared).build()?;
        plan.exchange(&mut u)?;
        if world.rank() == 2 {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-9", &me]).status().map_err(Error::other)?;
        }
        plan.exchange(&mut u)
    });
    assert_failed_soon(&outcome);
}

#[test]
fn a_panic_while_others_wait_for_shared_memory() {
    let outcome = job(3).output(|world| {
        let mut u = Grid::builder([64]).periodic([true]).build(world)?.field::<f64>("u");
        let mut plan = HaloPlan::builder(u.grid()).field(&u).transport(HaloTransport::Shared).build()?;
        for step in 0..3 {
            let exchange = plan.start(&mut u)?;
            assert!(step < 2 || world.rank() != 1, "enough of this");
            exchange.finish()?;
        }
        step_forever(world)
    });
    assert_failed_soon(&outcome);
    assert_rank_said(&outcome, 1, &["rank 1 of 3 panicked", "enough of this", "ending all ranks"]);
}

#[test]
fn a_panic_of_a_single_rank() {
    let outcome = job(1).output(|_| panic!("alone"));
    assert_failed_soon(&outcome);
    assert!(outcome.stderr.contains("alone"), "{outcome}");
}
