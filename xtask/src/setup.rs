//! Finds MPI and HDF5, installs what is missing, and chooses how to build.

use parhelion_launcher::Vendor;

use crate::Failure;
use crate::build::Build;
use crate::detect::Found;
use crate::install::{Need, install};
use crate::shell::{answer, must, say};

/// Makes sure that everything is installed and returns how to build and run with it.
pub(crate) fn setup(asked: Option<Vendor>) -> Result<Build, Failure> {
    let mut found = Found::detect(asked)?;
    let needs = Need::missing(&found);
    if !needs.is_empty() {
        let vendor = found.vendor;
        refuse_wrong_choice(&needs, vendor)?;
        install(&needs, vendor)?;
        found = Found::detect(Some(vendor))?;
        let still = Need::missing(&found);
        if !still.is_empty() {
            let what = still.iter().map(|need| need.reason(vendor)).collect::<Vec<_>>().join("; ");
            return Err(format!("installed, but still not found: {what}; see `cargo xtask doctor`").into());
        }
    }
    let build = Build::new(&found)?;
    say(&build);
    Ok(build)
}

/// Refuses an `HDF5_DIR` that cannot be used: the build would still use it after another HDF5 was
/// installed.
fn refuse_wrong_choice(needs: &[Need], vendor: Vendor) -> Result<(), Failure> {
    match std::env::var("HDF5_DIR") {
        Ok(folder) if needs.contains(&Need::Hdf5) => Err(format!(
            "HDF5_DIR={folder} has no HDF5 built with {vendor} (H5_HAVE_PARALLEL in include/H5pubconf.h); \
             unset it, or set it to the prefix of one that is"
        )
        .into()),
        _ => Ok(()),
    }
}

/// Makes sure that `cargo fmt` and `cargo clippy` are installed.
pub(crate) fn components() -> Result<(), Failure> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if answer("cargo", &[command, "--version"]).is_some() {
            continue;
        }
        if answer("rustup", &["--version"]).is_none() {
            return Err(
                format!("`cargo {command}` is missing; install the Rust component {component}").into()
            );
        }
        say(format_args!("missing: {component} (`cargo {command}`); installing it"));
        must(std::process::Command::new("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}
