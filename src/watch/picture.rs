//! Pictures of planes of fields.

use std::path::{Path, PathBuf};

use embedded_graphics::text::Alignment;
use num_traits::AsPrimitive;

use super::canvas::Canvas;
use super::sample::Sample;
use super::ticks::{text, ticks};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::stopwatch::Kind;
use parhelion_kernels::Element;

/// Pixels around the plane: for the title, the scales and the color bar.
const LEFT: i32 = 76;
const TOP: i32 = 32;
const RIGHT: i32 = 120;
const BOTTOM: i32 = 44;
/// Width of the color bar, and its distance from the plane.
const BAR: [i32; 2] = [18, 16];
/// Half a line of text.
const HALF_LINE: i32 = 7;
/// The color of NaN and infinities.
const NOT_FINITE: [u8; 3] = [190, 190, 190];

/// Color maps from small to large values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Colors {
    /// Dark blue over green to yellow: perceptually uniform, and fit for color-blind readers.
    #[default]
    Viridis,
    /// Black over red and orange to white.
    Inferno,
    /// Blue over white to red, for values of both signs. Use a [range](Picture::range) symmetric
    /// about zero.
    Diverging,
    /// Black to white.
    Gray,
}

impl Colors {
    /// The color of a part of the range, 0 to 1.
    fn of(self, part: f64) -> [u8; 3] {
        let part = part.clamp(0.0, 1.0);
        let color = match self {
            Self::Viridis => colorous::VIRIDIS.eval_continuous(part),
            Self::Inferno => colorous::INFERNO.eval_continuous(part),
            Self::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - part),
            Self::Gray => colorous::GREYS.eval_continuous(1.0 - part),
        };
        color.as_array()
    }
}

/// Draws a plane of a field: with scales of coordinates, a color bar, and a title of name, units,
/// and time if the field has one ([`Field::set_time`]).
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::watch::{Colors, Picture};
///
/// let world = World::init()?;
/// let grid = Grid::builder([40, 30, 20]).build(&world)?;
/// let mut u = grid.field::<f64>("temperature");
/// u.fill_with(|[z, y, x]| (0.3 * x).sin() * (0.2 * y).cos() + 0.01 * z);
/// let picture = Picture::new().plane(0, 20).range(-1.0, 1.5).colors(Colors::Inferno);
/// # let folder = std::env::temp_dir().join(format!("parhelion-picture-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// for step in [0, 10] {
///     picture.save(&u, folder.join(format!("temperature-{step:06}.png")))?;
/// }
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    planes: Vec<(usize, usize)>,
    component: usize,
    colors: Colors,
    range: Option<[f64; 2]>,
    title: Option<String>,
    pixels: Option<usize>,
}

impl Picture {
    /// A picture of the middle plane of the slowest axis, component 0, in 600 pixels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the field at this global index of an axis. A picture shows two axes: of three, one is
    /// cut; of four, two are cut. Default: the slowest axes, in the middle.
    pub fn plane(mut self, axis: usize, index: usize) -> Self {
        self.planes.push((axis, index));
        self
    }

    /// Draws this component. Default: 0.
    pub fn component(mut self, component: usize) -> Self {
        self.component = component;
        self
    }

    /// Sets the colors. Default: [`Colors::Viridis`].
    pub fn colors(mut self, colors: Colors) -> Self {
        self.colors = colors;
        self
    }

