//! Compares rules in Parhelion with the same loops written by hand over slices.
//!
//! This crate is built outside the workspace, with Cargo's default release profile and for any
//! processor of its kind, as a user's crate is. Both versions of a rule run in one process, on one
//! thread, in turn. The ratio is hand-written time ÷ Parhelion's time: 1 is as fast as by hand.

mod byhand;
mod case;
mod linear;
mod operators;
mod physics;
mod rules;
mod stepping;

use std::process::ExitCode;

use case::Case;
use parhelion::prelude::*;

/// The ratio below which a rule has fallen off a cliff, and the one that every rule should reach.
const GOAL: f64 = 0.9;

fn main() -> ExitCode {
    match run() {
        Ok(slow) if slow.is_empty() => ExitCode::SUCCESS,
        Ok(slow) => {
            eprintln!("too slow: {}", slow.join("; "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table and returns the names of the rules below the threshold, `--least RATIO`. Only
/// rules whose name contains the other argument run.
fn run() -> parhelion::Result<Vec<String>> {
    let mut least = 0.6;
    let mut only = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--least" {
            least = arguments.next().and_then(|ratio| ratio.parse().ok()).expect("--least takes a ratio");
        } else {
            only = argument;
        }
    }
    let world = World::init()?;
    println!("{:44}{:>10}{:>10}{:>8}", "rule", "by hand", "Parhelion", "ratio");
    println!("{:44}{:>10}{:>10}", "", "GLUP/s", "GLUP/s");
    let (mut slow, mut count, mut reached) = (Vec::new(), 0, 0);
    for make in operators::all().into_iter().chain(rules::all(&world)) {
        if !make.name.contains(&only) {
            continue;
        }
        let mut case: Case = (make.build)()?;
        case.check(&make.name)?;
        let mut times = case.time();
        if times.ratio() < least {
            // Once more, in case something else was running.
            times = case.time();
        }
        let ratio = times.ratio();
        let optional = make.name.contains(rules::WITHOUT_MACRO);
        let mark = match (ratio < least, optional) {
            (true, false) => "  TOO SLOW",
            (true, true) => "  (why there is `rule!`)",
            (false, _) => "",
        };
        println!("{:44}{:>10.3}{:>10.3}{:>8.2}{mark}", make.name, times.by_hand, times.ours, ratio);
        if ratio < least && !optional {
            slow.push(format!("{} ({ratio:.2} of by hand, {least} is the least)", make.name));
        }
        count += 1;
        reached += usize::from(ratio >= GOAL);
    }
    println!("{reached} of {count} rules reach {GOAL} of the loop by hand; the least allowed is {least}");
    Ok(slow)
}
