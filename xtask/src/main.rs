//! `cargo xtask`: set-up, tests, demo and benchmarks.
fn main() {}