    /// Sets the values of the first and the last color, for pictures that are to be compared.
    /// Values outside get the nearest color. Default: the smallest and the largest value of the
    /// plane.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some([low, high]);
        self
    }

    /// Sets the title. Default: name, units, time and plane.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the length of the longer side of the plane in pixels. Default: 600. Each pixel shows
    /// the nearest point, so that a large field costs no more than a small one.
    pub fn pixels(mut self, pixels: usize) -> Self {
        self.pixels = Some(pixels);
        self
    }

    /// Draws the plane of `field` to a PNG file. A failed write leaves the previous file untouched.
    ///
    /// # Collective
    /// Over all ranks, with the same picture and path.
    ///
    /// # Errors
    /// When there is no such plane or component, or fewer than two axes; when the range is empty or
    /// infinite; when the file cannot be written.
    pub fn save<T: Element + AsPrimitive<f64>, const N: usize>(
        &self,
        field: &Field<T, N>,
        path: impl AsRef<Path>,
    ) -> Result<()> {
        let (world, path) = (field.grid().world(), path.as_ref());
        let range = self.range.map(|range| range.map(f64::to_bits));
        let settings = (&self.planes, self.component, range, self.pixels, path);
        world.check_same("Picture::save", &settings)?;
        let timing = world.measure().start_on(Kind::Write, field.name());
        if let Some([low, high]) = self.range
            && !(low < high && (high - low).is_finite())
        {
            let message =
                format!("colors cannot stand for values from {low} to {high}; the first must be less");
            return Err(Error::on_all_ranks(ErrorKind::Argument, message));
        }
        let sample = Sample::new(field, &self.planes, self.component, self.pixels.unwrap_or(600))?;
        let values = sample.collect(field);
        let saved = if world.rank() == 0 { write(&self.draw(field, &sample, &values), path) } else { Ok(()) };
        timing.finish(sample.width * sample.height, size_of::<T>());
        world.agree(saved)
    }

    fn draw<T: Element, const N: usize>(
        &self,
        field: &Field<T, N>,
        sample: &Sample<N>,
        values: &[f64],
    ) -> Canvas {
        let [low, high] = self.range.unwrap_or_else(|| smallest_and_largest(values));
        let (width, height) = (sample.width as i32, sample.height as i32);
        let title = self.title.clone().unwrap_or_else(|| title(field, sample));
        let wide = (LEFT + width + RIGHT).max(LEFT + 9 * title.chars().count() as i32);
        let mut canvas = Canvas::new([wide, TOP + height.max(40) + BOTTOM].map(|n| n as usize));
        canvas.title(&title, [LEFT, TOP / 2]);
        for (row, values) in (0..).zip(values.chunks(sample.width)) {
            for (column, &value) in (0..).zip(values) {
                let color =
                    if value.is_finite() { self.colors.of(part(value, low, high)) } else { NOT_FINITE };
                canvas.dot([LEFT + column, TOP + row], color);
            }
        }
        let [up, right] = sample.axes;
        let names = field.grid().axis_names();
        let [first, last] = sample.edges[right];
        canvas.line([LEFT, TOP + height], width, false);
        for (value, text) in ticks(first, last) {
            let x = LEFT + (part(value, first, last) * f64::from(width - 1)) as i32;
            canvas.line([x, TOP + height], 5, true);
            canvas.label(&text, [x, TOP + height + 5 + HALF_LINE], Alignment::Center);
        }
        canvas.label(&names[right], [LEFT + width / 2, TOP + height + 5 + 4 * HALF_LINE], Alignment::Center);
        let [first, last] = sample.edges[up];
        canvas.line([LEFT - 1, TOP], height, true);
        for (value, text) in ticks(first, last) {
            let y = TOP + ((1.0 - part(value, first, last)) * f64::from(height - 1)) as i32;
            canvas.line([LEFT - 6, y], 5, false);
            canvas.label(&text, [LEFT - 9, y], Alignment::Right);
        }
        canvas.label(&names[up], [4, TOP + height / 2], Alignment::Left);
        let left = LEFT + width + BAR[1];
        for y in 0..height {
            let color = self.colors.of(1.0 - f64::from(y) / f64::from((height - 1).max(1)));
            (0..BAR[0]).for_each(|x| canvas.dot([left + x, TOP + y], color));
        }
        for (value, text) in ticks(low, high) {
            let y = TOP + ((1.0 - part(value, low, high)) * f64::from(height - 1)) as i32;
            canvas.line([left + BAR[0], y], 4, false);
            canvas.label(&text, [left + BAR[0] + 7, y], Alignment::Left);
        }
        canvas
    }
}

/// The position of a value between two others: 0 to 1 inside.
fn part(value: f64, low: f64, high: f64) -> f64 {
    if high > low { (value - low) / (high - low) } else { 0.5 }
}

/// The smallest and the largest finite value; 0 if there is none.
fn smallest_and_largest(values: &[f64]) -> [f64; 2] {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    match finite().reduce(f64::min).zip(finite().reduce(f64::max)) {
        Some((low, high)) => [low, high],
        None => [0.0; 2],
    }
}

fn title<T: Element, const N: usize>(field: &Field<T, N>, sample: &Sample<N>) -> String {
    let mut title = field.name().to_owned();
    if !field.units().is_empty() {
        title += &format!(" [{}]", field.units());
    }
    if let Some(time) = field.time_if_set() {
        title += &format!("  t = {}", text(time, time.abs() * 1e-4));
    }
    let place = field.coordinates(sample.fixed.map(|index| index.unwrap_or(0)));
    for a in (0..N).filter(|&a| sample.fixed[a].is_some()) {
        title += &format!("  {} = {}", field.grid().axis_names()[a], text(place[a], place[a].abs() * 1e-3));
    }
    title
}

/// Writes under another name first, so that nobody sees half a picture.
fn write(canvas: &Canvas, path: &Path) -> Result<()> {
    let cannot = |reason: &dyn std::fmt::Display| {
        let message = format!("cannot write the picture {}: {reason}", path.display());
        Error::new(ErrorKind::File, message)
    };
    let Some(name) = path.file_name() else { return Err(cannot(&"the path does not end in a file name")) };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(".partial");
    let temporary: PathBuf = path.with_file_name(temporary);
    let written = canvas.0.save_with_format(&temporary, image::ImageFormat::Png);
    let moved = written
        .map_err(|error| cannot(&error))
        .and_then(|()| std::fs::rename(&temporary, path).map_err(|error| cannot(&error)));
    if moved.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    moved
}
