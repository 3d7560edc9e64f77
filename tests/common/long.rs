//! Cases that take long.

/// Whether to run them too: `cargo xtask test --long`.
pub(crate) fn long() -> bool {
    std::env::var_os("PARHELION_TEST_LONG").is_some()
}
