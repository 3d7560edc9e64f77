//! A dataset of more than 2³² elements and bytes, and a block of more than 2³¹.

use nix::sys::statvfs::statvfs;
use parhelion::io::{Input, Output, ReadOptions, WriteOptions};
use parhelion::testing::on_ranks;

use crate::array::{Array, Layout};
use crate::python::skip;

/// 4.9 billion bytes; the ranks own only a few at the end; the rest of the file is reserved but not
/// written.
const SHAPE: [usize; 3] = [1700; 3];
const LAST: usize = 1699;

#[test]
fn indices_beyond_32_bits_lead_to_their_elements() {
    let scratch = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = scratch.join("io-large.h5");
    let free = statvfs(scratch).map(|it| it.blocks_available() * it.fragment_size()).unwrap();
    if free < 12 << 30 {
        return skip(&format!("{free} bytes are free, this test wants to be far from a full disk"));
    }
    on_ranks([1, 3], |world| {
        let one = Layout { shape: vec![1, 1, 16], ranks: vec![1; 3], halo: 1, padding: 0, components: 1 };
        let place = |rank: usize| {
            let mut u = Array::<i8>::new("u", &one, 0);
            u.placement.file_shape = SHAPE.to_vec();
            u.placement.file_start = vec![LAST, LAST, SHAPE[2] - 16 * (rank + 1)];
            u
        };
        let value = |index: usize| (index % 101) as i8;
        let mut u = place(world.rank());
        u.fill_with(value);
        for options in [WriteOptions::new(), WriteOptions::new().chunks([100, 1700, 1700])] {
            let last =
                WriteOptions::new().name("last").at(0, LAST).at(1, LAST).window(2, SHAPE[2] - 8..SHAPE[2]);
            Output::create(world, &path)?.write_with(&u, &options)?.write_with(&u, &last)?.finish()?;
            let input = Input::open(world, &path)?;
            let mut back = place((world.rank() + 1) % world.size());
            input.read_into("u", &mut back)?;
            back.assert_holds(value);
            let eight = Layout { shape: vec![1, 1, 8], ..one.clone() };
            let end = ReadOptions::new().at(0, LAST).at(1, LAST).window(2, SHAPE[2] - 8..SHAPE[2]);
            for (name, part) in [("last", ReadOptions::new()), ("u", end)] {
                let mut end = Array::<i8>::new(name, &eight, 0);
                input.read_with(name, &mut end, &part)?;
                end.assert_holds(|index| value(SHAPE.iter().product::<usize>() - 8 + index));
            }
        }
        world.barrier();
        if world.rank() == 0 {
            std::fs::remove_file(&path)?;
            std::fs::remove_file(path.with_extension("xdmf"))?;
        }
        Ok(())
    });
}

/// Two and a half billion values of one byte on one rank.
const BLOCK: [usize; 2] = [3, 833_333_333];
/// Indices of the nonzero values: the ends, and both sides of 2³¹.
const MARKS: [usize; 5] = [0, (1 << 31) - 1, 1 << 31, (1 << 31) + 4097, BLOCK[0] * BLOCK[1] - 1];

#[test]
fn a_block_of_more_than_two_gib_is_written_in_the_background() {
    let scratch = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = scratch.join("io-large-background.h5");
    let free = statvfs(scratch).map(|it| it.blocks_available() * it.fragment_size()).unwrap();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available =
        memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next());
    let available = available.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) << 10;
    if free < 8 << 30 || available < 8 << 30 {
        return skip(&format!(
            "{free} bytes of the disk and {available} of memory are free, this test takes 2.5 GB of each"
        ));
    }
    on_ranks([1], |world| {
        let layout = Layout { shape: BLOCK.to_vec(), ranks: vec![1; 2], halo: 0, padding: 0, components: 1 };
        let mut u = Array::<i8>::new("u", &layout, 0);
        for (number, mark) in (1..).zip(MARKS) {
            u.parts[0][mark] = number;
        }
        let output = Output::create(world, &path)?.in_background().write(&u)?;
        MARKS.iter().for_each(|&mark| u.parts[0][mark] = -1);
        output.finish_later()?.wait()?;
        drop(u);
        let input = Input::open(world, &path)?;
        for mark in MARKS {
            let (row, column) = (mark / BLOCK[1], mark % BLOCK[1]);
            let first = column.saturating_sub(3).min(BLOCK[1] - 8);
            let eight = Layout { shape: vec![1, 8], ..layout.clone() };
            let mut part = Array::<i8>::new("u", &eight, 0);
            input.read_with("u", &mut part, &ReadOptions::new().at(0, row).window(1, first..first + 8))?;
            let value = |index| {
                let found = MARKS.iter().position(|&mark| mark == row * BLOCK[1] + first + index);
                found.map_or(0, |number| number as i8 + 1)
            };
            part.assert_holds(value);
        }
        std::fs::remove_file(&path)?;
        std::fs::remove_file(path.with_extension("xdmf")).or(Ok(()))
    });
}
