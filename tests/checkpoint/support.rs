//! What the tests share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parhelion::testing::{Outcome, RankTest};
use parhelion::{Result, World};
use parhelion_launcher::{Launch, Mpirun};

pub(crate) use crate::refused::{assert_contains, files, refused};

/// Tells the ranks where the files are.
pub(crate) const DIRECTORY: &str = "PARHELION_TEST_DIRECTORY";
/// Tells the ranks which part of the test this is.
const STAGE: &str = "PARHELION_TEST_STAGE";

/// Runs `body` as several jobs, one after the other, each on its number of ranks and with the number of its stage,
/// in one directory that is empty at first.
pub(crate) fn stages(ranks: &[usize], body: impl Fn(&World, &Path, usize) -> Result<()>) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (stage, &ranks) in ranks.iter().enumerate() {
        let test = RankTest::new(1).env(DIRECTORY, directory.path()).env(STAGE, stage.to_string());
        test.on([(ranks, 1)], |world| {
            let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("set above"));
            let stage = std::env::var(STAGE).expect("set above").parse().expect("a number");
            body(world, &directory, stage)
        });
    }
}

/// Runs `body` with an empty directory on each of these numbers of ranks.
pub(crate) fn in_scratch(ranks: impl IntoIterator<Item = usize>, body: impl Fn(&World, &Path) -> Result<()>) {
    for ranks in ranks {
        stages(&[ranks], |world, directory, _| body(world, directory));
    }
}

/// Starts the calling test anew as a job of its own, however it ends. What it does there, the variables tell.
pub(crate) fn launch(ranks: usize, variables: &[(&str, OsString)]) -> Outcome {
    let launch = job(ranks).timeout(Duration::from_secs(200));
    let launch = variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
    launch.output().expect("mpirun starts")
}

/// The calling test as a job, to be started.
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

/// Lets rank 0 alone change files; the others see the change.
pub(crate) fn on_rank_0(world: &World, change: impl FnOnce()) {
    world.barrier();
    if world.rank() == 0 {
        change();
    }
    world.barrier();
}
