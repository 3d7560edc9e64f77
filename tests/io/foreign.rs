//! NetCDF-4 files of xarray and netCDF4, read whole and in parts, on any grid of ranks.

use parhelion::io::{Input, Output, ReadOptions};
use parhelion::kernels::ElementKind;
use parhelion::{Centering, Grid, Result, World};

use crate::array::{Array, FromIndex, Layout};
use crate::python;
use crate::support::{assert_contains, find, grids, on_ranks_in_scratch, refused};

/// The shape of every variable in the files of `make_netcdf.py`; values are indices.
const SHAPE: [usize; 4] = [3, 5, 6, 4];

fn index([t, z, y, x]: [usize; 4]) -> usize {
    ((t * SHAPE[1] + z) * SHAPE[2] + y) * SHAPE[3] + x
}

/// Reads time 2, rows 1, 3 and 5 of axis y and columns 1..4 of a variable.
fn check_part<T: FromIndex>(world: &World, input: &Input<'_>, name: &str, ranks: Vec<usize>) -> Result<()> {
    let layout = Layout { shape: vec![5, 3, 3], ranks, halo: 1, padding: 1, components: 1 };
    let part = ReadOptions::new().at(0, 2).window(2, 1..6).every(2, 2).window(3, 1..4);
    for part in [part.clone(), part.independent()] {
        let mut u = Array::<T>::new(name, &layout, world.rank());
        input.read_with(name, &mut u, &part)?;
        u.assert_holds(|n| T::from_index(index([2, n / 9, 1 + n / 3 % 3 * 2, 1 + n % 3])));
    }
    Ok(())
}

#[test]
fn netcdf_files_are_read_whole_and_in_parts() {
    let Some(python) = python::with(&["h5py", "numpy", "xarray", "h5netcdf", "netCDF4"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        if world.rank() == 0 {
            python.run("make_netcdf.py", [directory]);
        }
        world.barrier();
        let xarray = Input::open(world, directory.join("xarray.nc"))?;
        let netcdf = Input::open(world, directory.join("netcdf4.nc"))?;
        assert_eq!(netcdf.kind("i2be")?, ElementKind::I16);
        assert_eq!(find(xarray.attributes("f4")?, "units"), Some("K".into()));
        for (turn, ranks) in (world.size()..).zip(grids(world.size(), 3)) {
            // Each uses one grid of ranks in turn; over all numbers of ranks, all kinds of grids
            // are used.
            let variables =
                [(&xarray, "f8"), (&xarray, "f4"), (&xarray, "i2"), (&netcdf, "f8be"), (&netcdf, "i2be")];
            for (input, name) in
                variables.into_iter().chain([(&netcdf, "model/deep")]).skip(turn % 2).step_by(2)
            {
                assert_eq!(input.shape(name)?, SHAPE);
                check_part::<f64>(world, input, name, ranks.clone())?;
                check_part::<f32>(world, input, name, ranks.clone())?;
                let whole = Layout {
                    shape: SHAPE.to_vec(),
                    ranks: [&[1], &ranks[..]].concat(),
                    halo: 1,
                    padding: 0,
                    components: 1,
                };
                let mut u = Array::<f64>::new(name, &whole, world.rank());
                input.read_into(name, &mut u)?;
                u.assert_holds(f64::from_index);
            }
            let layout = Layout { shape: vec![5, 6, 4], ranks, halo: 0, padding: 0, components: 1 };
            let mut u = Array::<i32>::new("u1", &layout, world.rank());
            netcdf.read_into("u1", &mut u)?;
            u.assert_holds(i32::from_index);
        }
        Ok(())
    });
}

#[test]
fn planes_and_components_of_a_dataset_become_fields() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("vectors.h5");
        let layout =
            Layout { shape: vec![6, 7], ranks: vec![world.size(), 1], halo: 1, padding: 0, components: 5 };
        let mut v = Array::<f64>::new("v", &layout, world.rank());
        v.fill_with(f64::from_index);
        Output::create(world, &path)?.write(&v)?.finish()?;
        let input = Input::open(world, &path)?;
        // Components 1 and 3 of all rows.
        let layout = Layout { components: 2, ranks: vec![1, world.size()], ..layout };
        let mut two = Array::<f64>::new("two", &layout, world.rank());
        input.read_with("v", &mut two, &ReadOptions::new().window(2, 1..5).every(2, 2))?;
        two.assert_holds(|n| (n / 2 * 5 + 1 + n % 2 * 2) as f64);
        // One component as a field.
        let grid = Grid::builder([6, 7]).build(world)?;
        let mut u = grid.field::<f64>("u");
        input.read_with("v", &mut u, &ReadOptions::new().at(2, 4))?;
        let mut expected = grid.field::<f64>("expected");
        expected.fill_indexed(|[y, x]| ((y * 7 + x) * 5 + 4) as f64);
        assert_eq!(u.interior(), expected.interior());
        // A selection that does not fit is refused with a message that states it.
        let refusal = refused(world, input.read_with("v", &mut u, &ReadOptions::new().every(0, 2).at(2, 0)));
        assert_contains(&refusal, &["\"v\"", "[6, 7, 5]", "[3, 7, 1]", "[6, 7]"]);
        let refusal = refused(world, input.read_with("v", &mut u, &ReadOptions::new().at(2, 5)));
        assert_contains(&refusal, &["\"v\"", "5..6", "axis 2"]);
        Ok(())
    });
}

