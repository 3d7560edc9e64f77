//! Tests of several jobs, one after the other.

use std::path::{Path, PathBuf};

use parhelion::testing::RankTest;
use parhelion::{Result, World};

/// Tells the ranks where the files are.
pub(crate) const DIRECTORY: &str = "PARHELION_TEST_DIRECTORY";
/// Tells the ranks which part of the test this is.
const STAGE: &str = "PARHELION_TEST_STAGE";
/// Most ranks of a job, as for other tests on ranks; but a job of a sequence is not left out, it
/// gets fewer.
const MOST_RANKS: &str = "PARHELION_TEST_RANKS";

/// Runs `body` as several jobs, one after the other, each on its number of ranks and with the
/// number of its stage, in one directory that is empty at first.
pub(crate) fn stages(ranks: &[usize], body: impl Fn(&World, &Path, usize) -> Result<()>) {
    let most = std::env::var(MOST_RANKS).map_or(usize::MAX, |most| most.parse().expect("a number of ranks"));
    // ranks, which run the test function again, find it made
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
