//! `cargo xtask`: sets up, tests, demonstrates and measures Parhelion on a machine that has only
//! Rust and git.

mod bench;
mod build;
mod demo;
mod detect;
mod doctor;
mod guard;
mod install;
mod new;
mod setup;
mod shape;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use parhelion_launcher::Vendor;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, test, demonstrate and measure Parhelion")]
struct Cli {
    /// MPI to use if several are installed: openmpi, mpich or intelmpi
    #[arg(long, global = true, value_name = "VENDOR")]
    mpi: Option<Vendor>,
    /// Install missing packages without asking
    #[arg(long, short, global = true)]
    yes: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Denoise a 3-D brain image on all cores, and print the paths of the result and the picture
    Demo(demo::Options),
    /// Check format, lints and documentation, and run all tests
    Test(test::Options),
    /// Create a crate outside this repository, with a first solver and a test on ranks
    New(new::Options),
    /// Run a benchmark at several ranks x threads
    Bench(bench::Options),
    /// Compare rules in an outside crate with the same loops written by hand
    Guard(guard::Options),
    /// Report what is installed, what is missing and how to get it
    Doctor,
    /// Install what is missing
    Setup,
}

/// Why a task failed, as a sentence for the user.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    install::assume_yes(cli.yes);
    let done = match &cli.task {
        Task::Demo(options) => demo::demo(cli.mpi, options),
        Task::Test(options) => test::test(cli.mpi, options),
        Task::New(options) => new::new(cli.mpi, options),
        Task::Bench(options) => bench::bench(cli.mpi, options),
        Task::Guard(options) => guard::guard(cli.mpi, options),
        Task::Doctor => doctor::doctor(cli.mpi),
        Task::Setup => setup::setup(cli.mpi).map(|build| {
            println!("to make plain cargo use the same:\n{}", build.export());
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
