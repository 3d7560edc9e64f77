//! Writing and reading one shared file against plain positioned writes and reads of the same bytes.
//!
//! `cargo xtask bench io`, or `mpirun -n 2 target/release/deps/io-… [--directory DIR] [--quick] [--json FILE]`.
//!
//! # Model
//!
//! Nothing moves bytes to or from a file faster than each rank's own `pwrite` or `pread` of one
//! contiguous share of them, so that is the limit, measured in turn with ours. Ratio 1 is the limit.
//! Neither waits for the disk: what is compared is the way of the bytes through the libraries, from
//! a halo'd array to the page cache of a file system and back. `Output::finish` adds an `fsync`,
//! whose time is the disk's.

#[allow(dead_code, reason = "the few cases here are not chosen by name")]
mod common;
#[path = "common/ranks.rs"]
mod ranks;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use clap::Parser;
use common::{Report, Row, in_turn};
use parhelion::{Grid, Input, Output, World};

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Where to make the files; by default where temporary files go
    #[arg(long)]
    directory: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let (rank, ranks) = (world.rank(), world.size());
    let mut report = Report::new("io", &options.common, (ranks, world.threads()), rank == 0)?;
    let directory = options.directory.unwrap_or_else(std::env::temp_dir);
    let [path, plain] =
        ["h5", "raw"].map(|extension| directory.join(format!("parhelion-bench-io.{extension}")));
    let n = 256;
    let mut grids = vec![[ranks, 1, 1], [1, 1, ranks]];
    grids.dedup();
    report.head("f64 fields with a halo of 1 through a shared HDF5 file, against pwrite and pread");
    for procs in grids {
        let grid = Grid::builder([n; 3]).halo(1).procs(procs).build(&world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_indexed(|[z, y, x]| ((z * n + y) * n + x) as f64);
        let bytes = n.pow(3) * size_of::<f64>();
        let share = bytes / ranks;
        let mut buffer = vec![1_u8; share];
        let offset = (rank * share) as u64;
        let written = in_turn(
            &world,
            &options.common,
            [
                &mut || {
                    Output::create(&world, &path).and_then(|it| it.write(&u)).map(drop).expect("it writes")
                },
                &mut || {
                    if rank == 0 {
                        let _ = std::fs::remove_file(&plain);
                        File::create(&plain).expect("the directory can be written to");
                    }
                    world.barrier();
                    let file = OpenOptions::new().write(true).open(&plain).expect("rank 0 made it");
                    file.write_all_at(&buffer, offset).expect("there is space");
                },
            ],
        );
        Output::create(&world, &path)?.write(&u)?.finish()?;
        let input = Input::open(&world, &path)?;
        let read = in_turn(
            &world,
            &options.common,
            [&mut || input.read_into("u", &mut u).expect("it reads"), &mut || {
                let file = File::open(&plain).expect("it was written");
                file.read_exact_at(&mut buffer, offset).expect("all of it was written");
            }],
        );
        let gigabytes = bytes as f64 * 1e-9;
        for (what, against, times) in [("write", "pwrite", written), ("read", "pread", read)] {
            report.row(&Row {
                case: format!("{what} {procs:?}"),
                size: format!("{n}^3 f64"),
                value: gigabytes / times.of(0),
                unit: "GB/s",
                limit: gigabytes / times.of(1),
                against,
                ratio: times.ratio(1, 0),
            })?;
        }
        world.barrier();
        if rank == 0 {
            for file in [path.clone(), path.with_extension("xdmf"), plain.clone()] {
                std::fs::remove_file(file)?;
            }
        }
    }
    Ok(())
}
