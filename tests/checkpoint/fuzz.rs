//! Randomly changed files are refused without a crash, a hang, or the memory that a forged header
//! asks for.
//!
//! `PARHELION_FUZZ=100000 cargo test --test checkpoint changed_at_random` runs more cases.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use parhelion::checkpoint::{Checkpoint, Checkpoints, Restart};
use parhelion::prelude::*;
use parhelion::{Error, Result};
use proptest::prelude::{Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{in_scratch, launch};

/// One change of a file. Positions and lengths are taken modulo the size of the file.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Set(usize, Vec<u8>),
    Zero(usize, usize),
    Copy(usize, usize, usize),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    // Implausible numbers: huge, negative, zero.
    let odd = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..16),
        (1..9_usize).prop_map(|n| vec![0xff; n]),
        prop::sample::select(vec![1_u64 << 31, 1 << 32, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX - 7])
            .prop_map(|number| number.to_le_bytes().to_vec()),
    ];
    let at = any::<usize>;
    prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (at(), odd).prop_map(|(at, bytes)| Change::Set(at, bytes)),
        1 => (at(), 1..5000_usize).prop_map(|(at, length)| Change::Zero(at, length)),
        1 => (at(), at(), 1..5000_usize).prop_map(|(from, to, length)| Change::Copy(from, to, length)),
        1 => (at(), 1..5000_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..600)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => at().prop_map(Change::Cut),
    ]
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        let within = |at: usize, count: usize| at % length..(at % length + count).min(length);
        match self {
            Self::Flip(at, bit) => bytes[at % length] ^= 1 << bit,
            Self::Set(at, new) => {
                let range = within(at, new.len());
                let count = range.len();
                bytes[range].copy_from_slice(&new[..count]);
            }
            Self::Zero(at, count) => bytes[within(at, count)].fill(0),
            Self::Copy(from, to, count) => {
                let copy = bytes[within(from, count)].to_vec();
                let range = within(to, copy.len());
                let count = range.len();
                bytes[range].copy_from_slice(&copy[..count]);
            }
            Self::Remove(at, count) => drop(bytes.drain(within(at, count))),
            Self::Insert(at, new) => drop(bytes.splice(at % length..at % length, new)),
            Self::Cut(at) => bytes.truncate(at % length),
        }
    }
}

/// The same sets of changes on every rank and in every run.
fn changes(count: usize) -> impl Iterator<Item = Vec<Change>> {
    let count =
        std::env::var("PARHELION_FUZZ").map_or(count, |count| count.parse().expect("a number of files"));
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(change(), 1..4);
    (0..count).map(move |_| strategy.new_tree(&mut runner).expect("nothing is rejected").current())
}

fn saved(world: &World, directory: &Path) -> Result<Vec<u8>> {
    let grid = Grid::builder([8, 9]).build(world)?;
    let mut u = grid.field_builder::<f64>("u").components(2).build()?;
    u.fill_indexed(|[j, i]| (j * 9 + i) as f64);
    let mut n = grid.field_builder::<u16>("n").centering(Centering::Node).build()?;
    n.fill(7);
    let checkpoint = Checkpoint::new(1, 0.5).field(&u).field(&n).scalar("a", 1.0).metadata(&vec![1, 2, 3])?;
    let path = Checkpoints::new(world, directory.join("good"))?.save(checkpoint)?;
    let bytes = std::fs::read(path)?;
    world.barrier();
    Ok(bytes)
}

#[test]
fn checkpoints_changed_at_random_are_refused() {
    in_scratch([1, 2], |world, directory| {
        let good = saved(world, directory)?;
        let path = directory.join("changed.h5");
        for changes in changes(400) {
            let mut bytes = good.clone();
            changes.iter().cloned().for_each(|change| change.apply(&mut bytes));
            if bytes == good {
                continue;
            }
            if world.rank() == 0 {
                std::fs::write(&path, &bytes)?;
            }
            // Collective, so the file has been written.
            let opened = Restart::open(world, &path);
            assert!(opened.is_err_and(|error| error.is_file()), "{changes:?}");
        }
        Ok(())
    });
}

