//! Self-measurement: counts known beforehand, on any ranks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mpi::traits::{Communicator, Root};
use parhelion::Result;
use parhelion::halo::HaloPlan;
use parhelion::halo::HaloTransport;
use parhelion::measure::{Kind, Report};
use parhelion::prelude::*;
use parhelion::testing::{RankTest, on_ranks};

const SHAPE: [usize; 2] = [12, 16];
const POINTS: u64 = 12 * 16;

/// Blocks are cut along axis 0, so that a face is a row of 16 cells.
fn grid(world: &World) -> Result<Grid<2>> {
    Grid::builder(SHAPE).periodic([true, true]).procs([world.size(), 1]).build(world)
}

/// Number of faces that all ranks send in one exchange: up and down, unless a rank is its own
/// neighbor.
fn faces(world: &World) -> u64 {
    if world.size() == 1 { 0 } else { 2 * world.size() as u64 }
}

/// Calls, points and bytes of a row.
#[track_caller]
fn counts(report: &Report, kind: Kind, name: &str) -> (u64, u64, u64) {
    let row = report.row(kind, name).unwrap_or_else(|| panic!("no row {kind:?} '{name}' in\n{report}"));
    (row.calls, row.points, row.bytes)
}

/// Messages, bytes sent, and those of them in shared memory, of a row.
#[track_caller]
fn sent(report: &Report, kind: Kind, name: &str) -> (u64, u64, u64) {
    let row = report.row(kind, name).unwrap_or_else(|| panic!("no row {kind:?} '{name}' in\n{report}"));
    row.halo.as_ref().map_or((0, 0, 0), |halo| (halo.messages, halo.bytes, halo.shared_bytes))
}

