//! Layouts, precision and parts: chunked, compressed, independent, rounded, windows, planes, every
//! n-th.

use std::path::Path;

use num_complex::Complex;
use parhelion::io::{Input, Output, WriteOptions};
use parhelion::{Centering, Grid, Result, World};

use crate::array::{Array, FromIndex, Layout};
use crate::python;
use crate::support::{assert_contains, cube, filled, grids, on_ranks_in_scratch, refused};

/// Global indices, slowest axis first, of a linear index in C order.
fn unravel(mut linear: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        index[axis] = linear % shape[axis];
        linear /= shape[axis];
    }
    index
}

fn ravel(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |linear, (&i, &n)| linear * n + i)
}

/// Layouts that must hold the same values.
fn layouts() -> [(&'static str, WriteOptions); 6] {
    [
        ("chunked", WriteOptions::new().chunked()),
        ("odd chunks", WriteOptions::new().chunks([2, 3, 5])),
        ("large chunks", WriteOptions::new().chunks([100, 100, 100])),
        ("compressed", WriteOptions::new().compressed(4)),
        ("compressed odd chunks", WriteOptions::new().chunks([3, 2, 4]).compressed(1)),
        ("independent", WriteOptions::new().independent()),
    ]
}

#[test]
fn every_layout_holds_the_same_values() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("layouts.h5");
        for (turn, ranks) in (world.size()..).zip(grids(world.size(), 3)) {
            let components = 1 + 2 * (turn % 2);
            let layout = Layout { shape: vec![7, 5, 6], ranks, halo: 1, padding: 1, components };
            let u = filled::<f64>(world, "u", &layout);
            let mut output = Output::create(world, &path)?;
            for (name, options) in layouts() {
                output = output.write_with(&u, &options.name(name))?;
            }
            let parallel = WriteOptions::new().chunks([4, 4, 4]).independent().name("independent chunks");
            output.write_with(&u, &parallel)?.finish()?;
            let input = Input::open(world, &path)?;
            let ranks = layout.ranks.iter().rev().copied().collect();
            let layout = Layout { ranks, halo: 2, ..layout };
            for name in layouts().map(|(name, _)| name).into_iter().chain(["independent chunks"]) {
                let mut back = Array::<f64>::new(name, &layout, world.rank());
                input.read_into(name, &mut back)?;
                back.assert_holds(f64::from_index);
            }
        }
        Ok(())
    });
}

/// Writes a part of an array of 7 × 5 × 6 elements and compares each element of the dataset with
/// the one it should be.
fn check_part(
    world: &World,
    path: &Path,
    layout: &Layout,
    options: WriteOptions,
    expected: &[Vec<usize>; 3],
    axes: [&str; 3],
) -> Result<()> {
    let u = filled::<f64>(world, "u", layout);
    Output::create(world, path)?.write_with(&u, &options.name("part"))?.write(&u)?.finish()?;
    let input = Input::open(world, path)?;
    let shape: Vec<usize> = expected.iter().map(Vec::len).collect();
    let last = (layout.components > 1).then_some(layout.components);
    assert_eq!(input.shape("part")?, shape.iter().copied().chain(last).collect::<Vec<_>>());
    let part = Layout { shape: shape.clone(), ranks: vec![1, 1, world.size()], ..layout.clone() };
    let mut back = Array::<f64>::new("part", &part, world.rank());
    input.read_into("part", &mut back)?;
    back.assert_holds(|index| {
        let (place, component) = (index / layout.components, index % layout.components);
        let place: Vec<usize> =
            unravel(place, &shape).iter().zip(expected).map(|(&i, chosen)| chosen[i]).collect();
        (ravel(&place, &layout.shape) * layout.components + component) as f64
    });
    // the coordinates on axis n are n + 0.25 and steps of 0.5
    for (number, (axis, chosen)) in axes.iter().zip(expected).enumerate() {
        let line = Layout { shape: vec![chosen.len()], ranks: vec![1], halo: 0, padding: 0, components: 1 };
        let mut coordinates = Array::<f64>::new(axis, &line, 0);
        input.read_into(axis, &mut coordinates)?;
        coordinates.assert_holds(|index| number as f64 + 0.25 + 0.5 * chosen[index] as f64);
    }
    Ok(())
}

