//! The steps of `denoise3d` against those of ITK on the same volume and cores.
//!
//! `cargo xtask bench denoise`, or
//! `mpirun -n 2 target/release/deps/denoise-… [--quick] [--json FILE]`.
//!
//! Both smooth `data/mni152_t1.h5` by 20 steps, in turn; times are of the steps alone, without
//! files. ITK (SimpleITK from PyPI) uses as many threads as this job has ranks × threads; while it
//! runs the ranks sleep. Without Python or SimpleITK the row is left out and the reason is printed.

#[allow(dead_code, reason = "this program times by itself: ITK is too slow for many rounds")]
mod common;
#[path = "../examples/applications/denoise3d/perona_malik.rs"]
mod perona_malik;
#[path = "../tests/common/python.rs"]
mod python;
#[path = "common/sleep.rs"]
mod sleep;

use std::error::Error;
use std::time::Instant;

use clap::Parser;
use common::{Report, Row};
use parhelion::prelude::*;
use perona_malik::Parameters;
use sleep::sleep_until_all_are_here;

const VOLUME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/itk_denoise.py");
const STEPS: usize = 20;
const PARAMETERS: Parameters = Parameters { time_step: 0.0625, conductance: 1.0 };

fn main() -> Result<(), Box<dyn Error>> {
    let options = common::Options::parse();
    let world = World::init()?;
    let mut report = Report::new("denoise", &options, (world.size(), world.threads()), world.rank() == 0)?;
    let grid = Grid::builder([189, 233, 197]).halo(1).build(&world)?;
    let mut original = grid.field::<f32>("image");
    Input::open(&world, VOLUME)?.read_into("t1", &mut original)?;
    let cells = original.shape_global().iter().product::<usize>();

    let mut image = grid.field::<f32>("image");
    let mut ours = || -> parhelion::Result<f64> {
        image.copy_from(&original)?;
        world.barrier();
        let start = Instant::now();
        for _ in 0..STEPS {
            image.exchange_for(Pattern::Box, 1)?;
            let gradient = perona_malik::mean_squared_gradient(&image)?;
            perona_malik::step(&mut image, gradient, PARAMETERS)?;
        }
        world.barrier();
        Ok(start.elapsed().as_secs_f64())
    };
    let itk = (world.rank() == 0).then(|| python::with(&["SimpleITK", "h5py", "numpy"])).flatten();
    let threads = (world.size() * world.threads()).to_string();
    let theirs = || -> Option<f64> {
        let seconds = itk.as_ref().and_then(|python| {
            let text =
                python.run(SCRIPT, [VOLUME, "t1", "--steps", &STEPS.to_string(), "--threads", &threads]);
            serde_json::from_str::<serde_json::Value>(&text).ok()?["seconds"]["best"].as_f64()
        });
        sleep_until_all_are_here(&world);
        seconds
    };

    let mut rounds = Vec::new();
    for _ in 0..if options.quick { 1 } else { 3 } {
        let mut fastest = f64::INFINITY;
        for _ in 0..3 {
            fastest = fastest.min(ours()?);
        }
        rounds.push((fastest, theirs()));
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, _) = rounds[rounds.len() / 2];
    report.say(format_args!("{:.0} million cell updates a second", (cells * STEPS) as f64 / seconds / 1e6));
    let mut ratios: Vec<_> =
        rounds.iter().filter_map(|(ours, itk)| itk.map(|itk| (itk / ours, itk))).collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    match ratios.get(ratios.len() / 2) {
        Some(&(ratio, itk)) => {
            report
                .head("20 steps on the MRI volume; the ratio says how many times faster than ITK (goal: 20)");
            report.row(&Row {
                case: "denoise3d".into(),
                size: "189x233x197 f32".into(),
                value: seconds,
                unit: "s",
                limit: itk,
                against: "ITK on as many threads",
                ratio,
            })?;
        }
        None => report.say("ITK is missing, so there is nothing to compare with"),
    }
    Ok(())
}
