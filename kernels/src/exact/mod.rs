mod accumulator;
mod block;
mod extract;
mod limbs;
mod sum;

pub use accumulator::Accumulator;
pub use sum::ExactSum;