#[test]
fn windows_planes_and_every_nth_element_have_their_values_and_coordinates() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("parts.h5");
        for (turn, ranks) in (world.size()..).zip(grids(world.size(), 3)) {
            let components = 1 + turn % 2;
            let layout = Layout { shape: vec![7, 5, 6], ranks, halo: 1, padding: 1, components };
            let all = |n: usize| (0..n).collect::<Vec<_>>();
            let window = WriteOptions::new().window(0, 1..6).window(2, 3..5);
            let expected = [(1..6).collect(), all(5), vec![3, 4]];
            check_part(world, &path, &layout, window, &expected, ["z_1to6", "y", "x_3to5"])?;
            let plane = WriteOptions::new().at(1, 3).chunked();
            let expected = [all(7), vec![3], all(6)];
            check_part(world, &path, &layout, plane, &expected, ["z", "y_at3", "x"])?;
            let coarse = WriteOptions::new().every(0, 3).every(2, 2).window(2, 1..6).compressed(1);
            let expected = [vec![0, 3, 6], all(5), vec![1, 3, 5]];
            check_part(world, &path, &layout, coarse, &expected, ["z_0to7by3", "y", "x_1to6by2"])?;
        }
        Ok(())
    });
}

/// One third is not a binary fraction: rounding shows.
fn third(index: usize) -> f64 {
    index as f64 / 3.0
}

#[test]
fn double_precision_is_rounded_to_single() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("single.h5");
        for components in [1, 3] {
            let layout = Layout { components, ..cube(world) };
            let mut u = Array::<f64>::new("u", &layout, world.rank());
            u.fill_with(third);
            let mut c = Array::<Complex<f64>>::new("c", &layout, world.rank());
            c.fill_with(|index| Complex::new(third(index), -third(index)));
            let single = WriteOptions::new().as_f32();
            let coarse = single.clone().compressed(2).every(2, 2).name("coarse");
            let output = Output::create(world, &path)?.write_with(&u, &single)?.write_with(&c, &single)?;
            output.write_with(&u, &coarse)?.finish()?;
            let input = Input::open(world, &path)?;
            assert_eq!(input.kind("u")?, parhelion::kernels::ElementKind::F32);
            assert_eq!(input.kind("c")?, parhelion::kernels::ElementKind::ComplexF32);
            let mut back = Array::<f32>::new("u", &layout, world.rank());
            input.read_into("u", &mut back)?;
            back.assert_holds(|index| third(index) as f32);
            let mut back = Array::<Complex<f32>>::new("c", &layout, world.rank());
            input.read_into("c", &mut back)?;
            back.assert_holds(|index| Complex::new(third(index) as f32, -third(index) as f32));
            let layout = Layout { shape: vec![4, 5, 3], ..layout };
            let mut back = Array::<f32>::new("coarse", &layout, world.rank());
            input.read_into("coarse", &mut back)?;
            back.assert_holds(|index| {
                let (place, component) = (index / components, index % components);
                third((place / 3 * 6 + place % 3 * 2) * components + component) as f32
            });
        }
        Ok(())
    });
}

