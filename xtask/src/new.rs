//! `cargo xtask new`: creates a crate with a first solver and a test on ranks.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use parhelion_launcher::Vendor;

use crate::Failure;
use crate::build::Build;
use crate::setup::setup;
use crate::shell::{root, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Name of the crate, such as my-solver
    name: String,
    /// Folder of the crate [default: its name, beside the Parhelion repository]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// The files of a new crate: `{{name}}`, `{{parhelion}}` and `{{environment}}` are filled
/// in.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml.in")),
    (".cargo/config.toml", include_str!("../template/config.toml.in")),
    (".gitignore", "/target\n*.h5\n*.xdmf\n*.png\n"),
    ("README.md", include_str!("../template/README.md.in")),
    ("src/lib.rs", include_str!("../template/lib.rs.in")),
    ("src/main.rs", include_str!("../template/main.rs.in")),
];

/// Creates a crate and prints how to run it.
pub(crate) fn new(mpi: Option<Vendor>, options: &Options) -> Result<(), Failure> {
    check_name(&options.name)?;
    let folder = match &options.path {
        Some(path) => std::path::absolute(path)?,
        None => {
            root().parent().ok_or("the repository has no parent folder; give --path")?.join(&options.name)
        }
    };
    if folder.exists() {
        return Err(format!("{} exists already; choose another --path", folder.display()).into());
    }
    let build = setup(mpi)?;
    write(&build, &options.name, &folder)?;
    say(format_args!("created {}; next:", folder.display()));
    println!("cd {}\ncargo test\ncargo run --release", folder.display());
    Ok(())
}

/// Writes the files of a crate to `folder`.
pub(crate) fn write(build: &Build, name: &str, folder: &Path) -> Result<(), Failure> {
    for (file, template) in FILES {
        let path = folder.join(file);
        let text = template
            .replace("{{name}}", name)
            .replace("{{crate}}", &name.replace('-', "_"))
            .replace("{{parhelion}}", &toml_string(&root().to_string_lossy()))
            .replace("{{environment}}", &environment(build));
        fs::create_dir_all(path.parent().unwrap_or(folder))
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// The variables of the build as lines of cargo's configuration. Variables of the
/// shell take precedence.
fn environment(build: &Build) -> String {
    let line = |(name, value): (&str, &std::ffi::OsStr)| {
        format!("{name} = {}\n", toml_string(&value.to_string_lossy()))
    };
    build.environment().filter(|(name, _)| *name != "CARGO_TARGET_DIR").map(line).collect()
}

fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Accepts the names that cargo accepts, except those taken by Rust or this library.
fn check_name(name: &str) -> Result<(), Failure> {
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if !letters || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!(
            "'{name}' is not a crate name: begin with a letter a-z and use a-z, 0-9, - and _, as in my-solver"
        )
        .into());
    }
    const TAKEN: [&str; 12] =
        ["parhelion", "test", "core", "std", "alloc", "self", "super", "crate", "fn", "mod", "build", "deps"];
    if TAKEN.contains(&name) {
        return Err(format!(
            "'{name}' is taken by Rust, cargo or this library; choose another, such as my-{name}"
        )
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_names_are_refused_with_the_rule() {
        for good in ["heat", "my-solver", "a_1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "1heat", "Heat", "../heat", "my solver", "-a", "test", "parhelion"] {
            let message = check_name(bad).expect_err(bad).to_string();
            assert!(message.contains(&format!("'{bad}'")) && message.contains("my-"), "{message}");
        }
    }

    #[test]
    fn an_existing_folder_is_refused_before_anything_is_looked_for() {
        let options = Options { name: "heat".into(), path: Some(root()) };
        let message = new(None, &options).expect_err("the repository exists").to_string();
        assert!(message.contains("exists already"), "{message}");
    }
}
