//! One rule: how it is run and timed both ways.

use std::time::{Duration, Instant};

use parhelion::{Error, Result};

/// A rule that can be built. Building it only when it runs keeps memory small.
pub struct Make<'w> {
    pub name: String,
    pub build: Box<dyn FnOnce() -> Result<Case> + 'w>,
}

/// A rule and the same loop by hand, each of which computes `cells` cells when called.
pub struct Case {
    pub cells: usize,
    pub ours: Box<dyn FnMut() -> Result<()>>,
    pub by_hand: Box<dyn FnMut()>,
    /// The largest difference of the results after each has run once, relative to the largest value.
    pub difference: Box<dyn FnMut() -> f64>,
    /// The difference that rounding explains.
    pub tolerance: f64,
}

/// Rates in 10⁹ cells a second.
pub struct Rates {
    pub ours: f64,
    pub by_hand: f64,
}

impl Rates {
    pub fn ratio(&self) -> f64 {
        self.ours / self.by_hand
    }
}

/// Time of one batch, long beside the resolution of the clock.
const BATCH: Duration = Duration::from_millis(4);
const ROUNDS: usize = 9;

impl Case {
    /// Both versions compute the same.
    pub fn check(&mut self, name: &str) -> Result<()> {
        (self.ours)()?;
        (self.by_hand)();
        let difference = (self.difference)();
        if difference <= self.tolerance {
            return Ok(());
        }
        Err(Error::other(std::io::Error::other(format!(
            "{name}: the loop by hand differs by {difference:e}, more than {:e}",
            self.tolerance
        ))))
    }

    /// The fastest of some batches each, in turn, so that other programs disturb both or neither.
    pub fn time(&mut self) -> Rates {
        let mut batch = 1;
        loop {
            let start = Instant::now();
            (0..batch).for_each(|_| (self.by_hand)());
            if start.elapsed() >= BATCH {
                break;
            }
            batch *= 2;
        }
        let [mut ours, mut by_hand] = [f64::INFINITY; 2];
        for _ in 0..ROUNDS {
            let start = Instant::now();
            (0..batch).for_each(|_| (self.by_hand)());
            by_hand = by_hand.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            (0..batch).for_each(|_| (self.ours)().expect("it ran before"));
            ours = ours.min(start.elapsed().as_secs_f64());
        }
        let cells = (self.cells * batch) as f64 * 1e-9;
        Rates { ours: cells / ours, by_hand: cells / by_hand }
    }
}
