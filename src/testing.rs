//! Tests on real ranks: a `#[test]` function whose body runs under `mpirun`.
//!
//! [`on_ranks`] starts the test program again under `mpirun`, once for each number of ranks, with
//! only the calling test selected. There every rank runs the body. The test fails, with the output
//! of every rank, when any rank panics, returns an error or hangs.
//!
//! ```no_run
//! #[test]
//! fn halos_hold_the_neighbors_values() {
//!     parhelion::testing::on_ranks([1, 2, 4], |world| {
//!         let grid = parhelion::Grid::builder([8, 8]).build(world)?;
//!         let mut u = grid.field::<f64>("u");
//!         u.exchange()
//!     });
//! }
//! # fn main() {}
//! ```
//!
//! `cargo test` is enough, and more ranks than cores are fine. Launches run one at a time, whatever
//! the number of test threads. `PARHELION_MPIRUN_ARGS` is added to every launch.

use std::cell::Cell;
use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use parhelion_launcher::{Launch, Mpirun};

pub use parhelion_launcher::{Outcome, RankOutput};

use crate::error::Result;
use crate::world::World;

/// Set in the processes that run a test's body.
const INSIDE: &str = "PARHELION_TEST_BODY";

/// Cases with more ranks than this are skipped.
const MOST_RANKS: &str = "PARHELION_TEST_RANKS";

/// Begins the line in which a rank returns its result to the test that launched it.
const RESULT: &str = "parhelion-test-result ";

/// One launch at a time: several would compete for the same cores.
static LAUNCHING: Mutex<()> = Mutex::new(());

thread_local! {
    static CALLED: Cell<bool> = const { Cell::new(false) };
}

