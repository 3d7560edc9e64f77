//! Ranks are killed at random moments of a run that mostly saves. Each time the newest checkpoint
//! is complete, nothing that was saved is lost, and the run resumes with the same bits.
//!
//! `PARHELION_KILLS=200 cargo test --test checkpoint killed` runs more cases.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use parhelion::checkpoint::{Checkpoint, Checkpoints};
use parhelion::prelude::*;
use parhelion::{Error, Result};
use parhelion_launcher::Outcome;
use signal_hook::consts::SIGKILL;
use signal_hook::low_level::raise;

use crate::support::{DIRECTORY, files, launch};

/// Tells the ranks what to kill and when: a rank or `all`, and microseconds; or `nobody`.
const VICTIM: &str = "PARHELION_TEST_VICTIM";
/// Number of killed jobs if `PARHELION_KILLS` is not set.
const KILLS: usize = 10;
/// Number of steps whose bits are known: more than all jobs together make, since each is saved,
/// which takes milliseconds.
const STEPS: u64 = 40_000;
/// Longest time from the first step to the kill, in microseconds.
const LONGEST: u64 = 250_000;

/// Two levels in time and walls that depend on time.
fn fields(world: &World) -> Result<[Field<f64, 2>; 2]> {
    let grid = Grid::builder([16, 18]).halo(1).build(world)?;
    let [u, before] = ["u", "before"].map(|name| {
        let mut field = grid.field::<f64>(name);
        field.fill_indexed(|[j, i]| ((j * 7 + i * 3) % 11) as f64);
        field.set_time(0.0, 0.01);
        field.set_boundary(Face::low(0), Boundary::function(|[y, x], time| (y + x + time).sin()))?;
        field.set_boundary(Face::high(1), Boundary::Dirichlet(0.5))?;
        Ok::<_, Error>(field)
    });
    Ok([u?, before?])
}

fn step([u, before]: &mut [Field<f64, 2>; 2], steps: usize) -> Result<()> {
    let grid = u.grid().clone();
    let wave = |before, u: StarPoint<'_, f64, 2, 1>, ()| {
        let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
        1.99 * u.center() - 0.99 * before + 0.2 * (around - 4.0 * u.center())
    };
    grid.leapfrog(u.star_evolving::<1>().with_previous(before), (), steps, wave)
}

fn state(step: u64, [u, before]: &[Field<f64, 2>; 2]) -> String {
    format!("{step} {:x} {:x} {:x}", u.fingerprint(), before.fingerprint(), u.time().to_bits())
}

/// One job: resumes from the newest checkpoint, compares with the run that was not interrupted, and
/// saves every step until it is killed.
fn rank(world: &World, directory: &Path, victim: &str) -> Result<()> {
    let known = std::fs::read_to_string(directory.join("known"))?;
    let known: BTreeMap<u64, &str> =
        known.lines().map(|line| (line.split(' ').next().unwrap().parse().unwrap(), line)).collect();
    let check = |step: u64, fields: &[Field<f64, 2>; 2]| {
        let state = state(step, fields);
        // Only some steps are recorded.
        if let Some(known) = known.get(&step) {
            assert_eq!(&state, known);
        }
        known.contains_key(&step)
    };
    let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
    let mut fields = fields(world)?;
    let mut at = 0;
    if let Some(saved) = checkpoints.restart()? {
        assert!(saved.skipped().is_empty(), "a complete checkpoint is damaged: {:?}", saved.skipped());
        fields.iter_mut().try_for_each(|field| saved.restore(field))?;
        at = saved.step();
        if world.rank() == 0 {
            println!("restarted {at}");
        }
        // Continues to a step whose bits are known, as a longer run would.
        let mut copies = self::fields(world)?;
        copies.iter_mut().try_for_each(|field| saved.restore(field))?;
        let mut ahead = at;
        while !check(ahead, &copies) {
            step(&mut copies, 1)?;
            ahead += 1;
        }
    }
    world.barrier();
    if victim == "nobody" {
        return Ok(());
    }
    let (who, delay) = victim.split_once(' ').expect("who and when");
    if who == "all" || who.parse() == Ok(world.rank()) {
        let delay = Duration::from_micros(delay.parse().map_err(Error::other)?);
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            raise(SIGKILL)
        });
    }
    loop {
        step(&mut fields, 1)?;
        at += 1;
        checkpoints.save(Checkpoint::new(at, fields[0].time()).field(&fields[0]).field(&fields[1]))?;
        if world.rank() == 0 {
            println!("saved {at}");
        }
    }
}

