//! Writing and reading one shared file against plain positioned writes and reads of the same bytes.
//!
//! `cargo xtask bench io`, or `mpirun -n 2 target/release/deps/io-… [--directory DIR] [--quick]
//! [--json FILE]`.
//!
//! # Model
//!
//! Nothing moves bytes to or from a file faster than each rank's own `pwrite` or `pread` of one
//! contiguous share of them, so that is the limit, measured in turn with ours. Ratio 1 is the
//! limit. Neither waits for the disk: the comparison is about the path of the bytes through the
//! libraries, from a halo'd array to the page cache of a file system and back. `Output::finish`
//! adds an `fsync`, whose time is the disk's. Both create their file each time; the values are
//! those of a smooth function plus noise in the last digits, so that compression is neither trivial
//! nor useless.
//!
//! The last rows are about output in the background: what share of the time of an output, with its
//! `fsync`, is hidden behind a computation that takes as long on its own. 1 would be all of it.
//! What can be hidden depends on who could do the work meanwhile:
//!
//! - "disk" are files where `--directory` says. The disk works by itself, but the bytes are first
//!   copied into the page cache, by a core.
//! - "memory" are files in `/dev/shm`: there is nothing to wait for, all of the time is work of the
//!   cores. With every core computing, none of it can be hidden.
//! - The launch decides how many cores compute: `PARHELION_THREADS=1 mpirun -n
//!   1 --bind-to none` on two cores leaves one for output.
//!
//! Where blocks are uneven (the second size), chunks cannot divide all of them and ranks share
//! some.

#[allow(dead_code, reason = "the few cases here are not chosen by name")]
mod common;
#[path = "common/ranks.rs"]
mod ranks;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use common::{Report, Row, Team, in_turn, median};
use parhelion::io::{Blosc, Compression, Input, Output, Pending, WriteOptions};
use parhelion::{Field, Grid, World};

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Folder of the files [default: that of temporary files]
    #[arg(long)]
    directory: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let (rank, ranks) = (world.rank(), world.size());
    let mut report = Report::new("io", &options.common, (ranks, world.threads()), rank == 0)?;
    let directory = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let mut grids = vec![[ranks, 1, 1], [1, 1, ranks]];
    grids.dedup();
    report.head("f64 fields with a halo of 1 through a shared HDF5 file, against pwrite and pread");
    for n in [256, 251] {
        for &procs in &grids {
            let grid = Grid::builder([n; 3]).halo(1).procs(procs).build(&world)?;
            let mut u = grid.field::<f64>("u");
            u.fill_indexed(|[z, y, x]| {
                let noise = ((z * n + y) * n + x).wrapping_mul(0x9e37_79b9_7f4a_7c15) as u64 >> 44;
                (0.05 * z as f64).sin() * (0.03 * y as f64).cos() + 0.01 * x as f64 + noise as f64 * 1e-14
            });
            let with = |how: Compression| WriteOptions::new().compression(how);
            let plugins = [
                ("lz4", Compression::lz4()),
                ("zstd", Compression::zstd(1)),
                ("blosc lz4", Compression::blosc(Blosc::Lz4, 1)),
                ("blosc zstd", Compression::blosc(Blosc::Zstd, 1)),
            ];
            let layouts = [
                ("contiguous", WriteOptions::new()),
                ("chunked", WriteOptions::new().chunked()),
                ("compressed", WriteOptions::new().compressed(1)),
                ("chunked alone", WriteOptions::new().chunked().independent()),
            ];
            // Plugins, where HDF5_PLUGIN_PATH has them.
            let there = plugins.into_iter().filter(|(_, how)| how.is_available());
            for (layout, how) in layouts.into_iter().chain(there.map(|(name, how)| (name, with(how)))) {
                let case = format!("{layout} {procs:?}");
                if options.common.wants(&case) {
                    measure(&world, &options, &mut report, (&directory, &case), &mut u, &how)?;
                }
            }
        }
    }
    report.head("f64 fields in the background of a computation, against not waiting at all");
    let memory = Path::new("/dev/shm");
    for (kind, directory) in [("disk", &*directory), ("memory", memory)] {
        for &procs in grids.iter().filter(|_| directory.is_dir()) {
            let case = format!("hidden {kind} {procs:?}");
            if options.common.wants(&case) {
                hide(&world, &options, &mut report, (directory, &case), procs)?;
            }
        }
    }
    Ok(())
}

