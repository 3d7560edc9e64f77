//! Files as the file system has them: drafts that get their name when complete, locks, space on
//! disk, and how one rank or all of them open one.

pub(in crate::io) mod lock;
pub(in crate::io) mod open;
pub(in crate::io) mod storage;
pub(in crate::io) mod system;
