//! Transport of halo cells to neighbors on the same node: races, agreement, and lack of memory.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::os::fd::AsRawFd;

use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use parhelion::halo::HaloPlan;
use parhelion::halo::HaloTransport;
use parhelion::prelude::*;
use parhelion::testing::{Outcome, RankTest, on_ranks, on_ranks_and_threads};
use parhelion::{Error, Result};

/// Shared memory on all neighbors, and on pairs of ranks only.
const RANKS_PER_NODE: [usize; 2] = [usize::MAX, 2];

/// The value of a cell after `step` steps: different in each step, and for cells near each other.
fn value([j, i]: [isize; 2], step: usize) -> i64 {
    (step as i64 * 100 + j as i64) * 100 + i as i64
}

/// Checks the whole halo of a doubly periodic field.
fn check(field: &Field<i64, 2>, step: usize) -> Result<()> {
    let (shape, offset, halo) = (field.shape_global(), field.region_global().start, field.grid().halo());
    for ((j, i), &found) in field.whole()?.indexed_iter() {
        let wrap =
            |k: usize, a: usize| (k as isize - halo[a][0] as isize + offset[a]).rem_euclid(shape[a] as isize);
        let index = [wrap(j, 0), wrap(i, 1)];
        assert_eq!(
            found,
            value(index, step),
            "step {step}, cell {index:?} on rank {}",
            field.grid().world().rank()
        );
    }
    Ok(())
}

/// Random numbers that differ between ranks, to delay them unevenly.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Thousands of exchanges, delayed at random. Two plans are under way at once, one with halos on
/// one side only, so that a rank receives nothing from the ranks that it sends to.
fn shake(world: &World, steps: usize) -> Result<()> {
    let grid = |halo| Grid::builder([12, 15]).halo_widths(halo).periodic([true, true]).build(world);
    let (both, one) = (grid([[2, 2]; 2])?, grid([[2, 0], [0, 1]])?);
    for ranks_per_node in RANKS_PER_NODE {
        let (mut u, mut v) = (both.field::<i64>("u"), one.field::<i64>("v"));
        let plan = |grid, field: &Field<i64, 2>| {
            let builder = HaloPlan::builder(grid).field(field).transport(HaloTransport::Shared);
            builder.pretend_ranks_per_node(ranks_per_node).build()
        };
        let (mut plan_u, mut plan_v) = (plan(&both, &u)?, plan(&one, &v)?);
        let mut state = 88_172_645_463_325_252 + world.rank() as u64;
        for step in 0..steps {
            for field in [&mut u, &mut v] {
                field.fill_indexed(|index| value(index.map(|i| i as isize), step));
            }
            match random(&mut state) % 64 {
                0 => std::thread::sleep(std::time::Duration::from_micros(random(&mut state) % 300)),
                1..8 => (0..random(&mut state) % 2000).for_each(|_| std::hint::spin_loop()),
                _ => {}
            }
            let (first, mut second) = (plan_u.start(&mut u)?, plan_v.start(&mut v)?);
            match random(&mut state) % 16 {
                // Leaked on this rank only: the others continue.
                0 => std::mem::forget(second),
                1 => {
                    while !second.progress() {
                        std::thread::yield_now();
                    }
                    second.finish()?;
                    check(&v, step)?;
                }
                _ => {
                    second.finish()?;
                    check(&v, step)?;
                }
            }
            first.finish()?;
            check(&u, step)?;
        }
    }
    Ok(())
}

#[test]
fn thousands_of_exchanges_bring_no_stale_value() {
    on_ranks([2, 3, 4], |world| shake(world, 4000));
}

#[test]
fn many_ranks_on_few_cores_get_on() {
    on_ranks_and_threads([(8, 1), (2, 2)], |world| shake(world, 400));
}

/// Runs `work` while a resource of this process is limited.
fn limited<R>(resource: Resource, limit: u64, work: impl FnOnce() -> R) -> R {
    let (soft, hard) = getrlimit(resource).expect("limits can be read");
    setrlimit(resource, limit, hard).expect("a limit can be lowered");
    let result = work();
    setrlimit(resource, soft, hard).expect("a limit can be raised up to the hard one");
    result
}

#[test]
fn all_ranks_send_messages_where_one_cannot_share_memory() {
    messages_where_one_is_limited(Resource::RLIMIT_NOFILE, || 3, "cannot be shared: Too many open files");
}

#[test]
fn all_ranks_send_messages_where_one_cannot_make_files_so_large() {
    // The system kills a process that exceeds it.
    messages_where_one_is_limited(Resource::RLIMIT_FSIZE, || 100, "cannot be shared: File too large");
}

#[test]
fn all_ranks_send_messages_where_one_cannot_map_that_of_another() {
    // One more descriptor is free, for the memory that the rank shares itself.
    let one_more = || 1 + File::open("/dev/null").expect("it can be read").as_raw_fd() as u64;
    let what = "memory of rank 0 cannot be mapped: Too many open files";
    messages_where_one_is_limited(Resource::RLIMIT_NOFILE, one_more, what);
}