#[test]
fn a_field_is_read_onto_finer_and_coarser_grids() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("coarse.h5");
        let extent = [2.0, 3.0];
        let linear = |[y, x]: [f64; 2], component: usize| 4.0 * y - 3.0 * x + component as f64;
        let stored = Grid::builder([12, 10]).extent(extent).build(world)?;
        let spacing = stored.spacing();
        let mut u = stored.field_builder::<f64>("u").components(2).build()?;
        for component in 0..2 {
            u.component_mut(component).fill_indexed(|[y, x]| {
                linear([(y as f64 + 0.5) * spacing[0], (x as f64 + 0.5) * spacing[1]], component)
            });
        }
        Output::create(world, &path)?.write(&u)?.write(&stored.field::<i64>("counts"))?.finish()?;
        let input = Input::open(world, &path)?;
        for shape in [[24, 20], [36, 15], [8, 8], [12, 10], [9, 31]] {
            let grid = Grid::builder(shape).extent(extent).procs([1, world.size()]).build(world)?;
            let mut v = grid.field_builder::<f64>("v").components(2).build()?;
            input.read_with("u", &mut v, &ReadOptions::new().interpolated())?;
            for local in v.region_local().indices() {
                let start = v.region_global().start;
                let at = grid.coordinates(std::array::from_fn(|a| start[a] + local[a]), Default::default());
                // Between the outermost centers a linear function is exact; beyond them it is
                // constant.
                let inside = std::array::from_fn(|a| {
                    let half = 0.5 * spacing[a];
                    at[a].clamp(half, extent[a] - half)
                });
                for component in 0..2 {
                    let (found, expected) =
                        (v.component(component).view().get(local), linear(inside, component));
                    // A few roundings of numbers below 16.
                    assert!((found - expected).abs() < 1e-13, "{found} for {expected} at {at:?}");
                }
            }
        }
        let grid = Grid::builder([24, 20]).extent(extent).build(world)?;
        let onto = ReadOptions::new().interpolated();
        let mut counts = grid.field::<i64>("counts");
        assert_contains(&refused(world, input.read_with("counts", &mut counts, &onto)), &["floating-point"]);
        let mut single = grid.field::<f64>("single");
        assert_contains(
            &refused(world, input.read_with("u", &mut single, &onto)),
            &["[12, 10, 2]", "[24, 20]"],
        );
        input.read_with("u", &mut single, &onto.at(2, 1))
    });
}

#[test]
fn staggered_fields_are_read_onto_other_grids_between_the_walls() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("coarse.h5");
        let extent = [2.0, 3.0];
        let linear = |[y, x]: [f64; 2]| 4.0 * y - 3.0 * x + 1.0;
        let stored = Grid::builder([12, 10]).extent(extent).build(world)?;
        let centerings = [Centering::Node, Centering::Face(0), Centering::Face(1)];
        let mut output = Output::create(world, &path)?;
        for (n, centering) in centerings.into_iter().enumerate() {
            let mut u = stored.field_builder::<f64>("u").centering(centering).build()?;
            u.fill_with(linear);
            output = output.write_as(&format!("u{n}"), &u)?;
        }
        output.finish()?;
        let input = Input::open(world, &path)?;
        let onto = ReadOptions::new().interpolated();
        for shape in [[24, 20], [36, 15], [8, 8], [12, 10], [9, 31]] {
            let grid = Grid::builder(shape).extent(extent).procs([1, world.size()]).build(world)?;
            for (n, centering) in centerings.into_iter().enumerate() {
                let mut v = grid.field_builder::<f64>("v").centering(centering).build()?;
                input.read_with(&format!("u{n}"), &mut v, &onto)?;
                // Constant beyond the outermost centers of cells.
                let margin: [f64; 2] =
                    std::array::from_fn(
                        |a| if centering.staggered(a) { 0.0 } else { 0.5 * stored.spacing()[a] },
                    );
                let mut exact = grid.field_builder::<f64>("exact").centering(centering).build()?;
                exact.fill_with(|at| {
                    linear(std::array::from_fn(|a| at[a].clamp(margin[a], extent[a] - margin[a])))
                });
                for local in v.region_local().indices() {
                    let (found, expected) = (v.view().get(local), exact.view().get(local));
                    // A few roundings of numbers below 16.
                    assert!(
                        (found - expected).abs() < 1e-13,
                        "{found} for {expected}, {centering:?} {shape:?}"
                    );
                }
            }
        }
        let grid = Grid::builder([24, 20]).extent(extent).periodic([true, false]).build(world)?;
        let mut v = grid.field_builder::<f64>("v").centering(Centering::Face(0)).build()?;
        let message = refused(world, input.read_with("u1", &mut v, &onto));
        assert_contains(&message, &["\"u1\"", "staggered along a periodic axis"]);
        let mut v = grid.field_builder::<f64>("v").centering(Centering::Face(1)).build()?;
        input.read_with("u2", &mut v, &onto)
    });
}