/// Measures how much of an output's time a computation that takes as long can hide.
fn hide(
    world: &World,
    options: &Options,
    report: &mut Report,
    (directory, case): (&Path, &str),
    procs: [usize; 3],
) -> Result<(), Box<dyn Error>> {
    let n = if options.common.quick { 256 } else { 384 };
    let u = Grid::builder([n; 3]).halo(1).procs(procs).build(world)?.field::<f64>("u");
    // Each output is a separate file, as in a series; files are removed between measurements.
    let number = std::cell::Cell::new(0);
    let path = |number: usize| directory.join(format!("parhelion-bench-io-{number}.h5"));
    let clean = || {
        world.barrier();
        if world.rank() == 0 {
            for number in 0..number.get() {
                let _ = std::fs::remove_file(path(number));
                let _ = std::fs::remove_file(path(number).with_extension("xdmf"));
            }
        }
        world.barrier();
        number.set(0);
    };
    let mut work = Grid::builder([64; 3]).procs(procs).build(world)?.field::<f64>("work");
    let mut compute = |times: usize| {
        (0..times).for_each(|n| work.fill_with(|[z, y, x]| (z + n as f64).sin() * y.cos() + x));
    };
    let begin = || {
        number.set(number.get() + 1);
        Output::create(world, path(number.get() - 1)).expect("the directory can be written to")
    };
    let write = || begin().write(&u).and_then(Output::finish).expect("it writes");
    let seconds = |way: &mut dyn FnMut()| {
        world.meet();
        let start = Instant::now();
        way();
        world.slowest(start.elapsed().as_secs_f64())
    };
    // Pages and the memory for copies have been touched.
    write();
    begin().in_background().write(&u)?.finish()?;
    clean();
    // The computation takes as long as the previous output, because the speed of disks varies.
    let (wanted, times) = (std::cell::Cell::new(0.0), std::cell::Cell::new(0));
    let timed_write = || wanted.set(seconds(&mut || write()));
    let as_long = |compute: &mut dyn FnMut(usize)| {
        let start = Instant::now();
        times.set(0);
        while start.elapsed().as_secs_f64() < wanted.get() {
            compute(1);
            times.set(times.get() + 1);
        }
    };
    let both = |compute: &mut dyn FnMut(usize)| {
        let pending = begin().in_background().write(&u).and_then(Output::finish_later);
        compute(times.get());
        pending.and_then(Pending::wait).expect("it writes");
    };
    let compute = std::cell::RefCell::new(&mut compute);
    let measured = in_turn(
        world,
        &options.common,
        [
            &mut || timed_write(),
            &mut || as_long(&mut **compute.borrow_mut()),
            &mut || both(&mut **compute.borrow_mut()),
            &mut || clean(),
        ],
    );
    let hidden = median(measured.0.iter().map(|[write, compute, both, _]| (write + compute - both) / write));
    report.row(&Row {
        case: case.into(),
        size: format!("{n}^3 f64"),
        value: measured.of(2),
        unit: "s",
        limit: measured.of(1),
        against: "the write hidden",
        ratio: hidden,
    })?;
    report.say(format_args!("{:40}{:.3} s to write, {:.3} s to compute", "", measured.of(0), measured.of(1)));
    clean();
    Ok(())
}

/// Measures one layout of the field's dataset.
fn measure(
    world: &World,
    options: &Options,
    report: &mut Report,
    (directory, case): (&Path, &str),
    u: &mut Field<f64, 3>,
    how: &WriteOptions,
) -> Result<(), Box<dyn Error>> {
    let (rank, ranks) = (world.rank(), world.size());
    let [path, plain] =
        ["h5", "raw"].map(|extension| directory.join(format!("parhelion-bench-io.{extension}")));
    let [n, ..] = u.shape_global();
    let bytes = n.pow(3) * size_of::<f64>();
    let share = bytes / ranks;
    let mut buffer = vec![1_u8; share];
    let offset = (rank * share) as u64;
    let written = in_turn(
        world,
        &options.common,
        [
            &mut || {
                Output::create(world, &path)
                    .and_then(|it| it.write_with(u, how))
                    .map(drop)
                    .expect("it writes")
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
    Output::create(world, &path)?.write_with(u, how)?.finish()?;
    let input = Input::open(world, &path)?;
    let read = in_turn(
        world,
        &options.common,
        [&mut || input.read_into("u", u).expect("it reads"), &mut || {
            let file = File::open(&plain).expect("it was written");
            file.read_exact_at(&mut buffer, offset).expect("all of it was written");
        }],
    );
    let gigabytes = bytes as f64 * 1e-9;
    for (what, against, times) in [("write", "pwrite", written), ("read", "pread", read)] {
        report.row(&Row {
            case: format!("{what} {case}"),
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
        let size = std::fs::metadata(&path)?.len();
        report.say(format_args!(
            "{:40}{:.2} of the values' bytes in the file",
            "",
            size as f64 / bytes as f64
        ));
        for file in [path.clone(), path.with_extension("xdmf"), plain.clone()] {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}
