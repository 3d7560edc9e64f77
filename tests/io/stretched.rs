//! Fields on stretched axes: their coordinates in files, and input by coordinates.

use parhelion::io::{Axis, Input, Output, ReadOptions, Series, Stored, WriteOptions};
use parhelion::prelude::*;

use crate::python;
use crate::support::{assert_contains, on_ranks_in_scratch, refused};

/// Powers of two and their sums are exact in text too.
const Z: [f64; 6] = [0.0, 0.25, 0.75, 1.75, 2.0, 4.0];

fn grid(world: &World) -> parhelion::Result<Grid<3>> {
    Grid::builder([5, 4, 6])
        .extent([1.0, 2.0, 3.0])
        .faces(0, &Z)
        .mapping(2, |s| 3.0 * s * s)
        .axis_units(["m", "", "km"])
        .build(world)
}

#[test]
fn files_have_the_coordinates_of_stretched_axes() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("stretched.h5");
        let grid = grid(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_with(|[z, y, x]| z + 10.0 * y + 100.0 * x);
        let mut w = grid.field_builder::<f64>("w").centering(Centering::Face(0)).build()?;
        w.fill_with(|[z, y, x]| z + 10.0 * y + 100.0 * x);
        let part = WriteOptions::new().name("part").window(0, 1..4).every(2, 2);
        Output::create(world, &path)?.write(&u)?.write(&w)?.write_with(&u, &part)?.finish()?;

        // Each scale, read as a plain array on a grid of that many cells.
        let input = Input::open(world, &path)?;
        let scale = |name: &str, wanted: &[f64]| -> parhelion::Result<()> {
            let plain = Grid::builder([wanted.len()]).axis_names(["i"]).procs([1]);
            if world.size() == 1 {
                let mut values = plain.build(world)?.field::<f64>("values");
                input.read_into(name, &mut values)?;
                assert_eq!(values.interior().to_vec(), wanted, "{name}");
            }
            assert_eq!(input.shape(name)?, [wanted.len()]);
            Ok(())
        };
        let centers = [0.125, 0.5, 1.25, 1.875, 3.0];
        scale("z", &centers)?;
        scale("z_node", &Z)?;
        scale("z_1to4", &centers[1..4])?;
        let x = |i: usize| u.coordinates([0, 0, i])[2];
        scale("x", &[0, 1, 2, 3, 4, 5].map(x))?;
        scale("x_0to5by2", &[0, 2, 4].map(x))?;

        // What was written comes back; axes that differ are refused.
        for field in [&u, &w] {
            let builder = grid.field_builder::<f64>(field.name()).centering(field.centering());
            let mut back = builder.build()?;
            input.read_into(field.name(), &mut back)?;
            assert_eq!(back.fingerprint(), field.fingerprint());
        }
        let uniform = Grid::builder([5, 4, 6]).extent([4.0, 2.0, 3.0]).build(world)?;
        let message = refused(world, input.read_into("u", &mut uniform.field::<f64>("u")));
        assert_contains(&message, &["axis \"z\"", "value 0 lies at 0.125", "at 0.4", "interpolated()"]);
        let other = Grid::builder([5, 4, 6]).faces(0, &[0.0, 0.25, 0.75, 1.5, 2.0, 4.0]).build(world)?;
        let message = refused(world, input.read_into("u", &mut other.field::<f64>("u")));
        assert_contains(&message, &["axis \"z\"", "value 2 lies at 1.25", "at 1.125"]);
        Ok(())
    });
}

/// A linear function, between the outermost points of the file, is met by linear interpolation.
#[test]
fn input_is_interpolated_by_coordinates() {
    on_ranks_in_scratch(|world, directory| {
        let linear = |[y, x]: [f64; 2]| 3.0 * y - 2.0 * x;
        let stretched = |cells: [usize; 2]| {
            let builder = Grid::builder(cells).extent([2.0, 1.0]);
            builder.mapping(0, |s| 2.0 * s * (0.5 + 0.5 * s)).build(world)
        };
        let uniform = |cells: [usize; 2]| Grid::builder(cells).extent([2.0, 1.0]).build(world);
        let path = directory.join("linear.h5");
        for (from, to) in [
            (stretched([12, 9])?, stretched([17, 11])?),
            (stretched([12, 9])?, uniform([10, 9])?),
            (uniform([12, 9])?, stretched([14, 9])?),
        ] {
            for centering in [Centering::Cell, Centering::Node] {
                let mut u = from.field_builder::<f64>("u").centering(centering).build()?;
                u.fill_with(linear);
                Output::create(world, &path)?.write(&u)?.finish()?;
                let mut v = to.field_builder::<f64>("v").centering(centering).build()?;
                Input::open(world, &path)?.read_with("u", &mut v, &ReadOptions::new().interpolated())?;
                let (start, shape) = (v.region_global().start, u.shape_global());
                let (low, high) = (u.coordinates([0; 2]), u.coordinates(shape.map(|n| n - 1)));
                for local in v.region_local().indices() {
                    let place = v.coordinates([0, 1].map(|a| (start[a] + local[a]) as usize));
                    // Beyond the outermost points, the nearest value.
                    let wanted = linear([0, 1].map(|a| place[a].clamp(low[a], high[a])));
                    let found = v.get_local(local);
                    assert!((found - wanted).abs() < 1e-12, "{centering:?} {place:?}: {found} {wanted}");
                }
            }
        }
        Ok(())
    });
}

#[test]
fn series_on_other_coordinates_are_refused() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("series.h5");
        let at = |faces: &[f64]| Grid::builder([3, 4]).faces(0, faces).build(world);
        let mut series = Series::create(world, &path)?;
        let u = at(&[0.0, 1.0, 3.0, 4.0])?.field::<f64>("u");
        series.at(0.0)?.write(&u)?.finish()?;
        series.at(1.0)?.write(&u)?.finish()?;
        let moved = at(&[0.0, 1.0, 2.0, 4.0])?.field::<f64>("u");
        let message = refused(world, series.at(2.0)?.write(&moved).map(|_| ()));
        assert_contains(&message, &["lies at \"y\"", "earlier outputs"]);
        Ok(())
    });
}

#[test]
fn parts_of_stretched_axes_keep_their_places() {
    on_ranks_in_scratch(|world, _| {
        let axes = Stored::axes(&grid(world)?.field::<f64>("u"));
        let Axis { boundaries: Some(faces), cells: true, .. } = &axes[0] else { panic!("{:?}", axes[0]) };
        assert_eq!(faces[..], Z);
        assert_eq!((axes[0].coordinate(2), &axes[1].boundaries), (1.25, &None));
        Ok(())
    });
}

#[test]
fn tools_see_stretched_axes() {
    let Some(python) = python::with(&["h5py", "numpy", "pyvista"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        let grid = grid(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_with(|[z, y, x]| z + 10.0 * y + 100.0 * x);
        let mut w = grid.field_builder::<f64>("w").centering(Centering::Face(0)).build()?;
        w.fill_with(|[z, y, x]| z + 10.0 * y + 100.0 * x);
        Output::create(world, directory.join("cells.h5"))?.write(&u)?.finish()?;
        Output::create(world, directory.join("faces.h5"))?.write(&w)?.finish()?;
        if world.rank() == 0 {
            python.run("check_stretched.py", [directory]);
        }
        Ok(())
    });
}
