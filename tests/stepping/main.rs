//! Time stepping gives the bits of slow, obvious loops, on any ranks and threads and however it is
//! blocked.

mod advance;
mod blocking;
mod components;
mod evolve;
mod runtime;
mod serial;
mod walls;
