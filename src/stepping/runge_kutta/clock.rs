//! The lengths of the steps of a run.

use crate::error::{Error, ErrorKind, Result};

/// Where steps begin and end. Steps end exactly at the stops and at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    /// Largest length of a step.
    pub(super) length: Option<f64>,
    /// Largest number of steps.
    pub(super) most: Option<usize>,
    pub(super) end: Option<f64>,
    /// Times at which a hook is called, in ascending order.
    pub(super) stops: Vec<f64>,
    pub(super) time: f64,
    pub(super) steps: usize,
    /// The time from which steps of the same length are counted, so that their times are products
    /// and do not drift; the length, and the number.
    even: (f64, f64, usize),
}

/// The length of a step, the time at which it ends, and whether that is a stop or the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) length: f64,
    pub(super) end: f64,
    pub(super) stops: bool,
}

impl Clock {
    /// Starts at `time`, with steps limited by `length` or, if `adaptive`, by something else.
    ///
    /// # Errors
    /// When the steps have no length or no end, on all ranks.
    pub(super) fn start(&mut self, time: f64, adaptive: bool) -> Result<()> {
        let refuse = |why: String| Err(Error::on_all_ranks(ErrorKind::Argument, why));
        match self.length {
            None if !adaptive => {
                return refuse(
                    "a run needs the length of its steps; add step(length) or cfl(number, rate)".into(),
                );
            }
            Some(length) if !(length > 0.0 && length.is_finite()) => {
                return refuse(format!(
                    "a run cannot have steps of length {length}; the length must be positive"
                ));
            }
            _ => {}
        }
        if self.end.is_none() && self.most.is_none() {
            return refuse("a run needs an end; add until(time) or steps(number)".into());
        }
        if let Some(end) = self.end.filter(|&end| !(end >= time && end.is_finite())) {
            return refuse(format!("a run from time {time} cannot end at {end}; give a later time to until"));
        }
        let ascending = self.stops.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || !self.stops.iter().all(|stop| stop.is_finite()) {
            return refuse(format!(
                "a hook cannot be called at the times {:?}; they must ascend",
                self.stops
            ));
        }
        self.stops.retain(|&stop| stop > time && self.end.is_none_or(|end| stop <= end));
        (self.time, self.steps, self.even) = (time, 0, (time, 0.0, 0));
        Ok(())
    }

    /// Whether another step is due.
    pub(super) fn runs(&self) -> bool {
        self.most.is_none_or(|most| self.steps < most) && self.end.is_none_or(|end| self.time < end)
    }

    /// The next step, if it may be as long as `limit`.
    ///
    /// # Errors
    /// When no step can be made, on all ranks.
    pub(super) fn next(&self, limit: Option<f64>) -> Result<Step> {
        let target = self.stops.first().copied().or(self.end);
        let wanted = limit.into_iter().chain(self.length).fold(f64::INFINITY, f64::min);
        if let Some(target) = target {
            // A step that leaves nothing but rounding ends at the target as well.
            let left = target - self.time;
            if wanted >= left * (1.0 - 1e-10) {
                return Ok(Step { length: left, end: target, stops: true });
            }
        }
        let (start, length, number) = self.even;
        let end = if wanted == length { start + (number + 1) as f64 * wanted } else { self.time + wanted };
        if end > self.time && end.is_finite() {
            return Ok(Step { length: wanted, end, stops: false });
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!("step {} from time {} cannot have the length {wanted}", self.steps + 1, self.time),
        ))
    }

    /// Makes the step.
    pub(super) fn tick(&mut self, step: Step) {
        self.even = match self.even {
            _ if step.stops => (step.end, 0.0, 0),
            (start, length, number) if length == step.length => (start, length, number + 1),
            _ => (self.time, step.length, 1),
        };
        self.time = step.end;
        self.steps += 1;
        if step.stops && self.stops.first() == Some(&step.end) {
            self.stops.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(mut clock: Clock, limit: Option<f64>) -> Vec<f64> {
        clock.start(1.0, limit.is_some()).unwrap();
        let mut times = Vec::new();
        while clock.runs() {
            clock.tick(clock.next(limit).unwrap());
            times.push(clock.time);
        }
        times
    }

    #[test]
    fn steps_end_exactly_at_stops_and_at_the_end() {
        let clock =
            Clock { length: Some(0.1), end: Some(1.35), stops: vec![0.5, 1.25, 7.0], ..Clock::default() };
        assert_eq!(times(clock, None), [1.1, 1.0 + 2.0 * 0.1, 1.25, 1.35]);
        let clock = Clock { most: Some(2), ..Clock::default() };
        assert_eq!(times(clock, Some(0.25)), [1.25, 1.5]);
    }

    #[test]
    fn times_do_not_drift() {
        let times = times(Clock { length: Some(0.1), end: Some(1001.0), ..Clock::default() }, None);
        assert_eq!((times.len(), times[9998], times[9999]), (10_000, 1.0 + 9999.0 * 0.1, 1001.0));
    }

    #[test]
    fn senseless_runs_are_refused() {
        let start = |clock: Clock| clock.clone().start(1.0, false).unwrap_err().to_string();
        assert!(start(Clock { end: Some(2.0), ..Clock::default() }).contains("add step(length)"));
        assert!(start(Clock { length: Some(0.1), ..Clock::default() }).contains("add until(time)"));
        assert!(
            start(Clock { length: Some(0.1), end: Some(0.5), ..Clock::default() }).contains("later time")
        );
        assert!(
            start(Clock { length: Some(f64::NAN), end: Some(2.0), ..Clock::default() }).contains("positive")
        );
    }
}
