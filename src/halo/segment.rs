//! Memory mapped by several processes of one node.
#![allow(unsafe_code, reason = "maps and unmaps memory")]
//!
//! A segment is a file without a name (`memfd_create`) that its creator and its neighbors map. It
//! is not an MPI window, because freeing a window is collective, whereas each rank drops its plans
//! whenever it wants. Each process unmaps the segment on its own, and the kernel frees the memory
//! after the last of them, also when one is killed. It is not a file in `/dev/shm` either: that is
//! often tiny in containers, and a killed job would leave the file behind.
//!
//! Invariants, cited by the unsafe blocks here:
//!
//! - **S1** `start` begins `len` bytes, mapped for reading and writing until this value is dropped.
//! - **S2** All of them are backed by pages of a file that cannot shrink, because it is sealed
//!   against that.

use std::io;
use std::ptr::NonNull;

/// Memory shared with other processes, initially zero.
pub(super) struct Segment {
    start: NonNull<u8>,
    len: usize,
}

/// Keeps a new segment open for other processes until all have mapped it.
pub(super) struct SegmentFile {
    #[cfg(target_os = "linux")]
    file: std::fs::File,
}

impl Segment {
    /// The first byte; aligned to a page.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Size in bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{File, OpenOptions};
    use std::num::NonZeroUsize;
    use std::os::fd::AsRawFd;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, SealFlag, fcntl, posix_fallocate};
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
    use nix::sys::resource::{Resource, getrlimit};

    use super::*;

    /// Beginning of the link in `/proc` of a segment's descriptor.
    const LINK: &str = "/memfd:parhelion-halo";

    impl Segment {
        /// Makes one of `len` bytes.
        pub(in crate::halo) fn create(len: usize) -> io::Result<(Self, SegmentFile)> {
            let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
            let file = File::from(memfd_create(c"parhelion-halo", flags)?);
            let size = i64::try_from(len).map_err(io::Error::other)?;
            let (longest, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
            if len as u64 > longest {
                // The system would end the process.
                return Err(Errno::EFBIG.into());
            }
            // Memory is allocated now, so that a lack of memory is an error here, not a signal
            // later.
            let allocate = || posix_fallocate(&file, 0, size);
            // A signal, of a profiler for instance, may interrupt it.
            let mut allocated = allocate();
            while allocated == Err(Errno::EINTR) {
                allocated = allocate();
            }
            allocated?;
            let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
            fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
            Ok((Self::map(&file, len)?, SegmentFile { file }))
        }

        /// Maps `len` bytes that process `process` of this node keeps open as descriptor `number`.
        pub(in crate::halo) fn open(process: u32, number: i32, len: usize) -> io::Result<Self> {
            let path = format!("/proc/{process}/fd/{number}");
            // Where ranks have separate process numbers (containers), this may be any file, even a
            // device on which opening has side effects.
            if !std::fs::read_link(&path)?.to_string_lossy().starts_with(LINK) {
                return Err(io::Error::other("what a neighbor keeps open is not its shared memory"));
            }
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            let seals = fcntl(&file, FcntlArg::F_GET_SEALS)?;
            if seals & SealFlag::F_SEAL_SHRINK.bits() == 0 || file.metadata()?.len() < len as u64 {
                return Err(io::Error::other("what a neighbor keeps open is not its shared memory"));
            }
            Self::map(&file, len)
        }

        /// Maps the beginning of a sealed file of at least `len` bytes (S2).
        fn map(file: &File, len: usize) -> io::Result<Self> {
            let size = NonZeroUsize::new(len).ok_or_else(|| io::Error::other("a segment of no bytes"))?;
            let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
            let flags = MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE;
            // SAFETY: a new mapping, at a place that the kernel chooses.
            let start = unsafe { mmap(None, size, access, flags, file, 0)? };
            Ok(Self { start: start.cast(), len })
        }
    }

    impl Drop for Segment {
        fn drop(&mut self) {
            // SAFETY: S1; the owner of pointers into the segment owns it too, and drops it last.
            let unmapped = unsafe { munmap(self.start.cast(), self.len) };
            debug_assert!(unmapped.is_ok(), "a process can unmap its own mapping");
        }
    }

    impl SegmentFile {
        /// The descriptor by which other processes find the segment.
        pub(in crate::halo) fn number(&self) -> i32 {
            self.file.as_raw_fd()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::*;

    impl Segment {
        pub(in crate::halo) fn create(_len: usize) -> io::Result<(Self, SegmentFile)> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(in crate::halo) fn open(_process: u32, _number: i32, _len: usize) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    impl SegmentFile {
        pub(in crate::halo) fn number(&self) -> i32 {
            -1
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn two_mappings_show_the_same_memory_which_outlives_its_maker() {
        let (made, file) = Segment::create(10_000).unwrap();
        let opened = Segment::open(std::process::id(), file.number(), made.len()).unwrap();
        assert_ne!(made.start(), opened.start());
        // SAFETY: in bounds (S1), and no other thread knows the segments.
        unsafe {
            assert_eq!(opened.start().add(9_999).read(), 0);
            made.start().add(9_999).write(42);
            drop((made, file));
            assert_eq!(opened.start().add(9_999).read(), 42);
        }
    }

    #[test]
    fn what_is_not_a_segment_is_refused() {
        let file = std::fs::File::options().read(true).write(true).open("/dev/zero").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        assert!(Segment::open(std::process::id(), number, 100).is_err());
        assert!(Segment::open(std::process::id(), -1, 100).is_err());
        // The right name, but its maker could still cut it off.
        let flags = nix::sys::memfd::MFdFlags::MFD_ALLOW_SEALING;
        let file = std::fs::File::from(nix::sys::memfd::memfd_create(c"parhelion-halo", flags).unwrap());
        file.set_len(4096).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let error = Segment::open(std::process::id(), number, 100).map(drop).unwrap_err();
        assert!(error.to_string().contains("not its shared memory"), "{error}");
        let (_made, file) = Segment::create(4096).unwrap();
        assert!(Segment::open(std::process::id(), file.number(), 4097).is_err());
        assert!(Segment::create(0).is_err() && Segment::create(usize::MAX).is_err());
    }
}
