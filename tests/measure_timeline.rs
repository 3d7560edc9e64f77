//! Timelines, and the report and timeline that environment variables ask for, as other programs
//! read them.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use parhelion::Result;
use parhelion::measure::{Kind, Report};
use parhelion::prelude::*;
use parhelion::testing::{RankTest, on_ranks};
use serde_json::Value;

/// Blocks are cut along axis 0.
fn grid(world: &World) -> Result<Grid<2>> {
    Grid::builder([12, 16]).periodic([true, true]).procs([world.size(), 1]).build(world)
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The complete events of a timeline: rank, start and end in nanoseconds, name.
type Spans = Vec<(u64, u64, u64, String)>;

/// Reads a timeline and checks its form: events of a rank do not overlap unless one is inside the
/// other.
fn read_trace(text: &str) -> (Spans, Vec<String>) {
    let events: Vec<Value> = serde_json::from_str(text).expect("a JSON array");
    let mut processes = Vec::new();
    let mut spans = Spans::new();
    for event in &events {
        let text =
            |key: &str| event[key].as_str().unwrap_or_else(|| panic!("no {key} in {event}")).to_owned();
        let rank = event["pid"].as_u64().expect("a rank");
        assert_eq!(event["tid"], 0);
        if text("ph") == "M" {
            assert_eq!((text("name"), rank), ("process_name".into(), processes.len() as u64));
            processes.push(event["args"]["name"].as_str().unwrap().to_owned());
            continue;
        }
        assert_eq!(text("ph"), "X");
        assert!(!text("cat").is_empty());
        let nanos = |key: &str| (event[key].as_f64().expect("a number") * 1000.0).round() as u64;
        spans.push((rank, nanos("ts"), nanos("ts") + nanos("dur"), text("name")));
    }
    // Of two that start together the longer one is outside.
    spans.sort_by_key(|(rank, start, end, _)| (*rank, *start, u64::MAX - *end));
    let mut open: Vec<(u64, u64)> = Vec::new();
    for (rank, start, end, name) in &spans {
        while open.last().is_some_and(|(on, until)| on != rank || until <= start) {
            open.pop();
        }
        if let Some((_, until)) = open.last() {
            assert!(end <= until, "'{name}' of rank {rank} overlaps its neighbor");
        }
        open.push((*rank, *end));
    }
    (spans, processes)
}

#[test]
fn the_timeline_nests_and_names_its_events() {
    on_ranks([1, 2, 4], |world| {
        let grid = grid(world)?;
        let mut u = grid.field::<f64>("u \"quoted\"");
        world.measure().keep_events(1000);
        world.measure().switch_on();
        u.fill(1.0);
        u.exchange()?;
        u.advance(&star_stencil::<f64, 2, 1>(|u| u.at::<1, 0>()), 2)?;
        u.sum();
        let path = path(&format!("trace-{}.json", world.size()));
        world.write_trace(&path)?;
        if world.rank() > 0 {
            return Ok(());
        }
        let text = std::fs::read_to_string(&path)?;
        let (spans, processes) = read_trace(&text);
        let wanted: Vec<_> = (0..world.size()).map(|rank| format!("rank {rank}")).collect();
        assert_eq!(processes, wanted);
        assert_eq!(spans.iter().map(|span| span.1).min(), Some(0), "the first event of all is at 0");
        for rank in 0..world.size() as u64 {
            let one = |name: &str| {
                let mut found = spans.iter().filter(|span| span.0 == rank && span.3 == name);
                let span = found.next().unwrap_or_else(|| panic!("no '{name}' of rank {rank} in {text}"));
                assert!(found.next().is_none(), "'{name}' twice");
                (span.1, span.2)
            };
            let calls =
                ["fill", "exchange", "advance", "reduce"].map(|kind| one(&format!("{kind} u \"quoted\"")));
            assert!(
                calls.windows(2).all(|pair| pair[0].1 <= pair[1].0),
                "calls follow each other: {calls:?}"
            );
            let inside = |(start, end): (u64, u64), name: &str| {
                spans.iter().filter(|s| s.0 == rank && s.3 == name && s.1 >= start && s.2 <= end).count()
            };
            assert_eq!(["pack", "unpack"].map(|part| inside(calls[1], part)), [1, 1]);
            assert!(
                inside(calls[1], "wait") >= 1
                    && inside(calls[2], "exchange") >= 1
                    && inside(calls[3], "wait") >= 1
            );
        }
        Ok(())
    });
}

#[test]
fn the_timeline_is_bounded_and_says_what_is_missing() {
    on_ranks([2], |world| {
        let mut u = grid(world)?.field::<f64>("u");
        world.measure().keep_events(5);
        world.measure().switch_on();
        (0..20 + world.rank()).for_each(|_| u.map_inplace(|_| {}));
        let report = world.report();
        assert_eq!(report.events_dropped, 15 + 16);
        let path = path("short-trace.json");
        world.write_trace(&path)?;
        if world.rank() == 0 {
            let (spans, processes) = read_trace(&std::fs::read_to_string(&path)?);
            assert_eq!(processes, ["rank 0 (15 events dropped)", "rank 1 (16 events dropped)"]);
            assert_eq!([0, 1].map(|rank| spans.iter().filter(|span| span.0 == rank).count()), [5, 5]);
        }
        let error = world.write_trace("no such folder/trace.json").unwrap_err();
        assert!(error.is_file() && error.to_string().contains("no such folder"), "{error}");
        Ok(())
    });
}

/// The ranks' clocks start up to a second apart here; the timeline aligns them.
#[test]
fn clocks_of_ranks_are_aligned() {
    const APART: Duration = Duration::from_millis(300);
    const GAP: Duration = Duration::from_millis(60);
    on_ranks([2, 4], |world| {
        sleep(APART * world.rank() as u32);
        let world = World::builder().threads(1).init()?;
        let mut u = grid(&world)?.field::<f64>("u");
        world.measure().keep_events(100);
        world.measure().switch_on();
        u.fill(1.0);
        sleep(GAP);
        world.barrier();
        u.map_inplace(|_| {});
        let path = path(&format!("clocks-{}.json", world.size()));
        world.write_trace(&path)?;
        if world.rank() == 0 {
            let (spans, _) = read_trace(&std::fs::read_to_string(&path)?);
            let of = |name: &str| spans.iter().filter(|span| span.3 == name).cloned().collect::<Spans>();
            let filled = of("fill u").iter().map(|span| span.2).max();
            let mapped = of("update u").iter().map(|span| span.1).min();
            // The barrier orders them; the gap is far longer than the error of aligning clocks.
            assert!(filled < mapped, "a rank filled at {filled:?}, another went on at {mapped:?}: {spans:?}");
        }
        Ok(())
    });
}

#[test]
fn the_environment_asks_for_report_and_timeline() {
    let (report, trace) = (path("environment.json"), path("environment-trace.json"));
    let job = RankTest::new(2).env("PARHELION_MEASURE", &report).env("PARHELION_TRACE", &trace);
    let outcome = job.output(|world| {
        let mut u = grid(world)?.field::<f64>("u");
        u.fill(1.0);
        u.exchange()
    });
    assert!(outcome.success, "{outcome}");
    // Printed at the end, by one rank.
    assert_eq!(outcome.stderr.matches("exchange u").count(), 2, "a row and its halo\n{outcome}");
    assert!(outcome.ranks()[0].stderr.contains("memory copy"), "{outcome}");
    let report: Report = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let filled = report.row(Kind::Fill, "u").expect("a row");
    assert_eq!((filled.calls, filled.points, filled.bytes), (1, 12 * 16, 8 * 12 * 16));
    assert_eq!(read_trace(&std::fs::read_to_string(trace).unwrap()).1, ["rank 0", "rank 1"]);
}
