//! `cargo xtask guard`: rules in an outside crate against the same loops written by hand.

use std::fs;
use std::process::Command;

use clap::Args;
use parhelion_launcher::Vendor;

use crate::Failure;
use crate::build::Build;
use crate::setup::setup;
use crate::shell::{line, root, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Least ratio of Parhelion's speed to that of the loop written by hand
    #[arg(long, value_name = "RATIO", default_value_t = 0.6)]
    least: f64,
    /// Only rules whose names contain this, such as 'heat' or 'f32, 3-D'
    only: Option<String>,
}

/// The files of the crate; `{{parhelion}}` in the first is filled in.
const FILES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../guard/Cargo.toml.in")),
    ("src/main.rs", include_str!("../guard/src/main.rs")),
    ("src/byhand.rs", include_str!("../guard/src/byhand.rs")),
    ("src/case.rs", include_str!("../guard/src/case.rs")),
    ("src/linear.rs", include_str!("../guard/src/linear.rs")),
    ("src/operators.rs", include_str!("../guard/src/operators.rs")),
    ("src/physics.rs", include_str!("../guard/src/physics.rs")),
    ("src/rules.rs", include_str!("../guard/src/rules.rs")),
    ("src/stepping.rs", include_str!("../guard/src/stepping.rs")),
];

/// Compares all rules.
pub(crate) fn guard(mpi: Option<Vendor>, options: &Options) -> Result<(), Failure> {
    let build = setup(mpi)?;
    let mut command = command(&build, options.least, true)?;
    command.args(&options.only);
    say(format_args!("rules in an outside crate against loops written by hand"));
    println!("$ {}", line(&command));
    if command.status()?.success() { Ok(()) } else { Err("some rules are slower than they should be".into()) }
}

/// Makes the crate and returns the command that builds and runs it. It has Cargo's default release
/// profile and no flags for a processor, like a user's crate. `complete` adds single precision.
pub(crate) fn command(build: &Build, least: f64, complete: bool) -> Result<Command, Failure> {
    let folder = build.target().join("guard");
    for (file, text) in FILES {
        let path = folder.join(file);
        let text = text.replace("{{parhelion}}", &format!("{:?}", root().to_string_lossy()));
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        // An unchanged file keeps its time, so that Cargo does not build it again.
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::write(&path, text)?;
    }
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let mut command = build.cargo(&["run", "--release", "--quiet"]);
    if complete {
        command.args(["--features", "complete"]);
    }
    command.args(["--", "--least", &least.to_string()]).current_dir(&folder);
    command.env("CARGO_TARGET_DIR", build.target()).env("RUSTFLAGS", "").env("PARHELION_THREADS", "1");
    Ok(command)
}