/// The same for faces of this many bytes.
fn expected(faces: u64, bytes: u64, transport: HaloTransport) -> (u64, u64, u64) {
    let shared = transport != HaloTransport::Messages;
    (if shared { 0 } else { faces }, faces * bytes, if shared { faces * bytes } else { 0 })
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn calls_points_and_bytes_are_what_the_types_say() {
    let test = RankTest::new(1).env("PARHELION_HALO", "shared");
    test.on([(1, 1), (2, 1), (4, 1), (2, 2)], |world| {
        let grid = grid(world)?;
        let (mut u, mut v, mut w) = (grid.field::<f64>("u"), grid.field::<f64>("v"), grid.field::<f32>("w"));
        let mut pair = grid.field_builder::<i16>("pair").components(2).build()?;
        let transport = HaloTransport::Shared;
        world.measure().switch_on();
        u.fill(1.0);
        pair.fill(1);
        for _ in 0..3 {
            u.exchange_for(Pattern::Star, 1)?;
        }
        type In<'a> = (StarPoint<'a, f64, 2, 1>, Point<'a, f32, 2, 0>);
        for _ in 0..2 {
            // f64 and f32 in, f64 and f32 out
            let mut next = grid.field::<f32>("next");
            let outputs = (v.view_mut(), next.view_mut());
            let inputs = (u.star_reach::<1>()?, w.reach::<0>()?);
            grid.sweep(u.region_local(), outputs, inputs, |(u, w): In<'_>| (u.at::<-1, 0>(), w.center()))?;
        }
        {
            let _kernel = world.kernel("decay").flops(3);
            // f64 read and written, f32 in
            let rule = |v: f64, w: Point<'_, f32, 2, 0>| 0.5 * (v + f64::from(w.center()) * 2.0);
            grid.update(u.region_local(), v.view_mut(), w.reach::<0>()?, rule)?;
            // Only a part of the block.
            let row = u.region_local().with_axis(0, 0, 1);
            grid.update(row, v.view_mut(), w.reach::<0>()?, rule)?;
        }
        pair.map_inplace(|x| *x += 1);
        w.zip_mut_with(&v, |w, &v| *w += v as f32)?;
        let shift = star_stencil::<f64, 2, 1>(|v| v.at::<-1, 0>());
        v.advance(&shift, 1)?; // one exchange
        v.advance(&shift, 4)?;
        u.sum();
        u.norm_l2();
        u.max();
        v.dot(&u)?;
        pair.sum();
        grid.sum(u.region_local(), w.reach::<0>()?, |w: Point<'_, f32, 2, 0>| f64::from(w.center()))?;
        world.measure().switch_off();
        u.fill(2.0); // not seen
        u.exchange()?;

        let report = world.report();
        let ranks = world.size() as u64;
        assert_eq!((report.ranks, report.threads), (world.size(), world.size() * world.threads()));
        assert_eq!(counts(&report, Kind::Fill, "u"), (1, POINTS, 8 * POINTS));
        assert_eq!(counts(&report, Kind::Fill, "pair"), (2, 2 * POINTS, 4 * POINTS));
        assert_eq!(counts(&report, Kind::Exchange, "u"), (3, 0, 0));
        assert_eq!(sent(&report, Kind::Exchange, "u"), expected(3 * faces(world), 16 * 8, transport));
        assert_eq!(counts(&report, Kind::Sweep, ""), (2, 2 * POINTS, 2 * POINTS * (8 + 4 + 8 + 4)));
        let updated = POINTS + 16 * ranks;
        assert_eq!(counts(&report, Kind::Update, "decay"), (2, updated, updated * (4 + 2 * 8)));
        assert_eq!(report.row(Kind::Update, "decay").unwrap().flops, Some(3 * updated));
        assert_eq!(counts(&report, Kind::Update, "pair"), (1, 2 * POINTS, 2 * POINTS * 2 * 2));
        assert_eq!(counts(&report, Kind::Update, "w"), (1, POINTS, POINTS * (2 * 4 + 8)));
        assert_eq!(counts(&report, Kind::Advance, "v"), (2, 5 * POINTS, 5 * POINTS * 16));
        let (messages, bytes, shared) = sent(&report, Kind::Advance, "v");
        let (least_messages, least_bytes, least_shared) = expected(2 * faces(world), 16 * 8, transport);
        assert!(messages >= least_messages && bytes >= least_bytes && shared >= least_shared, "{report}");
        // Sum, norm and maximum read one field, the product two.
        assert_eq!(counts(&report, Kind::Reduce, "u"), (3, 3 * POINTS, 3 * POINTS * 8));
        assert_eq!(counts(&report, Kind::Reduce, "v"), (1, POINTS, POINTS * 16));
        assert_eq!(counts(&report, Kind::Reduce, "pair"), (1, 2 * POINTS, 2 * POINTS * 2));
        assert_eq!(counts(&report, Kind::Reduce, ""), (1, POINTS, POINTS * 4));
        assert_eq!(report.rows.len(), 12, "exchanges inside of calls have no rows of their own:\n{report}");
        check_times(&report);
        same_everywhere(world, &report)
    });
}

/// Checks relations between the numbers that hold in any report.
fn check_times(report: &Report) {
    assert!(report.copy_gb_per_s > 0.0 && report.seconds > 0.0);
    for row in &report.rows {
        assert!(row.seconds > 0.0 && row.seconds_mean > 0.0, "{row:?}");
        // Longest and mean are rounded separately.
        let least = |mean: f64| mean * (1.0 - 1e-12);
        assert!(
            row.seconds >= least(row.seconds_mean) && row.wait_seconds >= least(row.wait_seconds_mean),
            "{row:?}"
        );
        assert!(row.wait_seconds <= row.seconds && row.seconds <= report.seconds, "{row:?}");
        assert!(row.imbalance >= least(1.0) && row.imbalance <= report.ranks as f64 / least(1.0), "{row:?}");
        assert_eq!(row.glup_per_s.is_some(), row.points > 0, "{row:?}");
        if let Some(share) = row.share_of_copy {
            assert!(
                (share * report.copy_gb_per_s - row.gb_per_s.unwrap()).abs() <= 1e-12 * row.gb_per_s.unwrap()
            );
        }
        if let Some(halo) = &row.halo {
            assert!(
                halo.pack_seconds + halo.wait_seconds.max(halo.unpack_seconds) <= 2.0 * row.seconds,
                "{row:?}"
            );
        }
    }
}

/// Checks that every rank has the same report, and that its JSON is complete.
fn same_everywhere(world: &World, report: &Report) -> Result<()> {
    let json = report.to_json();
    assert_eq!(&serde_json::from_str::<Report>(&json).expect("a report"), report);
    let mut length = json.len();
    let root = world.communicator().process_at_rank(0);
    root.broadcast_into(&mut length);
    let mut bytes = json.clone().into_bytes();
    bytes.resize(length, 0);
    root.broadcast_into(&mut bytes[..]);
    assert_eq!(String::from_utf8_lossy(&bytes), json, "reports differ between ranks");
    Ok(())
}

#[test]
fn an_exchange_counts_once_and_what_happens_meanwhile_apart() {
    on_ranks([1, 2, 4], |world| {
        count_exchanges(world, HaloTransport::Messages)?;
        count_exchanges(world, HaloTransport::Shared)
    });
}

fn count_exchanges(world: &World, transport: HaloTransport) -> Result<()> {
    let grid = grid(world)?;
    let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
    let mut w = grid.field::<f64>("w");
    let builder = HaloPlan::builder(&grid).field(&u).field(&v).pattern(Pattern::Star).transport(transport);
    let mut plan = builder.build()?;
    world.measure().switch_on();
    for _ in 0..5 {
        let exchange = plan.start((&mut u, &mut v))?;
        w.map_inplace(|w| *w += 1.0);
        exchange.finish()?;
    }
    // Calls that begin or end while measuring is off are not counted and do no harm.
    let exchange = plan.start((&mut u, &mut v))?;
    world.measure().clear();
    exchange.finish()?;
    world.measure().switch_off();
    let exchange = plan.start((&mut u, &mut v))?;
    world.measure().switch_on();
    exchange.finish()?;
    assert_eq!(world.report().row(Kind::Exchange, "").map_or(0, |row| row.calls), 0);
    for _ in 0..5 {
        let exchange = plan.start((&mut u, &mut v))?;
        w.map_inplace(|w| *w += 1.0);
        exchange.finish()?;
    }
    let report = world.report();
    assert_eq!(counts(&report, Kind::Exchange, ""), (5, 0, 0));
    // Both fields share a message.
    assert_eq!(sent(&report, Kind::Exchange, ""), expected(5 * faces(world), 2 * 16 * 8, transport));
    assert_eq!(counts(&report, Kind::Update, "w"), (5, 5 * POINTS, 5 * POINTS * 16));
    world.measure().switch_off();
    world.measure().clear();
    same_everywhere(world, &report)
}

#[test]
fn nothing_is_recorded_unless_asked_for() {
    on_ranks([1, 2], |world| {
        let mut u = grid(world)?.field::<f64>("u");
        let _kernel = world.kernel("never");
        u.fill(1.0);
        u.exchange()?;
        u.sum();
        assert!(!world.measure().is_on());
        assert_eq!(world.report().rows, []);
        let error = world.write_trace(path("never.json")).unwrap_err();
        assert!(error.is_argument() && error.to_string().contains("keep_events"), "{error}");
        assert!(!path("never.json").exists());
        // On and off again, and forgotten.
        world.measure().switch_on();
        u.fill(1.0);
        assert_eq!(world.report().rows.len(), 1);
        assert!(world.measure().is_on(), "a report leaves it on");
        world.measure().clear();
        world.measure().switch_off();
        assert_eq!(world.report().rows, []);
        Ok(())
    });
}

#[test]
fn inner_names_hide_outer_ones_and_end_in_any_order() {
    on_ranks([1], |world| {
        let mut u = grid(world)?.field::<f64>("u");
        world.measure().switch_on();
        let outer = world.kernel("outer").flops(2);
        u.map_inplace(|_| {});
        let inner = world.kernel("inner");
        u.map_inplace(|_| {});
        drop(outer);
        u.map_inplace(|_| {});
        drop(inner);
        u.map_inplace(|_| {});
        let report = world.report();
        let calls = |name: &str| counts(&report, Kind::Update, name).0;
        assert_eq!((calls("outer"), calls("inner"), calls("u")), (1, 2, 1));
        assert_eq!(report.row(Kind::Update, "inner").unwrap().flops, None);
        assert_eq!(report.row(Kind::Update, "outer").unwrap().flops, Some(2 * POINTS));
        Ok(())
    });
}

#[test]
fn a_call_that_fails_is_not_counted_and_later_ones_are() {
    on_ranks([1, 2], |world| {
        let grid = grid(world)?;
        let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
        u.exchange()?;
        world.measure().switch_on();
        let outside = u.region_local().grown([[5, 5]; 2]);
        let rule = |u: Point<'_, f64, 2, 1>| u.center();
        assert!(grid.sweep(outside, v.view_mut(), u.reach::<1>()?, rule).is_err());
        grid.sweep(u.region_local(), v.view_mut(), u.reach::<1>()?, rule)?;
        assert_eq!(counts(&world.report(), Kind::Sweep, ""), (1, POINTS, 16 * POINTS));
        Ok(())
    });
}

#[test]
fn work_of_one_rank_shows_as_imbalance() {
    on_ranks([2, 4], |world| {
        let mut u = grid(world)?.field::<f64>("u");
        world.measure().switch_on();
        if world.rank() == 1 {
            u.map_inplace(|u| *u += 1.0);
        }
        let report = world.report();
        let row = report.row(Kind::Update, "u").expect("every rank gets the rows of all");
        assert_eq!((row.calls, row.points), (1, POINTS / world.size() as u64));
        assert!((row.imbalance - world.size() as f64).abs() < 1e-9, "{row:?}");
        assert!((row.seconds / row.seconds_mean - world.size() as f64).abs() < 1e-9, "{row:?}");
        same_everywhere(world, &report)
    });
}

#[cfg(feature = "hdf5")]
#[test]
fn files_count_their_bytes() {
    on_ranks([1, 2], |world| {
        let mut u = grid(world)?.field_builder::<f32>("u").components(3).build()?;
        world.measure().switch_on();
        let path = path(&format!("measured-{}.h5", world.size()));
        Output::create(world, &path)?.write(&u)?.finish()?;
        Input::open(world, &path)?.read_into("u", &mut u)?;
        let report = world.report();
        assert_eq!(counts(&report, Kind::Write, "u"), (1, 3 * POINTS, 12 * POINTS));
        assert_eq!(counts(&report, Kind::Read, "u"), (1, 3 * POINTS, 12 * POINTS));
        let file = path.file_name().unwrap().to_string_lossy();
        assert_eq!(counts(&report, Kind::Write, &file), (1, 0, 0));
        let read = report.row(Kind::Read, "u").unwrap();
        assert_eq!((read.share_of_copy, read.glup_per_s), (None, None));
        assert!(read.gb_per_s.is_some());
        Ok(())
    });
}

#[test]
fn a_rank_that_fails_ends_a_job_that_measures() {
    let job = RankTest::new(3).timeout(Duration::from_secs(30)).env("PARHELION_MEASURE", "1");
    let outcome = job.output(|world| {
        if world.rank() == 1 { Err(parhelion::Error::other("the third wall is missing")) } else { Ok(()) }
    });
    assert!(!outcome.success && !outcome.timed_out, "{outcome}");
    assert!(outcome.stderr.contains("the third wall is missing"), "{outcome}");
}