/// Settings for launching a test's body on ranks.
///
/// [`on_ranks`] is the short way for tests that should pass; [`output`](RankTest::output) is for
/// tests of how a job fails.
#[derive(Clone, Debug)]
pub struct RankTest {
    ranks: usize,
    threads: Option<usize>,
    timeout: Duration,
    mpirun_args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl RankTest {
    /// A launch on `ranks` ranks: one thread each, killed after 5 minutes.
    pub fn new(ranks: usize) -> Self {
        Self {
            ranks,
            threads: Some(1),
            timeout: Duration::from_secs(300),
            mpirun_args: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Sets the threads per rank; `None` leaves the choice to the ranks. Default: 1.
    pub fn threads(mut self, threads: Option<usize>) -> Self {
        self.threads = threads;
        self
    }

    /// Sets the time after which the job is killed and the test fails. Default: 5 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Adds arguments for `mpirun`.
    pub fn mpirun_args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.mpirun_args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable of the ranks.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs `body` on the ranks and returns how the job ended. Under `mpirun`, where this function
    /// is called again, it runs the body and ends the process, with status 0 if the body returned
    /// `Ok`.
    ///
    /// # Panics
    /// When there is no `mpirun` of the MPI library that the program is linked with, when a test
    /// calls it a second time, or outside of a `#[test]`.
    pub fn output(&self, body: impl FnOnce(&World) -> Result<()>) -> Outcome {
        self.output_bare(|| World::init().and_then(|world| body(&world)))
    }

    /// As [`output`](Self::output), with a body that makes the [`World`] itself, for programs with
    /// a custom start of MPI.
    ///
    /// # Panics
    /// As [`output`](Self::output) does.
    pub fn output_bare(&self, body: impl FnOnce() -> Result<()>) -> Outcome {
        if std::env::var_os(INSIDE).is_some() {
            run_body_and_exit(body);
        }
        assert!(
            !CALLED.replace(true),
            "a test can run one body on ranks, for the ranks would run the first again"
        );
        self.launch()
    }

    /// Runs `body` with each of these (ranks, threads per rank) in turn, otherwise with these
    /// settings, and fails the test when a job fails.
    ///
    /// The environment variable `PARHELION_TEST_RANKS` is a number: cases with more ranks are
    /// skipped. MPICH's ranks never give up a core while they wait, so that 8 of them on 2 cores
    /// need 50 ms for a barrier instead of 40 µs.
    ///
    /// # Panics
    /// When a rank panics, returns an error or hangs; as [`output`](Self::output) does.
    pub fn on(
        self,
        cases: impl IntoIterator<Item = (usize, usize)>,
        body: impl FnOnce(&World) -> Result<()>,
    ) {
        if std::env::var_os(INSIDE).is_some() {
            run_body_and_exit(|| World::init().and_then(|world| body(&world)));
        }
        let most = std::env::var(MOST_RANKS).map_or(usize::MAX, |most| {
            most.parse().unwrap_or_else(|_| panic!("{MOST_RANKS} is '{most}'; it may be a number of ranks"))
        });
        for (ranks, threads) in cases.into_iter().filter(|&(ranks, _)| ranks <= most) {
            let outcome = Self { ranks, threads: Some(threads), ..self.clone() }.launch();
            assert!(outcome.success, "the test failed on {ranks} rank(s) × {threads} thread(s):\n{outcome}");
        }
    }

    fn launch(&self) -> Outcome {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        assert!(!test.is_empty() && test != "main", "bodies run on ranks from within #[test] functions");
        let library = mpi::environment::library_version().unwrap_or_default();
        let mpirun = Mpirun::for_library(&library).unwrap_or_else(|error| panic!("{error}"));
        let program = std::env::current_exe().expect("the test program knows its own path");
        let mut launch = Launch::new(&mpirun, program)
            .args(["--exact", &test, "--nocapture", "--test-threads=1", "--quiet"])
            .ranks(self.ranks)
            .timeout(self.timeout)
            .mpirun_args(&self.mpirun_args)
            .env(INSIDE, "1");
        if let Some(threads) = self.threads {
            launch = launch.threads(threads);
        }
        for (name, value) in &self.env {
            launch = launch.env(name, value);
        }
        let _turn = LAUNCHING.lock().unwrap_or_else(PoisonError::into_inner);
        launch.output().unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Runs `body` under `mpirun` with each of these numbers of ranks in turn, one thread each, and
/// fails the test when a job fails or takes more than 5 minutes.
///
/// # Panics
/// When a rank panics, returns an error or hangs; as [`RankTest::output`] does.
pub fn on_ranks(ranks: impl IntoIterator<Item = usize>, body: impl FnOnce(&World) -> Result<()>) {
    on_ranks_and_threads(ranks.into_iter().map(|ranks| (ranks, 1)), body);
}

/// As [`on_ranks`], with (ranks, threads per rank).
///
/// # Panics
/// As for [`on_ranks`].
pub fn on_ranks_and_threads(
    cases: impl IntoIterator<Item = (usize, usize)>,
    body: impl FnOnce(&World) -> Result<()>,
) {
    RankTest::new(1).on(cases, body);
}

/// Runs `body` under `mpirun` with each (ranks, threads per rank) in turn, and fails the test
/// unless every rank of every launch returns the same text. It shows that results have the same
/// bits on any ranks × threads: return [`Field::fingerprint`](crate::field::Field::fingerprint), or
/// numbers as bits.
///
/// ```no_run
/// #[test]
/// fn bits_do_not_depend_on_ranks() {
///     parhelion::testing::same_on([(1, 1), (4, 1), (2, 2)], |world| {
///         let grid = parhelion::Grid::builder([20, 20]).build(world)?;
///         let mut u = grid.field::<f64>("u");
///         u.fill_with(|[y, x]| (y * x).sin());
///         Ok(format!("{:x} {:x}", u.fingerprint(), u.sum().to_bits()))
///     });
/// }
/// # fn main() {}
/// ```
///
/// # Panics
/// When the texts differ; as [`on_ranks`] does.
pub fn same_on(cases: impl IntoIterator<Item = (usize, usize)>, body: impl FnOnce(&World) -> Result<String>) {
    if std::env::var_os(INSIDE).is_some() {
        run_body_and_exit(|| {
            let world = World::init()?;
            // escaped, so that it is one line whatever the text contains
            println!("{RESULT}{:?}", body(&world)?);
            Ok(())
        });
    }
    let mut first: Option<(String, String)> = None;
    for (ranks, threads) in cases {
        let outcome = RankTest::new(ranks).threads(Some(threads)).launch();
        let what = format!("{ranks} rank(s) × {threads} thread(s)");
        assert!(outcome.success, "the test failed on {what}:\n{outcome}");
        for output in outcome.ranks() {
            let result = output.stdout.lines().find_map(|line| line.strip_prefix(RESULT));
            let result = result.unwrap_or_else(|| panic!("a rank returned nothing on {what}:\n{outcome}"));
            let (reference, where_from) = first.get_or_insert_with(|| (result.to_owned(), what.clone()));
            assert_eq!(reference, result, "results differ between {where_from} and {what}");
        }
    }
}

/// Runs the body on a rank, as a `main` that returns its result.
fn run_body_and_exit(body: impl FnOnce() -> Result<()>) -> ! {
    let status = match body() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("Error: {error:?}");
            1
        }
    };
    std::process::exit(status)
}
