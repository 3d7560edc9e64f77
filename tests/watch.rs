//! Pictures and probes of running computations, on ranks.

use std::path::PathBuf;

use image::{Rgb, RgbImage};
use parhelion::Result;
use parhelion::prelude::*;
use parhelion::testing::{on_ranks, same_on};
use parhelion::watch::{Colors, Picture, Probes};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Position of the plane in a picture.
const CORNER: [u32; 2] = [76, 32];

/// Each cell has its own gray: 0 to 255 over the range 0 to 1.
fn shades(grid: &Grid<2>) -> Field<f64, 2> {
    let mut u = grid.field::<f64>("u");
    u.fill_indexed(|[j, i]| ((7 * j + 3 * i) % 11) as f64 / 10.0);
    u
}

fn read(name: &str) -> RgbImage {
    image::open(path(name)).expect("it was written").to_rgb8()
}

#[test]
fn each_pixel_has_the_color_of_the_nearest_point() {
    on_ranks([1, 2, 3, 4, 6], |world| {
        let grid = Grid::builder([5, 8]).spacing([2.0, 1.0]).build(world)?;
        let mut u = shades(&grid);
        u.set_global([1, 6], f64::NAN);
        let picture = Picture::new().pixels(80).range(0.0, 1.0).colors(Colors::Gray);
        picture.save(&u, path("nearest.png"))?;
        if world.rank() > 0 {
            return Ok(());
        }
        let image = read("nearest.png");
        // Cells are 16 pixels high and 8 wide: the box is 10 by 8.
        for (j, i) in (0..5).flat_map(|j| (0..8).map(move |i| (j, i))) {
            for (down, right) in [(0, 0), (15, 7), (3, 6)] {
                let [x, y] = [CORNER[0] + 8 * i + right, CORNER[1] + 16 * (4 - j) + down];
                let found = *image.get_pixel(x, y);
                let shade = f64::from((7 * j + 3 * i) % 11) / 10.0;
                let gray = colorous_gray(shade);
                let wanted = if (j, i) == (1, 6) { Rgb([190; 3]) } else { Rgb(gray) };
                assert_eq!(found, wanted, "cell {j}, {i} at pixel {x}, {y}");
            }
        }
        Ok(())
    });
}

/// Cells of widths 1, 2, 5 and 2 are drawn that wide, and so are the cells around nodes.
#[test]
fn stretched_axes_are_drawn_in_their_proportions() {
    on_ranks([1, 2, 4], |world| {
        let grid = Grid::builder([5, 4]).faces(1, &[0.0, 1.0, 3.0, 8.0, 10.0]).build(world)?;
        let u = shades(&grid);
        let mut v = grid.field_builder::<f64>("v").centering(Centering::Face(1)).build()?;
        v.fill_indexed(|[j, i]| ((7 * j + 3 * i) % 11) as f64 / 10.0);
        // Around the nodes lie 0.5 + 0.5, 1.5, 3.5, 3.5 and 1 + 1: from −0.5 to 11.
        for (field, ends) in [(&u, &[10, 30, 80, 100][..]), (&v, &[10, 25, 60, 95, 115])] {
            let width = ends[ends.len() - 1];
            let picture = Picture::new().pixels(width).range(0.0, 1.0).colors(Colors::Gray);
            picture.save(field, path("stretched.png"))?;
            if world.rank() > 0 {
                continue;
            }
            let image = read("stretched.png");
            for (j, x) in (0..5).flat_map(|j| (0..width).map(move |x| (j, x))) {
                let i = ends.iter().position(|&end| x < end).expect("the last ends the picture");
                let found = *image.get_pixel(CORNER[0] + x as u32, CORNER[1] + 10 * (4 - j) + 5);
                let wanted = Rgb(colorous_gray(f64::from((7 * j + 3 * i as u32) % 11) / 10.0));
                assert_eq!(found, wanted, "{} {j}, {i} at pixel {x}", field.name());
            }
        }
        Ok(())
    });
}

fn colorous_gray(shade: f64) -> [u8; 3] {
    colorous::GREYS.eval_continuous(1.0 - shade).as_array()
}

#[test]
fn a_title_tells_the_time_only_if_it_was_set() {
    on_ranks([1], |world| {
        let mut u = shades(&Grid::builder([5, 8]).build(world)?);
        let saved = |picture: Picture, u: &Field<f64, 2>| -> Result<Vec<u8>> {
            picture.save(u, path("titled.png"))?;
            Ok(std::fs::read(path("titled.png"))?)
        };
        assert_eq!(saved(Picture::new(), &u)?, saved(Picture::new().title("u"), &u)?);
        u.set_time(0.0, 0.0);
        assert_eq!(saved(Picture::new(), &u)?, saved(Picture::new().title("u  t = 0"), &u)?);
        Ok(())
    });
}

