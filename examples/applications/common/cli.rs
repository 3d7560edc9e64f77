//! What the examples' command lines have in common.

use std::path::PathBuf;
use std::str::FromStr;

use parhelion::{Error, World};

/// A process grid on the command line: `2x1x3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Procs<const N: usize>(pub(crate) [usize; N]);

impl<const N: usize> FromStr for Procs<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
        numbers.ok().and_then(|numbers| numbers.try_into().ok()).map(Self).ok_or_else(|| {
            format!("'{text}' is not a process grid of {N} axes, such as {}", ["2"; N].join("x"))
        })
    }
}

/// Starts the world with the threads that the command line asks for, prints the start-up report, and
/// returns the options. Rank 0 alone prints help and complaints about the command line.
pub(crate) fn start<O: clap::Parser>(threads: impl Fn(&O) -> Option<usize>) -> parhelion::Result<(World, O)> {
    let options = O::try_parse();
    let mut builder = World::builder().startup_report(options.is_ok());
    if let Some(threads) = options.as_ref().ok().and_then(threads) {
        builder = builder.threads(threads);
    }
    let world = builder.init()?;
    match options {
        Ok(options) => Ok((world, options)),
        Err(message) => {
            if world.rank() == 0 {
                // Nothing can be done about a terminal that cannot be written to.
                let _ = message.print();
            }
            drop(world);
            std::process::exit(message.exit_code())
        }
    }
}

/// What to measure.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Measuring {
    /// Print at the end what every kind of work cost: time, bandwidth, waiting, imbalance.
    #[arg(long)]
    report: bool,
    /// File for the same as JSON.
    #[arg(long)]
    report_json: Option<PathBuf>,
    /// File for a timeline of all ranks, for ui.perfetto.dev.
    #[arg(long)]
    trace: Option<PathBuf>,
}

impl Measuring {
    /// Begins to measure, if anything is asked for.
    pub(crate) fn begin(&self, world: &World) {
        if self.trace.is_some() {
            world.measure().keep_events(100_000);
        }
        if self.report || self.report_json.is_some() || self.trace.is_some() {
            world.measure().switch_on();
        }
    }

    /// Prints and writes what is asked for.
    pub(crate) fn end(&self, world: &World) -> parhelion::Result<()> {
        if let Some(path) = &self.trace {
            world.write_trace(path)?;
        }
        if !self.report && self.report_json.is_none() {
            return Ok(());
        }
        let report = world.report();
        if world.rank() == 0 && self.report {
            print!("{report}");
        }
        let write = |path: &PathBuf| {
            let written = std::fs::write(path, report.to_json());
            written.map_err(|error| Error::other(format!("cannot write {}: {error}", path.display())))
        };
        let asked = self.report_json.as_ref().filter(|_| world.rank() == 0);
        world.agree(asked.map_or(Ok(()), write))
    }
}
