//! Where the samples of a dataset lie along each axis of a field.

use crate::io::block::stored::Axis;

/// Whether coordinates are at equal distances, up to rounding in single precision.
pub(super) fn uniform(places: &[f64]) -> bool {
    let [first, .., last] = places else { return true };
    let step = (last - first) / (places.len() - 1) as f64;
    let slack = 1e-3 * step.abs() + 1e-6 * first.abs().max(last.abs());
    places.iter().enumerate().all(|(i, place)| (place - (first + i as f64 * step)).abs() <= slack)
}

/// Why values at these places in the file do not belong to the points of a field, if they do not.
pub(super) fn mismatch(axes: &[Axis], stored: &[Option<Vec<f64>>]) -> Option<String> {
    for (axis, stored) in axes.iter().zip(stored) {
        let Some(stored) = stored else { continue };
        let length = stored.len();
        let place = |i: usize| axis.coordinate(i);
        let far = |i: usize| {
            let beside = if i > 0 { i - 1 } else { (i + 1).min(length - 1) };
            (stored[i] - place(i)).abs() > 1e-3 * (place(i) - place(beside)).abs() + 1e-6 * place(i).abs()
        };
        if let Some(i) = (0..length).find(|&i| far(i)) {
            return Some(format!(
                "along axis {:?}, its value {i} lies at {:?}, but that of the field at {:?}; read it with interpolated(), or \
                 into a field of a grid with these coordinates",
                axis.name,
                stored[i],
                place(i)
            ));
        }
    }
    None
}

/// The points of a field along one axis among the samples of a dataset.
#[derive(Debug)]
pub(super) struct AxisPlaces {
    /// Number of samples.
    pub(super) samples: usize,
    /// For each point, its place counted in samples.
    pub(super) positions: Vec<f64>,
}

impl AxisPlaces {
    /// For all `points` of an axis of a field, among as many `samples` over the same box, or at the
    /// `stored` coordinates.
    pub(super) fn new(axis: &Axis, points: usize, samples: usize, stored: Option<Vec<f64>>) -> Self {
        let (from, to) = (samples as f64, points as f64);
        let position = |i: usize| match (&stored, &axis.boundaries) {
            (Some(stored), _) => among(stored, axis.coordinate(i)),
            (None, Some(places)) => {
                let part = (axis.coordinate(i) - places[0]) / (places[places.len() - 1] - places[0]);
                if axis.cells { part * from - 0.5 } else { part * (from - 1.0) }
            }
            // cell i of n has its center at (i + 1/2) / n of the box
            (None, None) if axis.cells => (i as f64 + 0.5) * from / to - 0.5,
            // point i of n lies at i / (n - 1)
            (None, None) => i as f64 * (from - 1.0) / (to - 1.0).max(1.0),
        };
        Self { samples, positions: (0..points).map(|i| position(i).clamp(0.0, from - 1.0)).collect() }
    }
}

/// The place of a coordinate among increasing, or decreasing, ones, counted from the first.
fn among(stored: &[f64], place: f64) -> f64 {
    let ascending = stored[0] <= stored[stored.len() - 1];
    let next = stored.partition_point(|&at| if ascending { at <= place } else { at >= place });
    if next == 0 || next == stored.len() {
        return if next == 0 { 0.0 } else { (stored.len() - 1) as f64 };
    }
    let (low, high) = (stored[next - 1], stored[next]);
    (next - 1) as f64 + (place - low) / (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_among_coordinates_are_counted_in_samples() {
        let stored = [0.0, 1.0, 3.0, 7.0];
        for (place, position) in [(-1.0, 0.0), (0.5, 0.5), (1.0, 1.0), (4.0, 2.25), (9.0, 3.0)] {
            assert_eq!(among(&stored, place), position);
        }
        assert_eq!(among(&[7.0, 3.0, 1.0], 5.0), 0.5);
        assert!(uniform(&[1.0, 1.1, 1.2000001]) && uniform(&[3.0]) && !uniform(&stored));
    }
}
