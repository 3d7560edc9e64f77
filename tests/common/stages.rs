//! Tests that run several jobs in turn.

use std::path::{Path, PathBuf};

use parhelion::testing::RankTest;
use parhelion::{Result, World};

/// Tells the ranks the directory of the files.
pub(crate) const DIRECTORY: &str = "PARHELION_TEST_DIRECTORY";
/// Tells the ranks the stage of the test.
const STAGE: &str = "PARHELION_TEST_STAGE";
/// Maximum number of ranks of a job, as in other tests. A job of a sequence is not skipped, but
/// gets fewer ranks.
const MOST_RANKS: &str = "PARHELION_TEST_RANKS";

/// Runs `body` as several jobs in turn, each with its number of ranks and of its stage, in one
/// directory that is empty at first.
pub(crate) fn stages(ranks: &[usize], body: impl Fn(&World, &Path, usize) -> Result<()>) {
    let most = std::env::var(MOST_RANKS).map_or(usize::MAX, |most| most.parse().expect("a number of ranks"));
    // Ranks run the test function again, when the directory exists.
    let made = std::env::var_os(DIRECTORY)
        .is_none()
        .then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    for (stage, &ranks) in ranks.iter().enumerate() {
        let mut test = RankTest::new(1).env(STAGE, stage.to_string());
        if let Some(directory) = &made {
            test = test.env(DIRECTORY, directory.path());
        }
        test.on([(ranks.min(most), 1)], |world| {
            let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("set above"));
            let stage = std::env::var(STAGE).expect("set above").parse().expect("a number");
            body(world, &directory, stage)
        });
    }
}
