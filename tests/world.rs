//! Start and end of the parallel world: several worlds, MPI initialized by others, threads.

use std::time::Duration;

use mpi::Threading;
use mpi::traits::{Communicator, CommunicatorCollectives};
use parhelion::halo::HaloPlan;
use parhelion::prelude::*;
use parhelion::testing::{Outcome, RankTest, on_ranks};
use parhelion::{Error, Result};

#[track_caller]
fn assert_well(outcome: Outcome) {
    assert!(outcome.success, "{outcome}");
}

#[track_caller]
fn assert_contains(error: &Error, text: &str) {
    assert!(error.to_string().contains(text), "'{text}' is not in: {error}");
}

/// The launcher's number of this rank, for bodies that fail before there is a world.
fn launched_rank() -> usize {
    ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.parse().ok())
        .expect("the launcher numbers the ranks")
}

#[test]
fn worlds_in_one_process_end_in_any_order() {
    on_ranks([1, 3], |world| {
        let second = World::builder().threads(2).init()?;
        let clone = second.clone();
        assert!(clone.same_as(&second) && !second.same_as(world));
        assert_eq!((second.rank(), second.size(), second.threads()), (world.rank(), world.size(), 2));
        let grid = Grid::builder([12]).periodic([true]).build(&second)?;
        let (mut u, mut other) = (grid.field::<f64>("u"), Grid::builder([9]).build(world)?.field::<f32>("v"));
        // Drops every handle except those of the fields.
        drop(second);
        drop(grid);
        drop(clone);
        u.fill_indexed(|[i]| i as f64);
        other.exchange()?;
        u.advance(&star_stencil::<f64, 1, 1>(|u| u.at::<-1>()), 12)?;
        assert_eq!(u.probe([7])?, 7.0);
        drop(u);
        other.exchange()?;
        world.barrier();
        Ok(())
    });
}

#[test]
fn a_field_keeps_mpi_alive_and_mpi_starts_only_once() {
    assert_well(RankTest::new(2).output_bare(|| {
        let mut u = {
            let world = World::init()?;
            Grid::builder([10]).build(&world)?.field::<f64>("u")
        };
        u.exchange()?;
        assert!(!mpi::environment::is_finalized());
        drop(u);
        assert!(mpi::environment::is_finalized());
        let error = World::init().unwrap_err();
        assert!(error.is_parallel());
        assert_contains(&error, "shut down already and cannot be started again");
        Ok(())
    }));
}

#[test]
fn mpi_that_somebody_else_started_is_joined_and_left_running() {
    assert_well(RankTest::new(2).output_bare(|| {
        let (universe, _) = mpi::initialize_with_threading(Threading::Funneled).unwrap();
        for _ in 0..2 {
            let world = World::init()?;
            let mut u = Grid::builder([10]).build(&world)?.field::<f64>("u");
            u.exchange()?;
            drop((u, world));
            assert!(!mpi::environment::is_finalized());
        }
        universe.world().barrier();
        drop(universe);
        assert_contains(&World::init().unwrap_err(), "shut down already");
        Ok(())
    }));
}

#[test]
fn mpi_without_thread_support_is_refused() {
    assert_well(RankTest::new(2).output_bare(|| {
        let universe = mpi::initialize_with_threading(Threading::Single).unwrap().0;
        let provided = mpi::environment::threading_support();
        match World::init() {
            Ok(_) => assert!(provided >= Threading::Funneled),
            Err(error) => {
                assert!(error.is_parallel() && provided < Threading::Funneled);
                assert_contains(&error, "provides thread level Single");
                assert_contains(&error, "whoever started MPI here must ask for it");
            }
        }
        universe.world().barrier();
        Ok(())
    }));
}

#[test]
fn an_exchange_that_never_finished_does_not_keep_mpi_from_ending() {
    let job = RankTest::new(3).timeout(Duration::from_secs(30));
    assert_well(job.output(|world| {
        let mut u = Grid::builder([12]).periodic([true]).build(world)?.field::<f64>("u");
        let mut plan = HaloPlan::builder(u.grid()).field(&u).build()?;
        std::mem::forget(plan.start(&mut u)?);
        Ok(())
    }));
}

#[test]
fn user_messages_never_meet_the_librarys() {
    on_ranks([2, 4], |world| {
        use mpi::traits::{Destination, Source};
        let mut u = Grid::builder([16]).periodic([true]).build(world)?.field::<f64>("u");
        u.fill_indexed(|[i]| i as f64);
        let comm = world.communicator();
        let (next, previous) =
            ((world.rank() + 1) % world.size(), (world.rank() + world.size() - 1) % world.size());
        // A user's message, sent before and received after, with every tag that the library may
        // use.
        let mine = [world.rank() as f64 + 0.5];
        let mut got = [0.0_f64];
        mpi::request::scope(|scope| {
            let sent = comm.process_at_rank(next as i32).immediate_send_with_tag(scope, &mine, 2);
            let exchanged = u.exchange().and_then(|()| u.gather(0));
            comm.process_at_rank(previous as i32).receive_into_with_tag(&mut got, 2);
            sent.wait();
            exchanged
        })?;
        assert_eq!(got, [previous as f64 + 0.5]);
        let before = (u.region_global().start[0] + 15) % 16;
        assert_eq!(u.halo(Face::low(0))?[0], before as f64);
        Ok(())
    });
}