/// Plans exchanges while rank 1 has a limit.
fn messages_where_one_is_limited(resource: Resource, limit: impl Fn() -> u64, what: &str) {
    on_ranks([2, 4], |world| {
        let grid = Grid::builder([12, 15]).halo(2).periodic([true, true]).build(world)?;
        let mut u = grid.field::<i64>("u");
        u.fill_indexed(|index| value(index.map(|i| i as isize), 7));
        u.exchange()?;
        let build = |transport| {
            let plan = || HaloPlan::builder(&grid).field(&u).transport(transport).build();
            if world.rank() == 1 { limited(resource, limit(), plan) } else { plan() }
        };
        let mut plan = build(HaloTransport::Auto)?;
        assert_eq!((plan.bytes_shared(), plan.messages_sent() > 0), (0, true));
        assert!(plan.to_string().contains(what) && plan.to_string().contains("on rank 1"), "{plan}");
        let error = build(HaloTransport::Shared).unwrap_err();
        assert!(error.is_parallel() && error.to_string().contains(what), "{error}");
        u.set_time(0.0, 0.0); // makes the halo stale
        plan.exchange(&mut u)?;
        check(&u, 7)?;
        // Without the limit memory can be shared again.
        let plan = HaloPlan::builder(&grid).field(&u).transport(HaloTransport::Shared).build()?;
        assert_eq!(plan.bytes_shared(), plan.bytes_sent());
        assert!(plan.to_string().contains("bytes through shared memory"), "{plan}");
        Ok(())
    });
}

/// The number of bytes shared by default on 2 ranks, as reported by each.
fn by_default(transport: &str) -> Outcome {
    RankTest::new(2).env("PARHELION_HALO", transport).output(|world| {
        let grid = Grid::builder([8]).periodic([true]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.exchange()?;
        let shared = HaloPlan::builder(&grid).field(&u).build()?.bytes_shared();
        let told =
            HaloPlan::builder(&grid).field(&u).transport(HaloTransport::Shared).build()?.bytes_shared();
        println!("{shared} of {told}");
        Ok(())
    })
}

#[test]
fn the_environment_asks_for_messages() {
    let outcome = by_default("messages");
    assert!(outcome.success, "{outcome}");
    assert!(outcome.ranks().iter().all(|rank| rank.stdout.contains("0 of 128")), "{outcome}");
}

#[test]
fn the_environment_asks_for_shared_memory() {
    let outcome = by_default("shared");
    assert!(outcome.success, "{outcome}");
    assert!(outcome.ranks().iter().all(|rank| rank.stdout.contains("128 of 128")), "{outcome}");
}

#[test]
fn the_environment_asks_for_nonsense() {
    let outcome = by_default("pigeons");
    assert!(!outcome.success && !outcome.timed_out, "{outcome}");
    // All ranks have the error, but the first to exit may end the others before they print it.
    let complaint = "PARHELION_HALO is 'pigeons'; it may be auto, messages or shared";
    assert!(outcome.ranks().iter().any(|rank| rank.stderr.contains(complaint)), "{outcome}");
}

#[test]
fn ranks_that_differ_send_messages() {
    on_ranks([3], |world| {
        let grid = Grid::builder([12]).periodic([true]).build(world)?;
        let u = grid.field::<f64>("u");
        let transport = if world.rank() == 2 { HaloTransport::Messages } else { HaloTransport::Shared };
        let plan = HaloPlan::builder(&grid).field(&u).transport(transport).build();
        match plan {
            Ok(plan) => assert!(!cfg!(debug_assertions) && plan.bytes_shared() == 0),
            Err(error) => assert!(error.to_string().contains("ranks disagree"), "{error}"),
        }
        Ok::<(), Error>(())
    });
}

#[test]
fn the_faster_way_is_chosen_by_trying_both_where_ranks_have_cores() {
    on_ranks([1, 2, 3, 8], |world| {
        let grid = Grid::builder([24, 31]).halo(2).periodic([true, true]).build(world)?;
        let mut u = grid.field::<i64>("u");
        u.fill_indexed(|index| value(index.map(|i| i as isize), 3));
        let mut plan = HaloPlan::builder(&grid).field(&u).transport(HaloTransport::Auto).build()?;
        let text = plan.to_string();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        match world.size() {
            1 => assert!(!text.contains("tried"), "{text}"),
            ranks if ranks <= cores => assert!(text.contains("µs through shared memory"), "{text}"),
            _ => assert!(text.contains("untried") && plan.bytes_shared() == plan.bytes_sent(), "{text}"),
        }
        // All or nothing, the same on all ranks.
        let shared = plan.bytes_shared();
        assert!(shared == 0 || shared == plan.bytes_sent(), "{plan}");
        let mut sharing = [0];
        let mine = [u32::from(shared > 0)];
        world.communicator().all_reduce_into(&mine[..], &mut sharing[..], SystemOperation::sum());
        assert!([0, world.size() as u32].contains(&sharing[0]), "{} ranks share memory", sharing[0]);
        plan.exchange(&mut u)?;
        check(&u, 3)
    });
}