#[test]
fn pictures_are_the_same_on_any_ranks() {
    same_on([(1, 1), (2, 2), (3, 1), (8, 1)], |world| {
        let grid = Grid::builder([9, 12, 17]).build(world)?;
        let mut u = grid.field_builder::<f32>("speed").units("m/s").centering(Centering::Node).build()?;
        u.fill_with(|[z, y, x]| ((0.2 * x).sin() + 0.1 * y - 0.05 * z) as f32);
        u.set_time(1.25, 0.1);
        let mut hashes = String::new();
        for (number, picture) in
            [Picture::new(), Picture::new().plane(2, 3).pixels(300), Picture::new().plane(1, 0).title("here")]
                .into_iter()
                .enumerate()
        {
            let name = path(&format!("same-{}-{number}.png", world.size()));
            picture.save(&u, &name)?;
            world.barrier();
            hashes += &format!("{:?} ", std::fs::read(name).map(|bytes| checksum(&bytes)).unwrap());
        }
        Ok(hashes)
    });
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(14695981039346656037, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(1099511628211))
}

#[test]
fn what_cannot_be_drawn_is_the_same_error_on_all_ranks() {
    on_ranks([1, 3], |world| {
        let u = shades(&Grid::builder([5, 8]).build(world)?);
        let line = Grid::builder([9]).build(world)?.field::<f64>("line");
        let refused = |error: Result<()>, wanted: &str| {
            let text = error.unwrap_err().to_string();
            assert!(text.contains(wanted), "{text}");
        };
        refused(
            Picture::new().plane(0, 5).save(&u, path("x.png")),
            "no plane 5 of axis 0; its shape is [5, 8]",
        );
        refused(Picture::new().plane(0, 1).save(&u, path("x.png")), "needs two axes, but 1 are left");
        refused(Picture::new().component(1).save(&u, path("x.png")), "none of number 1");
        refused(Picture::new().range(1.0, 1.0).save(&u, path("x.png")), "from 1 to 1");
        refused(Picture::new().pixels(0).save(&u, path("x.png")), "0 pixels");
        refused(Picture::new().save(&line, path("x.png")), "needs two axes, but 1 are left");
        refused(Picture::new().save(&u, path("no/such/folder.png")), "No such file or directory");
        refused(Probes::create(&u, path("x.csv"), [[5, 0]]).map(drop), "no point [5, 0]");
        refused(Probes::create(&u, path("no/such.csv"), [[0, 0]]).map(drop), "No such file or directory");
        assert!(!path("x.png").exists());
        Ok(())
    });
}

#[test]
fn probes_go_on_after_a_restart_without_a_line_too_many() {
    on_ranks([1, 2, 4], |world| {
        let grid = Grid::builder([6, 7]).build(world)?;
        let file = path(&format!("probes-{}.csv", world.size()));
        let points = [[0, 0], [5, 6], [2, 3]];
        let mut u = grid.field::<f64>("u");
        let value = |step: usize, [j, i]: [usize; 2]| (step * 100 + 10 * j + i) as f64 / 3.0;
        let mut run = |probes: &mut Probes<2>, steps: std::ops::Range<usize>| -> Result<()> {
            for step in steps {
                u.fill_indexed(|index| value(step, index));
                u.set_time(0.5 * step as f64, 0.5);
                probes.record(&u)?;
            }
            Ok(())
        };
        let mut u_at = grid.field::<f64>("u");
        run(&mut Probes::create(&u_at, &file, points)?, 0..6)?;
        // The run went back to step 4, and its last line had been cut off.
        if world.rank() == 0 {
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, &text[..text.len() - 3]).unwrap();
        }
        world.barrier();
        u_at.set_time(2.0, 0.5);
        run(&mut Probes::resume(&u_at, &file, points)?, 4..8)?;
        if world.rank() == 0 {
            let text = std::fs::read_to_string(&file).unwrap();
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some("time,u at 0.5 0.5,u at 5.5 6.5,u at 2.5 3.5"));
            for step in 0..8 {
                let numbers: Vec<f64> =
                    lines.next().expect("a line").split(',').map(|n| n.parse().unwrap()).collect();
                let wanted: Vec<f64> = std::iter::once(0.5 * step as f64)
                    .chain(points.iter().map(|&point| value(step, point)))
                    .collect();
                assert_eq!(numbers, wanted);
            }
            assert_eq!(lines.next(), None);
        }
        world.barrier();
        let other = Probes::resume(&u_at, &file, [[1, 1]]).unwrap_err();
        assert!(other.to_string().contains("instead of \"time,u at 1.5 1.5\""), "{other}");
        Ok(())
    });
}