/// Writes the fingerprints of the uninterrupted run at every eighth step.
fn note(world: &World, directory: &Path) -> Result<()> {
    let mut fields = fields(world)?;
    let mut lines = vec![state(0, &fields)];
    for n in 1..=STEPS / 8 {
        step(&mut fields, 8)?;
        lines.push(state(8 * n, &fields));
    }
    std::fs::write(directory.join("known"), lines.join("\n"))?;
    Ok(())
}

fn job(directory: &Path, ranks: usize, victim: &str) -> Outcome {
    launch(ranks, &[(DIRECTORY, directory.into()), (VICTIM, victim.into())])
}

/// Returns the last number that rank 0 printed after this word.
fn last(outcome: &Outcome, word: &str) -> Option<u64> {
    let lines = outcome.ranks()[0].stdout.lines();
    lines.filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).next_back()
}

#[test]
fn ranks_killed_at_any_moment_lose_no_checkpoint() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let directory = Path::new(&directory);
        let victim = std::env::var(VICTIM).unwrap();
        let world = World::init().unwrap();
        let done = if victim == "note" { note(&world, directory) } else { rank(&world, directory, &victim) };
        world.agree(done).unwrap();
        drop(world);
        std::process::exit(0);
    }
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let kills =
        std::env::var("PARHELION_KILLS").map_or(KILLS, |count| count.parse().expect("a number of kills"));
    let outcome = job(directory.path(), 1, "note");
    assert!(outcome.success, "{outcome}");

    // Knuth's linear congruential generator; the timing of jobs adds randomness.
    let mut seed = 1_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut saved, mut partial, mut alone) = (0, 0, 0);
    for kill in 0..kills {
        let ranks = 1 + random(4) as usize;
        let one = random(2) == 0;
        let who = if one { random(ranks as u64).to_string() } else { "all".into() };
        let victim = format!("{who} {}", random(LONGEST));
        let outcome = job(directory.path(), ranks, &victim);
        assert!(!outcome.success && !outcome.timed_out, "job {kill} was not killed ({victim}):\n{outcome}");
        assert!(!outcome.stderr.contains("panicked"), "job {kill} failed ({victim}):\n{outcome}");
        let from = last(&outcome, "restarted").unwrap_or(0);
        assert!(from >= saved, "step {saved} was saved and is lost:\n{outcome}");
        saved = last(&outcome, "saved").unwrap_or(from);
        let names = files(directory.path());
        partial += usize::from(names.iter().any(|name| name.ends_with(".partial")));
        alone += usize::from(one && ranks > 1);
        // Unfinished files, and small files of MPI-IO, belong to this job only. Two checkpoints are
        // kept, and an older one may not have been removed yet.
        let unfinished = names.iter().filter(|name| name.ends_with(".partial")).count();
        assert!(unfinished <= 1 && names.len() <= 1 + 3 + unfinished + ranks, "{names:?}");
    }
    let outcome = job(directory.path(), 3, "nobody");
    assert!(outcome.success, "{outcome}");
    let end = last(&outcome, "restarted").unwrap_or(0);
    assert!(end >= saved && end <= STEPS - 8, "{end} of {saved}");
    println!("{kills} kills, {alone} of one rank among others, {partial} amidst a save; {end} steps saved");
}
