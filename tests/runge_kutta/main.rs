//! Runge–Kutta schemes and finite volumes against exact solutions, on ranks and threads.

mod conservation;
mod euler;
mod orders;
mod riemann;
mod runs;
