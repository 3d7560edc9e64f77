//! Python with a few packages from PyPI, for tests that read files with other tools.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Folder of the pinned versions and the scripts.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python");

/// A Python that can import the requested packages.
pub(crate) struct Python {
    packages: PathBuf,
}

/// Returns Python with these packages, in the versions of `tests/python/requirements.txt`.
///
/// They are installed once, beside the test programs. Without Python, pip or network, prints the
/// reason past the capture of test output and returns `None`: the calling test is skipped.
pub(crate) fn with(packages: &[&str]) -> Option<Python> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _turn = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    install(packages).map_err(|reason| skip(&format!("no Python with {packages:?}: {reason}"))).ok()
}

/// Prints why the calling test is skipped, past the capture of test output.
pub(crate) fn skip(reason: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "skipped {}: {reason}", thread.name().unwrap_or_default());
}

fn install(packages: &[&str]) -> Result<Python, String> {
    let pinned = std::fs::read_to_string(format!("{SCRIPTS}/requirements.txt")).map_err(|e| e.to_string())?;
    let pin = |package: &&str| {
        let found = pinned.lines().find(|line| line.split("==").next() == Some(package));
        found.unwrap_or_else(|| panic!("requirements.txt does not pin {package}"))
    };
    let pins: Vec<&str> = packages.iter().map(pin).collect();
    // Each set of versions has its own directory.
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python").join(pins.join("+"));
    if packages.is_dir() {
        return Ok(Python { packages });
    }
    // Complete or absent: pip fills another directory, which is renamed in one step.
    let parent = packages.parent().expect("it was joined to one");
    std::fs::create_dir_all(parent).map_err(|e| e.to_string())?;
    let partial = tempfile::tempdir_in(parent).map_err(|e| e.to_string())?;
    let mut pip = Command::new("python3");
    // Nothing is compiled: a package without a wheel for this machine is a reason to skip.
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--only-binary", ":all:", "--timeout", "10", "--retries", "1", "--target"]);
    let output = pip.arg(partial.path()).args(&pins).output().map_err(|e| format!("python3: {e}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("pip: {}", text.lines().last().unwrap_or("failed without a word")));
    }
    match std::fs::rename(partial.path(), &packages) {
        // Another test program was faster.
        Err(error) if !packages.is_dir() => Err(error.to_string()),
        _ => Ok(Python { packages }),
    }
}

impl Python {
    /// Directory of the packages.
    #[allow(dead_code, reason = "not all test programs need it")]
    pub(crate) fn packages(&self) -> &Path {
        &self.packages
    }

    /// Runs a script of `tests/python` and returns what it prints.
    ///
    /// # Panics
    /// If the script fails, with its output.
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(
        &self,
        script: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> String {
        let output = Command::new("python3")
            .env("PYTHONPATH", &self.packages)
            .arg(Path::new(SCRIPTS).join(script))
            .args(arguments)
            .output()
            .expect("python3 was there to install packages");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} failed:\n{errors}");
        String::from_utf8(output.stdout).expect("scripts print UTF-8")
    }
}