#[test]
fn a_number_of_threads_that_is_none_is_an_error_on_every_rank() {
    assert_well(RankTest::new(2).threads(None).env("PARHELION_THREADS", "two").output_bare(|| {
        let error = World::init().unwrap_err();
        assert!(error.is_parallel());
        assert_contains(&error, "PARHELION_THREADS is 'two'");
        assert_contains(&error, "must be a positive whole number");
        Ok(())
    }));
}

#[test]
fn threads_refused_on_one_rank_are_refused_on_all() {
    assert_well(RankTest::new(3).timeout(Duration::from_secs(30)).output_bare(|| {
        let threads = if launched_rank() == 1 { 0 } else { 1 };
        let error = World::builder().threads(threads).init().unwrap_err();
        assert_contains(&error, "asked to compute with 0 threads");
        Ok(())
    }));
}

#[test]
fn threads_come_from_the_builder_then_the_environment() {
    assert_well(RankTest::new(2).threads(Some(2)).output_bare(|| {
        assert_eq!(World::init()?.threads(), 2);
        Ok(())
    }));
}

#[test]
fn the_builder_beats_the_environment() {
    assert_well(RankTest::new(2).threads(Some(2)).env("PARHELION_REPORT", "1").output_bare(|| {
        // Silent although the environment asks for a report.
        let world = World::builder().threads(3).startup_report(false).init()?;
        assert_eq!(world.threads(), 3);
        let mut u = Grid::builder([64, 64]).build(&world)?.field::<f64>("u");
        u.fill_indexed(|[j, i]| (64 * j + i) as f64);
        assert_eq!(u.probe([63, 63])?, 4095.0);
        Ok(())
    }));
}

#[test]
fn the_report_counts_and_warns_of_more_threads_than_cores() {
    let outcome = RankTest::new(8).threads(Some(2)).env("PARHELION_REPORT", "1").output(|world| {
        let text = world.startup_report();
        assert!(text.contains("8 rank(s) on 1 node(s), 8 on each; 2 thread(s) per rank"), "{text}");
        assert!(text.contains("MPI"), "{text}");
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let warning = format!("WARNING: 16 threads on a node with {cores} core(s)");
        assert_eq!(text.contains(&warning), cores < 16, "{text}");
        Ok(())
    });
    assert!(outcome.success, "{outcome}");
    // Printed at the start, by one rank.
    assert_eq!(outcome.stderr.matches("8 rank(s) on 1 node(s)").count(), 1, "{outcome}");
    assert!(outcome.ranks()[0].stderr.contains("parhelion: 8 rank(s)"), "{outcome}");
}

#[test]
fn the_report_warns_of_threads_that_share_one_core() {
    if !mpi::environment::library_version().unwrap_or_default().contains("Open MPI") {
        return; // Other launchers spell the argument in another way.
    }
    let job = RankTest::new(1).threads(Some(2)).mpirun_args(["--bind-to", "core"]);
    assert_well(job.output(|world| {
        let text = world.startup_report();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        assert_eq!(text.contains("WARNING: 2 threads of a rank share 1 core(s)"), cores == 1, "{text}");
        Ok(())
    }));
}

#[test]
#[cfg(debug_assertions)]
fn different_arguments_to_a_collective_are_an_error_on_every_rank() {
    on_ranks([3], |world| {
        let odd = usize::from(world.rank() == 1);
        let refused = |result: Result<()>, what: &str| assert_contains(&result.unwrap_err(), what);
        let build = |builder: parhelion::grid::GridBuilder<2>| builder.build(world).map(drop);
        let plain = || Grid::builder([12, 12]);
        refused(build(Grid::builder([12, 12 + odd])), "GridBuilder::build");
        refused(build(plain().halo(1 + odd)), "GridBuilder::build");
        refused(build(plain().periodic([odd == 1, false])), "GridBuilder::build");
        refused(build(plain().origin([0.0, odd as f64])), "GridBuilder::build");
        refused(build(plain().procs(if odd == 1 { [1, 3] } else { [3, 1] })), "GridBuilder::build");
        refused(build(if odd == 1 { plain() } else { plain().procs([3, 1]) }), "GridBuilder::build");
        refused(build(plain().reorder(odd == 1)), "GridBuilder::build");
        refused(build(plain().axis_names(["y", if odd == 1 { "t" } else { "x" }])), "GridBuilder::build");

        let grid = plain().halo(2).build(world)?;
        let mut u = grid.field_builder::<f64>("u").components(2).build()?;
        refused(u.exchange_for(Pattern::Star, 1 + odd), "HaloPlanBuilder::build");
        refused(u.probe([odd, 0]).map(drop), "Field::probe");
        refused(u.gather(odd).map(drop), "gather");
        refused(u.component(odd).gather_region(Region::from_shape([1, 1]), 0).map(drop), "gather");
        let one = star_stencil::<f64, 2, 1>(|u| u.center());
        refused(u.advance(&one, 1 + odd), "Field::advance");
        // One rank calls something else.
        let result = if odd == 1 { u.probe([0, 0]).map(drop) } else { u.gather(0).map(drop) };
        refused(result, "ranks disagree in a collective call");
        // The ranks are still synchronized.
        u.exchange()
    });
}