#[test]
fn staggered_fields_have_parts_and_chunks_too() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("staggered.h5");
        let grid = Grid::builder([8, 9, 10]).extent([1.0, 2.0, 3.0]).build(world)?;
        let number = |[z, y, x]: [usize; 3]| ((z * 100 + y) * 100 + x) as f64;
        for (centering, shape) in [
            (Centering::Face(2), [8, 9, 11]),
            (Centering::Node, [9, 10, 11]),
            (Centering::Edge(1), [9, 9, 11]),
        ] {
            let mut u = grid.field_builder::<f64>("u").centering(centering).build()?;
            u.fill_indexed(number);
            // The last of the 11 points on axis 2 lies on the wall.
            let part = WriteOptions::new().name("part").window(0, 2..8).every(2, 5).compressed(1).as_f32();
            Output::create(world, &path)?
                .write_with(&u, &WriteOptions::new().chunked())?
                .write_with(&u, &part)?
                .finish()?;
            let input = Input::open(world, &path)?;
            assert_eq!(input.shape("u")?, shape);
            let mut back = grid.field_builder::<f64>("back").centering(centering).build()?;
            input.read_into("u", &mut back)?;
            assert_eq!(back.interior(), u.interior(), "{centering:?}");
            assert_eq!(input.shape("part")?, [6, shape[1], 3]);
            let layout =
                Layout { shape: vec![6, shape[1], 3], ranks: vec![1; 3], halo: 0, padding: 0, components: 1 };
            let mut whole = Array::<f32>::new("part", &layout, 0);
            input.read_into("part", &mut whole)?;
            whole.assert_holds(|index| {
                number([index / 3 / shape[1] + 2, index / 3 % shape[1], index % 3 * 5]) as f32
            });
            let line = Layout { shape: vec![3], ranks: vec![1], halo: 0, padding: 0, components: 1 };
            let mut x = Array::<f64>::new("x", &line, 0);
            input.read_into("x_node_0to11by5", &mut x)?;
            x.assert_holds(|index| index as f64 * 5.0 * grid.spacing()[2]);
        }
        Ok(())
    });
}

#[test]
fn options_that_make_no_sense_are_refused() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("refused.h5");
        let u = filled::<f64>(world, "u", &cube(world));
        let n = filled::<i32>(world, "n", &cube(world));
        let refusal = |options: WriteOptions| {
            refused(world, Output::create(world, &path).and_then(|output| output.write_with(&u, &options)))
        };
        let new = WriteOptions::new;
        assert_contains(&refusal(new().compressed(10)), &["\"u\"", "level 10"]);
        assert_contains(&refusal(new().compressed(1).independent()), &["\"u\"", "all of them at once"]);
        assert_contains(&refusal(new().chunks([2, 2])), &["[2, 2]", "2 axes", "3"]);
        assert_contains(&refusal(new().chunks([2, 0, 2])), &["empty"]);
        assert_contains(&refusal(new().chunks([1 << 20, 1 << 10, 1])), &["exceed"]);
        assert_contains(&refusal(new().window(1, 3..9)), &["3..9", "axis 1", "0..5"]);
        assert_contains(&refusal(new().at(3, 0)), &["no axis 3"]);
        assert_contains(&refusal(new().every(0, 0)), &["every 0th"]);
        assert_contains(&refusal(new().attribute("NAME", "x")), &["\"NAME\"", "library's"]);
        let single = Output::create(world, &path)?.write_with(&n, &new().as_f32());
        assert_contains(&refused(world, single), &["\"n\"", "i32", "floating-point"]);
        if world.size() > 1 {
            let differing = new().at(0, world.rank() % 2);
            assert_contains(&refusal(differing), &["not the same on all"]);
        }
        assert!(!path.exists());
        Ok(())
    });
}

#[test]
fn h5py_xarray_and_netcdf_see_layouts_and_parts() {
    let Some(python) = python::with(&["h5py", "numpy", "xarray", "h5netcdf", "netCDF4"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("layouts.h5");
        let layout = Layout {
            shape: vec![12, 10, 8],
            ranks: vec![1, world.size(), 1],
            halo: 1,
            padding: 1,
            components: 1,
        };
        let u = filled::<f64>(world, "u", &layout);
        let v = filled::<f64>(world, "v", &Layout { components: 3, ..layout });
        let new = WriteOptions::new;
        Output::create(world, &path)?
            .write_with(
                &u,
                &new().chunks([4, 5, 8]).compressed(6).attribute("standard_name", "air_temperature"),
            )?
            .write_with(&u, &new().name("single").as_f32().chunked())?
            .write_with(&u, &new().name("plane").at(0, 7).attribute("long_name", "a plane"))?
            .write_with(&u, &new().name("coarse").every(0, 5).every(2, 3).compressed(1))?
            .write_with(&v, &new().chunks([6, 5, 4]).compressed(9).window(1, 2..9))?
            .finish()?;
        if world.rank() == 0 {
            python.run("check_layouts.py", [&path]);
        }
        Ok(())
    });
}
