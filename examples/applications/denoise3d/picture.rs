//! A picture of the middle slices of a volume: before, after, and their difference.

use std::path::Path;

use image::{Rgb, RgbImage};
use ndarray::{Array2, ArrayView2, Axis};
use parhelion::prelude::*;
use parhelion::{Error, Result};

/// Pixels around the slices.
const MARGIN: u32 = 8;

/// The middle slices normal to the three axes, on rank 0.
///
/// # Collective
/// Over all ranks.
pub(crate) fn middle_slices(image: &Field<f32, 3>) -> Result<Option<[Array2<f32>; 3]>> {
    let whole = Region::from_shape(image.shape_global());
    let mut slices = Vec::new();
    for axis in 0..3 {
        let middle = whole.end[axis] / 2;
        let plane = image.gather_region(whole.with_axis(axis, middle, middle + 1), 0)?;
        slices.push(plane.map(|plane| plane.index_axis_move(Axis(axis), 0)));
    }
    Ok(slices.into_iter().collect::<Option<Vec<_>>>().and_then(|slices| slices.try_into().ok()))
}

/// Writes the picture on the rank that has the slices: a row for each axis, with the slice before,
/// after, and after minus before (blue for less, red for more).
pub(crate) fn save(
    path: &Path,
    before: &Option<[Array2<f32>; 3]>,
    after: &Option<[Array2<f32>; 3]>,
) -> Result<()> {
    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
    let largest =
        |values: &mut dyn Iterator<Item = f32>| values.fold(f32::MIN_POSITIVE, |a, b| a.max(b.abs()));
    let white = largest(&mut before.iter().flat_map(|slice| slice.iter().copied()));
    let strongest =
        largest(&mut before.iter().zip(after).flat_map(|(b, a)| a.iter().zip(b).map(|(a, b)| a - b)));

    let width = before.iter().map(|slice| slice.ncols() as u32).max().unwrap_or(0);
    let height: u32 = before.iter().map(|slice| slice.nrows() as u32 + MARGIN).sum();
    let mut picture = RgbImage::from_pixel(3 * (width + MARGIN) + MARGIN, height + MARGIN, Rgb([255; 3]));
    let mut top = MARGIN;
    for (before, after) in before.iter().zip(after) {
        let change = after - before;
        draw(&mut picture, before.view(), [MARGIN, top], |value| gray(value / white));
        draw(&mut picture, after.view(), [2 * MARGIN + width, top], |value| gray(value / white));
        draw(&mut picture, change.view(), [3 * MARGIN + 2 * width, top], |value| {
            blue_white_red(value / strongest)
        });
        top += before.nrows() as u32 + MARGIN;
    }
    picture
        .save(path)
        .map_err(|error| Error::other(format!("cannot write the picture {}: {error}", path.display())))
}

/// Draws a slice with its first row at the bottom, as coordinates grow upwards.
fn draw(
    picture: &mut RgbImage,
    slice: ArrayView2<'_, f32>,
    [left, top]: [u32; 2],
    color: impl Fn(f32) -> Rgb<u8>,
) {
    let rows = slice.nrows() as u32;
    for ((row, column), &value) in slice.indexed_iter() {
        picture.put_pixel(left + column as u32, top + rows - 1 - row as u32, color(value));
    }
}

/// Black at 0, white at 1.
fn gray(value: f32) -> Rgb<u8> {
    Rgb([byte(value); 3])
}

/// Blue at −1, white at 0, red at 1; the root shows small values.
fn blue_white_red(value: f32) -> Rgb<u8> {
    let faded = byte(1.0 - value.abs().sqrt());
    if value < 0.0 { Rgb([faded, faded, 255]) } else { Rgb([255, faded, faded]) }
}

fn byte(value: f32) -> u8 {
    (255.0 * value.clamp(0.0, 1.0)).round() as u8
}
