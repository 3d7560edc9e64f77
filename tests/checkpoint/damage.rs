//! Damaged, foreign and newer files are reported with the place of the damage, and skipped where an
//! older checkpoint is intact.

use std::path::{Path, PathBuf};

use parhelion::Result;
use parhelion::checkpoint::{Checkpoint, Checkpoints, Restart};
use parhelion::prelude::*;
use parhelion::testing::RankTest;

use crate::support::{DIRECTORY, assert_contains, in_scratch, on_rank_0, refused};

const RANKS: [usize; 3] = [1, 2, 5];

fn grid(world: &World) -> Result<Grid<3>> {
    Grid::builder([20, 30, 40]).build(world)
}

/// A field whose values differ between steps and between points.
fn field(grid: &Grid<3>, step: u64) -> Field<f64, 3> {
    let mut u = grid.field::<f64>("u");
    u.fill_indexed(|[z, y, x]| (step * 1_000_000) as f64 + ((z * 30 + y) * 40 + x) as f64);
    u
}

/// Two checkpoints, of steps 1 and 2.
fn two(world: &World, directory: &Path) -> Result<[PathBuf; 2]> {
    let grid = grid(world)?;
    let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
    let mut save =
        |step| checkpoints.save(Checkpoint::new(step, 0.5 * step as f64).field(&field(&grid, step)));
    Ok([save(1)?, save(2)?])
}

/// Corrects the header's own checksum.
fn seal(bytes: &mut [u8]) {
    let checksum = crc32fast::hash(&bytes[..4092]);
    bytes[4092..4096].copy_from_slice(&checksum.to_le_bytes());
}

/// Checks that the checkpoint of step 1 is found although that of step 2 is damaged, with the given
/// reason.
fn falls_back(world: &World, directory: &Path, reason: &[&str]) -> Result<()> {
    let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
    let saved = checkpoints.restart()?.expect("step 1 is good");
    assert_eq!(saved.step(), 1);
    let [(path, why)] = saved.skipped() else { panic!("{:?}", saved.skipped()) };
    assert!(path.ends_with("run.00000002.h5"));
    assert_contains(why, reason);
    let grid = grid(world)?;
    let mut u = grid.field::<f64>("u");
    saved.restore(&mut u)?;
    assert_eq!(u.fingerprint(), field(&grid, 1).fingerprint());
    let newest = directory.join("run.00000002.h5");
    assert_contains(&refused(world, Restart::open(world, newest)), &[&["run.00000002.h5"], reason].concat());
    Ok(())
}

/// Rank 0 replaces the second checkpoint.
fn damage(world: &World, path: &Path, good: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
    on_rank_0(world, || {
        let mut bytes = good.to_vec();
        change(&mut bytes);
        std::fs::write(path, bytes).unwrap();
    });
}

#[test]
fn damage_is_found_located_and_passed_over() {
    in_scratch(RANKS, |world, directory| {
        let [_, newest] = two(world, directory)?;
        let good = std::fs::read(&newest)?;
        world.barrier();
        // Checks the offset first: the values of step 2 begin with 2 000 000.
        let values = good.windows(8).position(|eight| eight == 2e6_f64.to_le_bytes()).unwrap();
        assert_eq!(values % 4096, 0);
        let length = 20 * 30 * 40 * 8;
        type Change = Box<dyn Fn(&mut Vec<u8>)>;
        let flip = |at: usize| -> Change { Box::new(move |bytes| bytes[at] ^= 4) };
        let located = ["1 of its 1 blocks", "field \"u\"", "values [0, 0, 0] to [19, 29, 39]"];
        let cases: Vec<(Change, &[&str])> = vec![
            (flip(values), &located),
            (flip(values + 100_001), &located),
            (flip(values + length - 1), &located),
            (flip(values + length), &["structure"]),
            (flip(values - 1), &["structure"]),
            (flip(4096), &["structure"]), // where HDF5 begins
            (flip(good.len() - 1), &["structure"]),
            (flip(2), &["no checkpoint of this library"]),
            (flip(20), &["header", "damaged"]),
            (flip(4095), &["header", "damaged"]),
            (Box::new(|bytes| bytes.truncate(bytes.len() - 1)), &["truncated"]),
            (Box::new(|bytes| bytes.truncate(4096)), &["truncated: 4096 bytes instead of"]),
            (Box::new(|bytes| bytes.truncate(4095)), &["4095 bytes, too few"]),
            (Box::new(Vec::clear), &["0 bytes, too few"]),
            (Box::new(|bytes| bytes.push(0)), &["longer"]),
            (Box::new(|bytes| bytes[..4096].fill(0)), &["incomplete", "header, which is written last"]),
            (Box::new(|bytes| *bytes = b"not a checkpoint".repeat(999)), &["no checkpoint of this library"]),
            (Box::new(move |bytes| bytes[values..values + length].fill(0)), &located),
        ];
        for (change, reason) in cases {
            damage(world, &newest, &good, change);
            falls_back(world, directory, reason)?;
        }
        // The description, and its checksum in the header.
        let text = good.windows(9).position(|nine| nine == b"\"library\"").unwrap();
        damage(world, &newest, &good, |bytes| bytes[text] = b'!');
        falls_back(world, directory, &["description is damaged"])?;
        Ok(())
    });
}

