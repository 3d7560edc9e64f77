//! Pixels, text and scales.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::{FONT_7X13, FONT_9X15};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use image::{Rgb, RgbImage};

/// An image that can be written on.
pub(super) struct Canvas(pub(super) RgbImage);

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            self.dot([x, y], [color.r(), color.g(), color.b()]);
        }
        Ok(())
    }
}

impl Canvas {
    pub(super) fn new([width, height]: [usize; 2]) -> Self {
        Self(RgbImage::from_pixel(width as u32, height as u32, Rgb([255; 3])))
    }

    /// Colors the pixel, if it is inside the image.
    pub(super) fn dot(&mut self, [x, y]: [i32; 2], color: [u8; 3]) {
        if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
            && let Some(pixel) = self.0.get_pixel_mut_checked(x, y)
        {
            *pixel = Rgb(color);
        }
    }

    /// Draws a dark line of `length` pixels from a point to the right or down.
    pub(super) fn line(&mut self, [x, y]: [i32; 2], length: i32, down: bool) {
        for i in 0..length {
            self.dot(if down { [x, y + i] } else { [x + i, y] }, [70; 3]);
        }
    }

    /// Writes small text centered at the height `y`, with `x` at its side or middle.
    pub(super) fn label(&mut self, text: &str, [x, y]: [i32; 2], alignment: Alignment) {
        let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Middle).build();
        let font = MonoTextStyle::new(&FONT_7X13, Rgb888::new(30, 30, 30));
        let Ok(_) = Text::with_text_style(text, Point::new(x, y), font, style).draw(self);
    }

    /// Writes larger text from `x` to the right, centered at the height `y`.
    pub(super) fn title(&mut self, text: &str, [x, y]: [i32; 2]) {
        let style = TextStyleBuilder::new().baseline(Baseline::Middle).build();
        let font = MonoTextStyle::new(&FONT_9X15, Rgb888::BLACK);
        let Ok(_) = Text::with_text_style(text, Point::new(x, y), font, style).draw(self);
    }
}
