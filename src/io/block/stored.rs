//! Distributed arrays, as a file needs to know them.

use std::sync::Arc;

use crate::io::block::placement::Placement;
use crate::io::block::selection::AxisRun;
use parhelion_kernels::Element;

/// The coordinates of one axis of a distributed array.
///
/// Arrays in one file that use the same name for an axis share the one-dimensional dataset of that
/// name, so they must have the same coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Name of the axis and of the dataset with its coordinates, such as `z`.
    pub name: String,
    /// Unit of the coordinates, such as `m`.
    pub units: Option<String>,
    /// Coordinate of the first sample, in `units`.
    pub first: f64,
    /// Distance between samples, in `units`.
    pub spacing: f64,
    /// Whether each sample stands for the cell around it. Otherwise samples lie on cell boundaries.
    pub cells: bool,
    /// Where samples are not equally far from each other, the coordinates of all, in place of
    /// `first` and `spacing`: those of the boundaries of `cells`, one more than samples, which lie
    /// in the middle between them; otherwise those of the samples themselves.
    pub boundaries: Option<Arc<[f64]>>,
}

impl Axis {
    /// The coordinate of a sample.
    pub fn coordinate(&self, index: usize) -> f64 {
        match &self.boundaries {
            Some(places) if self.cells => 0.5 * (places[index] + places[index + 1]),
            Some(places) => places[index],
            None => self.first + index as f64 * self.spacing,
        }
    }

    /// The places between which samples lie if they stand for cells, or at which, of `length` samples.
    pub(in crate::io) fn places(&self, length: usize) -> Vec<f64> {
        match &self.boundaries {
            Some(places) => places.to_vec(),
            None if self.cells => {
                (0..=length).map(|i| self.first + (i as f64 - 0.5) * self.spacing).collect()
            }
            None => (0..length).map(|index| self.coordinate(index)).collect(),
        }
    }

    /// The axis of the chosen samples, of the `length` that there are. Of cells of different width
    /// that do not touch, it has the centers.
    pub(in crate::io) fn part(&self, run: &AxisRun, length: usize) -> Self {
        if run.is_all(length) {
            return self.clone();
        }
        let touching = run.step == 1;
        let chosen = |places: &Arc<[f64]>| match self.cells && touching {
            true => places[run.start..=run.start + run.count].into(),
            false => (0..run.count).map(|i| self.coordinate(run.start + i * run.step)).collect(),
        };
        Self {
            name: format!("{}{}", self.name, run.suffix()),
            units: self.units.clone(),
            first: self.coordinate(run.start),
            spacing: self.spacing * run.step as f64,
            cells: self.cells && (touching || self.boundaries.is_none()),
            boundaries: self.boundaries.as_ref().map(chosen),
        }
    }
}

/// A distributed array that can be written to a file.
///
/// Fields are such arrays. Implement it for other types to write them with
/// [`Output`](crate::io::Output).
pub trait Stored {
    /// Type of the values.
    type Value: Element;

    /// Name of the dataset it becomes.
    fn name(&self) -> &str;

    /// Unit of the values, such as `K`.
    fn units(&self) -> Option<&str> {
        None
    }

    /// A longer description, such as `air temperature`.
    fn long_name(&self) -> Option<&str> {
        None
    }

    /// Time of the values, if it is known; the same on every rank.
    fn time(&self) -> Option<f64> {
        None
    }

    /// Coordinates per axis, slowest first; the same on every rank.
    fn axes(&self) -> Vec<Axis>;

    /// Whether the last sample of an axis is followed by the first.
    fn is_periodic(&self, _axis: usize) -> bool {
        false
    }

    /// Where this rank's block lies.
    fn placement(&self) -> Placement;

    /// Number of values per grid cell; the same on every rank. Several become the last (fastest)
    /// axis of the dataset.
    fn components(&self) -> usize {
        1
    }

    /// The local array of one component, halo and padding included, as [`Placement`] describes it.
    fn component(&self, index: usize) -> &[Self::Value];
}

/// A distributed array that can be filled from a file.
pub trait StoredMut: Stored {
    /// The local array of one component, to be overwritten where the block lies.
    ///
    /// The block may have been overwritten even if the caller then reports an error. An
    /// implementation that tracks whether its halo is valid marks it as stale here.
    fn component_mut(&mut self, index: usize) -> &mut [Self::Value];
}