#[test]
fn a_damaged_block_among_many_is_located() {
    in_scratch([1, 3], |world, directory| {
        let grid = Grid::builder([64, 64, 96]).build(world)?;
        let mut v = grid.field_builder::<f64>("v").components(2).build()?;
        v.component_mut(0).fill_with(|_| 1.0);
        v.component_mut(1).fill_with(|_| 2.0);
        let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
        let path = checkpoints.save(Checkpoint::new(1, 0.0).field(&v))?;
        on_rank_0(world, || {
            let mut bytes = std::fs::read(&path).unwrap();
            let values = bytes.windows(8).position(|eight| eight == 1.0_f64.to_le_bytes()).unwrap();
            // 3 MiB per component: the fifth MiB is in the second.
            bytes[values + (4 << 20) + 17] ^= 1;
            bytes[values + (5 << 20)] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        });
        let message = refused(world, Restart::open(world, &path));
        // A MiB is 21⅓ planes.
        let located = ["2 of its 6 blocks", "field \"v\"", "values [1, 21, 21, 32] to [1, 42, 42, 63]"];
        assert_contains(&message, &located);
        let all = refused(world, checkpoints.restart());
        assert_contains(&all, &["no checkpoint is undamaged", "run.00000001.h5", "field \"v\""]);
        Ok(())
    });
}

#[test]
fn a_newer_format_is_no_damage() {
    in_scratch([1, 2], |world, directory| {
        let [_, newest] = two(world, directory)?;
        let good = std::fs::read(&newest)?;
        world.barrier();
        damage(world, &newest, &good, |bytes| {
            bytes[16] = 2;
            seal(bytes);
        });
        let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
        let message = refused(world, checkpoints.restart());
        assert_contains(&message, &["run.00000002.h5", "format version 2", "reads version 1"]);
        Ok(())
    });
}

#[test]
fn a_field_that_is_another_is_refused() {
    in_scratch(RANKS, |world, directory| {
        let [path, _] = two(world, directory)?;
        let saved = Restart::open(world, &path)?;
        assert_eq!(saved.step(), 1);
        let base = || Grid::builder([20, 30, 40]);
        let right = base().build(world)?;
        let wrong = |field: &mut Field<f64, 3>, parts: &[&str]| {
            let message = refused(world, saved.restore(field));
            assert_contains(&message, &[&["\"u\"", "run.00000001.h5"], parts].concat());
        };
        let on = |grid: &Grid<3>| grid.field::<f64>("u");
        let smaller = Grid::builder([20, 30, 39]).build(world)?;
        wrong(&mut on(&smaller), &["cells [20, 30, 40]", "has [20, 30, 39]"]);
        wrong(
            &mut on(&base().periodic([true, false, false]).build(world)?),
            &["periodic", "[true, false, false]"],
        );
        wrong(&mut on(&base().origin([0.0, 0.5, 0.0]).build(world)?), &["origin", "[0.0, 0.5, 0.0]"]);
        wrong(&mut on(&base().spacing([0.1; 3]).build(world)?), &["spacing", "[0.1, 0.1, 0.1]"]);
        wrong(&mut right.field_builder("u").components(2).build()?, &["components 1", "has 2"]);
        wrong(
            &mut right.field_builder("u").centering(Centering::Face(1)).build()?,
            &["\"cell\"", "\"face 1\""],
        );
        Ok(())
    });
}

#[test]
fn a_missing_field_or_one_of_another_type_is_refused() {
    in_scratch([1, 3], |world, directory| {
        let [path, _] = two(world, directory)?;
        let saved = Restart::open(world, &path)?;
        let grid = grid(world)?;
        let missing = refused(world, saved.restore(&mut grid.field::<f64>("w")));
        assert_contains(&missing, &["\"w\"", "run.00000001.h5", "no such field", "[\"u\"]"]);
        let single = refused(world, saved.restore(&mut grid.field::<f32>("u")));
        assert_contains(&single, &["\"u\"", "type \"f64\"", "has \"f32\""]);
        let flat = Grid::builder([30, 40]).build(world)?;
        assert_contains(
            &refused(world, saved.restore(&mut flat.field::<f64>("u"))),
            &["[20, 30, 40]", "[30, 40]"],
        );
        // After all that, the intact one can still be read.
        let mut u = grid.field::<f64>("other name");
        saved.restore_as("u", &mut u)?;
        assert_eq!(u.fingerprint(), field(&grid, 1).fingerprint());
        Ok(())
    });
}

#[test]
fn a_fall_back_is_told_on_rank_0_alone() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let test = RankTest::new(2).env(DIRECTORY, directory.path());
    let outcome = test.output(|world| {
        let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("set above"));
        let [_, newest] = two(world, &directory)?;
        on_rank_0(world, || std::fs::write(&newest, "").unwrap());
        Checkpoints::new(world, directory.join("run"))?.restart()?.expect("step 1 is good");
        Ok(())
    });
    assert!(outcome.success, "{outcome}");
    let [first, second] = outcome.ranks() else { panic!("{outcome}") };
    let parts = ["warning", "run.00000002.h5 cannot be used", "0 bytes", "going on from", "run.00000001.h5"];
    assert_contains(&first.stderr, &parts);
    assert!(!second.stderr.contains("warning"), "{outcome}");
}
