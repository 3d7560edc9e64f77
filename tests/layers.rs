//! Which module may import which: the code follows the floors of ARCHITECTURE.md.
//!
//! A block of ARCHITECTURE.md that begins with ```` ```floors DIR ```` lists the modules of a
//! source folder, top floor first, one floor a line. A module may import from lower floors only. An
//! exception is a line `lower -> upper: why`, and must still be needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of one folder.
struct Floors {
    directory: String,
    /// Floor of each module, 0 at the top.
    floor: BTreeMap<String, usize>,
    /// Upward imports with a reason.
    argued: BTreeSet<(String, String)>,
}

fn floors() -> Vec<Floors> {
    let text = include_str!("../ARCHITECTURE.md");
    let mut all = Vec::new();
    for block in text.split("```floors ").skip(1) {
        let (block, _) = block.split_once("```").expect("a block of floors ends");
        let (directory, rest) = block.split_once('\n').expect("a block of floors names its folder first");
        let mut floors =
            Floors { directory: directory.trim().into(), floor: BTreeMap::new(), argued: BTreeSet::new() };
        for (number, line) in rest.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            if let Some((pair, why)) = line.split_once(':') {
                let (lower, upper) = pair.split_once("->").expect("an exception reads `lower -> upper: why`");
                assert!(why.trim().len() > 10, "{line}: an exception needs a reason");
                floors.argued.insert((lower.trim().into(), upper.trim().into()));
            } else {
                for module in line.split_whitespace() {
                    let known = floors.floor.insert(module.into(), number);
                    assert!(known.is_none(), "{module} is on two floors of {}", floors.directory);
                }
            }
        }
        all.push(floors);
    }
    assert!(!all.is_empty(), "ARCHITECTURE.md has no block of floors");
    all
}

/// All paths in `text` that begin with `crate`, `super` or `self`, with braces expanded.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n").collect();
    let mut found = Vec::new();
    for (start, _) in code.match_indices("::") {
        let head = code[..start].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let before = &code[..start - head.len()];
        if ["crate", "super", "self"].contains(&head) && !before.ends_with("::") && !before.ends_with('$') {
            expand(&code[start + 2..], &mut vec![head.to_owned()], &mut found);
        }
    }
    found
}

/// Reads one tree of a `use` declaration; returns what follows it.
fn expand<'a>(text: &'a str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = expand(rest, prefix, found).trim_start();
            match rest.chars().next() {
                Some(',') => rest = &rest[1..],
                Some('}') => return &rest[1..],
                _ => return rest,
            }
            if let Some(end) = rest.trim_start().strip_prefix('}') {
                return end;
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(text.len());
    let (word, mut rest) = text.split_at(end);
    prefix.push(word.to_owned());
    if let Some(more) = rest.strip_prefix("::") {
        rest = expand(more, prefix, found);
    } else {
        found.push(prefix.clone());
        if let Some(renamed) = rest.trim_start().strip_prefix("as ") {
            let renamed = renamed.trim_start();
            let end = renamed.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(renamed.len());
            rest = &renamed[end..];
        }
    }
    prefix.pop();
    rest
}

fn sources(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The module of a file, as a path below the crate's root.
fn module(root: &Path, file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .strip_prefix(root)
        .unwrap()
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// An import as a path below the crate's root.
fn absolute(path: &[String], from: &[String]) -> Vec<String> {
    let mut base = match path[0].as_str() {
        "crate" => Vec::new(),
        _ => from.to_vec(),
    };
    for part in path {
        match part.as_str() {
            "super" => drop(base.pop()),
            "crate" | "self" => {}
            name => base.push(name.to_owned()),
        }
    }
    base
}

/// The names that a folder's `mod.rs` exports, and the modules that they come from.
fn handed_on(file: &Path, modules: &BTreeMap<String, usize>) -> BTreeMap<String, String> {
    let text = fs::read_to_string(file).unwrap();
    let mut names = BTreeMap::new();
    for (start, _) in text.match_indices("use ") {
        let mut found = Vec::new();
        expand(&text[start + 4..], &mut Vec::new(), &mut found);
        for path in found {
            let path: Vec<_> = path.into_iter().filter(|part| part != "self").collect();
            if path.len() > 1 && modules.contains_key(&path[0]) {
                names.insert(path[path.len() - 1].clone(), path[0].clone());
            }
        }
    }
    names
}

#[test]
fn imports_point_down() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for floors in floors() {
        let directory = manifest.join(&floors.directory);
        let root = directory.ancestors().find(|path| path.ends_with("src")).expect("sources lie in src");
        let inside = module(root, &directory.join("mod.rs"));
        let own = if inside.is_empty() { directory.join("lib.rs") } else { directory.join("mod.rs") };
        let handed_on = handed_on(&own, &floors.floor);
        let mut files = Vec::new();
        sources(&directory, &mut files);
        let mut needed = BTreeSet::new();
        for file in files.iter().filter(|&file| *file != own) {
            let from = module(root, file);
            let name = &from[inside.len()];
            if ["guide", "prelude"].contains(&name.as_str()) {
                continue; // hand names on
            }
            let Some(&floor) = floors.floor.get(name) else {
                wrong.push(format!("{} is on no floor of {}", file.display(), floors.directory));
                continue;
            };
            let text = fs::read_to_string(file).unwrap();
            let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or("");
            for path in paths(text) {
                let path = absolute(&path, &from);
                let Some(name) = path.strip_prefix(&inside[..]).and_then(|rest| rest.first()) else {
                    continue;
                };
                let target = handed_on.get(name).unwrap_or(name);
                let Some(&other) = floors.floor.get(target) else { continue };
                if *target == from[inside.len()] || other > floor {
                    continue;
                }
                let pair = (from[inside.len()].clone(), target.clone());
                if floors.argued.contains(&pair) {
                    needed.insert(pair);
                } else {
                    let file = file.strip_prefix(manifest).unwrap().display();
                    wrong.push(format!(
                        "{file} imports {} from floor {other}, itself on {floor}",
                        path.join("::")
                    ));
                }
            }
        }
        for (lower, upper) in floors.argued.difference(&needed) {
            wrong.push(format!("{}: {lower} -> {upper} is argued but not needed", floors.directory));
        }
        let there = |name: &&String| {
            directory.join(format!("{name}.rs")).exists() || directory.join(name.as_str()).is_dir()
        };
        let missing: Vec<_> = floors.floor.keys().filter(|name| !there(name)).collect();
        assert!(missing.is_empty(), "{} has no {missing:?}", floors.directory);
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "imports that ARCHITECTURE.md does not allow:\n{}", wrong.join("\n"));
}
