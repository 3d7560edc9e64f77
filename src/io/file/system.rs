//! Calls of the operating system that the standard library does not offer, behind safe functions.
#![allow(unsafe_code, reason = "the one place of this room that calls C")]

/// Reserves disk space for a range of a file. `Unsupported` where the file system cannot.
#[cfg(target_os = "linux")]
pub(in crate::io) fn reserve(file: &std::fs::File, offset: u64, length: u64) -> std::io::Result<()> {
    use std::io::{Error, ErrorKind};
    use std::os::fd::AsRawFd;
    let too_large = |_| Error::from(ErrorKind::FileTooLarge);
    let offset = libc::off64_t::try_from(offset).map_err(too_large)?;
    let length = libc::off64_t::try_from(length).map_err(too_large)?;
    // SAFETY: the descriptor is open while `file` is borrowed; no memory is passed.
    if unsafe { libc::fallocate64(file.as_raw_fd(), 0, offset, length) } == 0 {
        return Ok(());
    }
    let error = Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL) => Err(ErrorKind::Unsupported.into()),
        _ => Err(error),
    }
}

/// Reserves disk space for a range of a file. `Unsupported` where the file system cannot.
#[cfg(not(target_os = "linux"))]
pub(in crate::io) fn reserve(_: &std::fs::File, _: u64, _: u64) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Lets the disk begin with a range of a file that was written, without waiting for it. Only a
/// hint: what fails here fails again where somebody waits.
#[cfg(target_os = "linux")]
pub(in crate::io) fn begin_writing(file: &std::fs::File, offset: u64, length: u64) {
    use std::os::fd::AsRawFd;
    let (Ok(offset), Ok(length)) = (offset.try_into(), length.try_into()) else { return };
    // SAFETY: the descriptor is open while `file` is borrowed; no memory is passed.
    unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Lets the disk begin with a range of a file that was written, where the system knows such a hint.
#[cfg(not(target_os = "linux"))]
pub(in crate::io) fn begin_writing(_: &std::fs::File, _: u64, _: u64) {}

/// Bytes that an ordinary user may still write to the file system of this file.
pub(in crate::io) fn free_space(file: &std::fs::File) -> std::io::Result<u64> {
    use std::os::fd::AsRawFd;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the descriptor is open while `file` is borrowed, and the pointer is to a buffer of
    // the type the call fills.
    if unsafe { libc::fstatvfs(file.as_raw_fd(), answer.as_mut_ptr()) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it filled the buffer.
    let answer = unsafe { answer.assume_init() };
    #[allow(clippy::useless_conversion, reason = "these are narrower on some systems")]
    let (blocks, size) = (u64::from(answer.f_bavail), u64::from(answer.f_frsize));
    Ok(blocks.saturating_mul(size))
}
