//! Helpers of the tests.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use parhelion::testing::Outcome;
use parhelion::{Result, World};
use parhelion_launcher::{Launch, Mpirun};

pub(crate) use crate::refused::{assert_contains, files, refused};
pub(crate) use crate::stages::{DIRECTORY, stages};

/// Runs `body` with an empty directory on each of these numbers of ranks.
pub(crate) fn in_scratch(ranks: impl IntoIterator<Item = usize>, body: impl Fn(&World, &Path) -> Result<()>) {
    for ranks in ranks {
        stages(&[ranks], |world, directory, _| body(world, directory));
    }
}

/// Starts the calling test again as a separate job, which may end in any way. The variables tell it
/// what to do.
pub(crate) fn launch(ranks: usize, variables: &[(&str, OsString)]) -> Outcome {
    let launch = job(ranks).timeout(Duration::from_secs(200));
    let launch = variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
    launch.output().expect("mpirun starts")
}

/// Prepares to launch the calling test as a job.
pub(crate) fn job(ranks: usize) -> Launch {
    let test = std::thread::current().name().expect("tests have names").to_owned();
    let program = std::env::current_exe().expect("the test program knows its own path");
    let args = ["--exact", &test, "--nocapture", "--test-threads=1", "--quiet"];
    Launch::new(&mpirun(), program).args(args).ranks(ranks).threads(1)
}

pub(crate) fn mpirun() -> Mpirun {
    let library = mpi::environment::library_version().expect("MPI names itself");
    Mpirun::for_library(&library).expect("there is an mpirun for this MPI")
}

/// Lets rank 0 change files before the other ranks continue.
pub(crate) fn on_rank_0(world: &World, change: impl FnOnce()) {
    world.barrier();
    if world.rank() == 0 {
        change();
    }
    world.barrier();
}