/// Changes of header and description with matching checksums, as in a forged file.
#[test]
fn headers_and_descriptions_that_lie_are_refused_or_tell_no_harm() {
    in_scratch([1, 2], |world, directory| {
        let good = saved(world, directory)?;
        let path = directory.join("forged.h5");
        let number = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().unwrap()) as usize;
        let text = number(32)..number(32) + number(40);
        for (round, changes) in changes(400).enumerate() {
            let mut bytes = good.clone();
            // Digits become other digits, so that some descriptions are still JSON.
            let range = if round % 2 == 0 { 24..96 } else { text.clone() };
            let mut part = bytes[range.clone()].to_vec();
            if round % 4 == 1 {
                let digits: Vec<usize> = (0..part.len()).filter(|&i| part[i].is_ascii_digit()).collect();
                for change in &changes {
                    if let Change::Flip(at, bit) = change {
                        part[digits[at % digits.len()]] = b'0' + bit;
                    }
                }
            } else {
                changes.iter().cloned().for_each(|change| change.apply(&mut part));
                part.resize(range.len(), b' ');
            }
            bytes[range.clone()].copy_from_slice(&part);
            let description = crc32fast::hash(&bytes[text.clone()]);
            bytes[64..68].copy_from_slice(&description.to_le_bytes());
            let header = crc32fast::hash(&bytes[..4092]);
            bytes[4092..4096].copy_from_slice(&header.to_le_bytes());
            if world.rank() == 0 {
                std::fs::write(&path, &bytes)?;
            }
            if let Ok(saved) = Restart::open(world, &path) {
                // The checksum of the structure covers the description and was not forged, so only
                // unprotected numbers of the header can have changed.
                assert_eq!((saved.step(), bytes[96..] == good[96..4092]), (1, false), "{changes:?}");
                assert_eq!(bytes[text.clone()], good[text.clone()]);
            }
        }
        Ok(())
    });
}

/// Tells a rank the number of the first file.
const FIRST: &str = "PARHELION_TEST_FIRST";
/// After this time the HDF5 library is taken to hang on the file.
const PATIENCE: Duration = Duration::from_secs(4);

/// Opens and reads randomly changed files, beginning with a given number, and prints its progress.
fn read_changed(world: &World, first: usize) -> Result<()> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let grid = Grid::builder([8, 9]).build(world)?;
    let mut u = grid.field_builder::<f64>("u").components(2).units("K").build()?;
    u.fill_indexed(|[j, i]| (j * 9 + i) as f64);
    let path = directory.path().join("input.h5");
    Output::create(world, &path)?.time(0.5).attribute("list", vec![1_i64, 2, 3])?.write(&u)?.finish()?;
    let good = std::fs::read(&path)?;
    // A forged size must not be trusted: memory is limited to little more than is in use now.
    let (_, hard) = getrlimit(Resource::RLIMIT_AS).map_err(Error::other)?;
    setrlimit(Resource::RLIMIT_AS, (4 << 30).min(hard), hard).map_err(Error::other)?;
    let done = Arc::new(AtomicUsize::new(first));
    std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let mut last = usize::MAX;
            while last != done.load(Ordering::Relaxed) {
                last = done.load(Ordering::Relaxed);
                std::thread::sleep(PATIENCE);
            }
            std::process::abort()
        }
    });
    for (number, changes) in changes(300).enumerate().skip(first) {
        println!("file {number}");
        let mut bytes = good.clone();
        changes.into_iter().for_each(|change| change.apply(&mut bytes));
        std::fs::write(&path, &bytes)?;
        // Changed values are read like any others; everything else is an error.
        let opened = Input::open(world, &path);
        let read = opened.and_then(|input| input.read_into("u", &mut u));
        assert!(read.is_ok() || read.is_err_and(|error| error.is_file()));
        done.store(number + 1, Ordering::Relaxed);
    }
    println!("end");
    Ok(())
}

/// Input files have no checksums, and the C code of the HDF5 library is not made for damaged
/// metadata. About one file in a hundred makes HDF5 1.10.8 crash or loop; then the job ends, and
/// this test resumes after that file. All others must be answered, without a panic and within the
/// memory.
#[test]
fn inputs_changed_at_random_end_in_an_answer_or_in_the_hdf5_library() {
    if let Ok(first) = std::env::var(FIRST) {
        let world = World::init().unwrap();
        read_changed(&world, first.parse().expect("a number")).unwrap();
        drop(world);
        std::process::exit(0);
    }
    let mut ended = Vec::new();
    loop {
        let first = ended.last().map_or(0, |file| file + 1);
        let outcome = launch(1, &[(FIRST, first.to_string().into())]);
        let output = &outcome.ranks()[0];
        for word in ["panicked", "memory allocation"] {
            assert!(!output.stderr.contains(word), "{outcome}");
        }
        if outcome.success && output.stdout.ends_with("end\n") {
            break;
        }
        let mut files =
            output.stdout.lines().filter_map(|line| line.strip_prefix("file ")?.parse::<usize>().ok());
        let file = files.next_back().unwrap_or_else(|| panic!("it ended before the first file:\n{outcome}"));
        ended.push(file);
        assert!(ended.len() <= 4 + file / 20, "files {ended:?} ended the job:\n{outcome}");
    }
    println!("the HDF5 library did not come back from files {ended:?}");
}
