//! Files as the file system has them: drafts that get their name when complete, locks, space on disk, and how
//! all ranks open one.

pub(in crate::io) mod collective;
pub(in crate::io) mod lock;
pub(in crate::io) mod storage;
