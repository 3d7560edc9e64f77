//! Solvers: against exact solutions, direct solves and each other, with the same bits on any ranks
//! × threads.

mod bits;
mod krylov;
mod lines;
#[path = "../common/long.rs"]
mod long;
mod manufactured;
mod multigrid;
mod nodes;
mod pipelined;
#[path = "../common/python.rs"]
mod python;
mod refusals;
mod richardson;
mod robust;
mod scipy;
mod support;
