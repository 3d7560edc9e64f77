//! Memory used by this process, from Linux's `/proc`.

use std::fs;

/// Returns the largest growth of the memory in use, in bytes, while `work` ran, or `None` where the
/// system does not report it.
pub(crate) fn growth(work: impl FnOnce()) -> Option<usize> {
    let before = status("VmRSS:");
    // Resets the peak to the present value.
    let cleared = fs::write("/proc/self/clear_refs", "5");
    work();
    cleared.ok()?;
    status("VmHWM:")?.checked_sub(before?)
}

/// A value of `/proc/self/status`, in bytes.
fn status(name: &str) -> Option<usize> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}
