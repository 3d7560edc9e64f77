//! Checkpoints against plain files of the same bytes, and what they cost a run.
//!
//! `cargo xtask bench checkpoint`, or `mpirun -n 2 target/release/deps/checkpoint-… [--directory
//! DIR] [--quick] [--json FILE]`.
//!
//! # Model
//!
//! A checkpoint must be on disk to be complete, so the limit is each rank's own `pwrite` of one
//! contiguous share of the bytes, and `fsync`. Ratio 1 is the limit. Saving adds checksums, the way
//! through HDF5 and, with reading back, the same bytes once more from the disk. A restart reads
//! everything twice, to compare it and to fill the fields; its limit is one `pread`.
//!
//! A run of heat steps is timed with one checkpoint in it and without: ratio 1 means that a
//! checkpoint costs nothing.

#[allow(dead_code, reason = "the few cases here are not chosen by name")]
mod common;
#[path = "common/ranks.rs"]
mod ranks;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use common::{Report, Row, in_turn};
use parhelion::checkpoint::{Checkpoint, Checkpoints};
use parhelion::prelude::*;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Folder of the files [default: that of temporary files]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Cells per axis
    #[arg(long, default_value_t = 192)]
    cells: usize,
    /// Seconds that a run computes between two checkpoints
    #[arg(long, default_value_t = 4.0)]
    between: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report =
        Report::new("checkpoint", &options.common, (world.size(), world.threads()), world.rank() == 0)?;
    let directory = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let plain = directory.join("parhelion-bench-checkpoint.raw");
    let grid = Grid::builder([options.cells; 3]).halo(1).build(&world)?;
    let mut u = grid.field::<f64>("u");
    u.fill_indexed(|[z, y, x]| ((z * 7 + y * 3 + x) % 97) as f64);
    let series = |name: &str| {
        let path = directory.join(format!("parhelion-bench-{name}"));
        Checkpoints::new(&world, path).map(|made| made.keep(1))
    };
    let mut trusting = series("trusting")?.read_back(false);
    let mut checking = series("checking")?;
    let bytes = options.cells.pow(3) * size_of::<f64>();
    let share = bytes / world.size();
    let (mut buffer, offset) = (vec![1_u8; share], (world.rank() * share) as u64);
    let gigabytes = bytes as f64 * 1e-9;
    let size = format!("{}^3 f64", options.cells);

    report.head("one f64 field to disk, against pwrite and fsync; and back, against pread");
    let written = in_turn(
        &world,
        &options.common,
        [
            &mut || drop(trusting.save(Checkpoint::new(1, 0.0).field(&u)).expect("it is saved")),
            &mut || drop(checking.save(Checkpoint::new(1, 0.0).field(&u)).expect("it is saved")),
            &mut || {
                if world.rank() == 0 {
                    let _ = std::fs::remove_file(&plain);
                    File::create(&plain).expect("the directory can be written to");
                }
                world.barrier();
                let file = OpenOptions::new().write(true).open(&plain).expect("rank 0 made it");
                file.write_all_at(&buffer, offset).expect("there is space");
                file.sync_all().expect("the disk works");
            },
        ],
    );
    let read = in_turn(
        &world,
        &options.common,
        [
            &mut || {
                let saved = checking.restart().expect("it can be read").expect("it was saved");
                saved.restore(&mut u).expect("it can be read");
            },
            &mut || {
                let file = File::open(&plain).expect("it was written");
                file.read_exact_at(&mut buffer, offset).expect("all of it was written");
            },
        ],
    );
    let rows = [
        ("save, not read back", "pwrite + fsync", written.of(0), written.of(2), written.ratio(2, 0)),
        ("save, read back", "pwrite + fsync", written.of(1), written.of(2), written.ratio(2, 1)),
        ("restart", "pread", read.of(0), read.of(1), read.ratio(1, 0)),
    ];
    for (case, against, ours, limit, ratio) in rows {
        report.row(&Row {
            case: case.into(),
            size: size.clone(),
            value: gigabytes / ours,
            unit: "GB/s",
            limit: gigabytes / limit,
            against,
            ratio,
        })?;
    }

    report.head("heat steps with one checkpoint, against the same steps without");
    let heat = star_stencil::<f64, 3, 1>(rule!(|u| {
        let around = u.at::<-1, 0, 0>() + u.at::<1, 0, 0>() + u.at::<0, -1, 0>();
        let around = around + u.at::<0, 1, 0>() + u.at::<0, 0, -1>() + u.at::<0, 0, 1>();
        u.center() + 0.1 * (around - 6.0 * u.center())
    }));
    u.advance(&heat, 10)?;
    let start = Instant::now();
    u.advance(&heat, 20)?;
    let a_step = common::Team::slowest(&world, start.elapsed().as_secs_f64()) / 20.0;
    let between = if options.common.quick { options.between / 8.0 } else { options.between };
    let steps = (between / a_step).ceil() as usize;
    let mut v = grid.field::<f64>("u");
    v.copy_from(&u)?;
    let runs = in_turn(
        &world,
        &options.common,
        [
            &mut || {
                u.advance(&heat, steps).expect("it advances");
                checking.save(Checkpoint::new(1, u.time()).field(&u)).expect("it is saved");
            },
            &mut || v.advance(&heat, steps).expect("it advances"),
        ],
    );
    report.row(&Row {
        case: format!("{steps} steps and a checkpoint"),
        size,
        value: runs.of(0),
        unit: "s",
        limit: runs.of(1),
        against: "without",
        ratio: runs.ratio(1, 0),
    })?;
    world.barrier();
    if world.rank() == 0 {
        std::fs::remove_file(&plain)?;
        for entry in std::fs::read_dir(&directory)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("parhelion-bench-trusting.") || name.starts_with("parhelion-bench-checking.")
            {
                std::fs::remove_file(directory.join(&*name))?;
            }
        }
    }
    Ok(())
}
