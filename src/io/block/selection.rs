//! Which part of an array or dataset is meant: windows, planes, every n-th element.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

/// A choice along some axes; along all others everything is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::io) struct Selection(Vec<(usize, AxisChoice)>);

/// What the user said of one axis, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AxisChoice {
    window: Option<Range<usize>>,
    /// Whether the window is a single index that was given as such.
    at: bool,
    every: usize,
}

/// The elements `start`, `start + step`, … along one axis: `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) struct AxisRun {
    pub(in crate::io) start: usize,
    pub(in crate::io) step: usize,
    pub(in crate::io) count: usize,
    /// Whether a single index was asked for, rather than a window that has just one.
    pub(in crate::io) single: bool,
}

impl Selection {
    pub(in crate::io) fn window(&mut self, axis: usize, window: Range<usize>) {
        let choice = self.choice(axis);
        (choice.window, choice.at) = (Some(window), false);
    }

    pub(in crate::io) fn at(&mut self, axis: usize, index: usize) {
        let choice = self.choice(axis);
        (choice.window, choice.at) = (Some(index..index.saturating_add(1)), true);
    }

    pub(in crate::io) fn every(&mut self, axis: usize, step: usize) {
        self.choice(axis).every = step;
    }

    fn choice(&mut self, axis: usize) -> &mut AxisChoice {
        if let Some(known) = self.0.iter().position(|(a, _)| *a == axis) {
            return &mut self.0[known].1;
        }
        self.0.push((axis, AxisChoice { window: None, at: false, every: 1 }));
        &mut self.0.last_mut().expect("it was pushed").1
    }

    /// The elements along each axis of an array of this shape.
    ///
    /// # Errors
    /// When an axis does not exist, a window leaves the array or holds nothing, or a step is zero.
    pub(in crate::io) fn runs(&self, shape: &[usize]) -> Result<Vec<AxisRun>> {
        let whole = |&count: &usize| AxisRun { start: 0, step: 1, count, single: false };
        let mut runs: Vec<AxisRun> = shape.iter().map(whole).collect();
        for (axis, choice) in &self.0 {
            let refuse = |reason: String| Err(Error::new(ErrorKind::Argument, reason));
            let Some(&length) = shape.get(*axis) else {
                return refuse(format!("there is no axis {axis}: the shape is {shape:?}"));
            };
            let Range { start, end } = choice.window.clone().unwrap_or(0..length);
            if choice.window.is_some() && (start >= end || end > length) {
                return refuse(format!(
                    "the window {start}..{end} on axis {axis} is empty or leaves its {length} elements; choose one in 0..{length}"
                ));
            }
            if choice.every == 0 {
                return refuse(format!("every 0th element on axis {axis} makes no sense; 1 is all of them"));
            }
            let count = (end - start).div_ceil(choice.every);
            runs[*axis] = AxisRun { start, step: choice.every, count, single: choice.at };
        }
        Ok(runs)
    }
}

impl AxisRun {
    /// Whether it is all of an axis of this length.
    pub(in crate::io) fn is_all(&self, length: usize) -> bool {
        self.start == 0 && self.step == 1 && self.count == length
    }

    /// What is added to the name of an axis of which only this run is stored.
    pub(in crate::io) fn suffix(&self) -> String {
        let Self { start, step, count, single } = *self;
        if single {
            return format!("_at{start}");
        }
        let window = format!("_{start}to{}", start + (count - 1) * step + 1);
        if step == 1 { window } else { format!("{window}by{step}") }
    }

    /// The part of the run in the range `first..first + length`: how many elements of the run come
    /// before it, and how many lie in it.
    pub(in crate::io) fn within(&self, first: usize, length: usize) -> (usize, usize) {
        let before = |end: usize| end.saturating_sub(self.start).div_ceil(self.step).min(self.count);
        let skipped = before(first);
        (skipped, before(first.saturating_add(length)) - skipped)
    }

    /// The index of an element of the run.
    pub(in crate::io) fn index(&self, number: usize) -> usize {
        self.start + number * self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_share_a_run_without_gap_or_overlap(
            start in 0_usize..20, length in 1_usize..30, step in 1_usize..7, cut in 0_usize..60,
        ) {
            let mut selection = Selection::default();
            selection.window(1, start..start + length);
            selection.every(1, step);
            let run = selection.runs(&[3, 60]).unwrap()[1];
            let chosen: Vec<usize> = (start..start + length).step_by(step).collect();
            prop_assert_eq!((0..run.count).map(|n| run.index(n)).collect::<Vec<_>>(), chosen.clone());
            let (skipped, low) = run.within(0, cut);
            prop_assert_eq!((skipped, low), (0, chosen.iter().filter(|&&i| i < cut).count()));
            prop_assert_eq!(run.within(cut, 60 - cut), (low, chosen.len() - low));
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let refused = |make: fn(&mut Selection)| {
            let mut selection = Selection::default();
            make(&mut selection);
            selection.runs(&[4, 5]).unwrap_err().to_string()
        };
        assert!(refused(|s| s.at(2, 0)).contains("no axis 2"));
        assert!(refused(|s| s.at(1, 5)).contains("5..6"));
        assert!(refused(|s| s.window(0, 2..2)).contains("2..2"));
        assert!(refused(|s| s.window(0, 3..9)).contains("choose one in 0..4"));
        assert!(refused(|s| s.every(0, 0)).contains("1 is all"));
    }
}
