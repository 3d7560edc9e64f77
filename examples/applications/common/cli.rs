//! Command-line options that all applications share.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use parhelion::{Error, World};

/// An option that names a file, and the file if the run will write one.
pub(crate) type Written<'a> = (&'static str, Option<&'a Path>);

/// Refuses files that could not be written at the end of the run: their folders must exist.
///
/// # Collective
/// Over all ranks; rank 0 checks.
pub(crate) fn check_files<'a>(
    world: &World,
    files: impl IntoIterator<Item = Written<'a>>,
) -> parhelion::Result<()> {
    let check = |(option, path): Written<'_>| {
        let Some(path) = path else { return Ok(()) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let prefix = ["--checkpoint", "--pictures"].contains(&option);
        let why = if path.is_dir() && !prefix {
            "it is a directory; name a file in it".into()
        } else if path.file_name().is_none() {
            "it does not end in a file name".into()
        } else if !folder.is_dir() {
            format!("there is no directory {0}; create it with `mkdir -p {0}`", folder.display())
        } else {
            return Ok(());
        };
        Err(Error::other(format!("cannot write {option} {}: {why}", path.display())))
    };
    world.agree(if world.rank() == 0 { files.into_iter().try_for_each(check) } else { Ok(()) })
}

/// A process grid on the command line, such as `2x1x3`.
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

/// Starts the world with the threads that the command line asks for, prints the start-up report,
/// and returns the options. Only rank 0 prints help and errors in the command line.
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
                // There is no remedy for a terminal that cannot be written to.
                let _ = message.print();
            }
            drop(world);
            std::process::exit(message.exit_code())
        }
    }
}

/// Options for measurements.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Measuring {
    /// Print a table of the time, bandwidth, waiting and imbalance of every kernel at the end.
    #[arg(long)]
    report: bool,
    /// Write that table as JSON to this file.
    #[arg(long)]
    report_json: Option<PathBuf>,
    /// Write a timeline of all ranks to this file, for ui.perfetto.dev.
    #[arg(long)]
    trace: Option<PathBuf>,
}

impl Measuring {
    /// The files it writes.
    pub(crate) fn files(&self) -> [Written<'_>; 2] {
        [("--report-json", self.report_json.as_deref()), ("--trace", self.trace.as_deref())]
    }

    /// Starts measuring if a report or a trace is asked for.
    pub(crate) fn begin(&self, world: &World) {
        if self.trace.is_some() {
            world.measure().keep_events(100_000);
        }
        if self.report || self.report_json.is_some() || self.trace.is_some() {
            world.measure().switch_on();
        }
    }

    /// Prints and writes the report and the trace.
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
