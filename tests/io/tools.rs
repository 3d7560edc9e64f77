//! Files written and read by other tools: h5py, xarray, and pyvista through the side file.

use std::path::Path;

use num_complex::Complex;
use parhelion::io::{Input, Output};
use parhelion::kernels::ElementKind;
use parhelion::{Element, Result, World};

use crate::array::{Array, FromIndex, Layout};
use crate::python;
use crate::support::{assert_contains, cube, filled, find, grids, on_ranks_in_scratch, refused};

/// Reads dataset `name` of the files of `make_foreign.py` and compares it with the index.
fn check<T: FromIndex>(world: &World, input: &Input<'_>, name: &str, layout: &Layout) -> Result<()> {
    let mut u = Array::<T>::new(name, layout, world.rank());
    input.read_into(name, &mut u)?;
    u.assert_holds(T::from_index);
    Ok(())
}

/// Each dataset on one of three grids in turn, beginning with another one for each number of ranks,
/// so that all of them are used. (Every read waits for other ranks: a time slice where ranks
/// outnumber cores.)
#[test]
fn what_h5py_writes_is_read_whatever_its_type_byte_order_and_storage() {
    let Some(python) = python::with(&["h5py", "numpy"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        if world.rank() == 0 {
            python.run("make_foreign.py", [directory]);
        }
        world.barrier();
        let input = Input::open(world, directory.join("foreign.h5"))?;
        for (turn, ranks) in (world.size()..).zip(grids(world.size(), 3)) {
            let layout = Layout { shape: vec![5, 6, 4], ranks, halo: 1, padding: 1, components: 1 };
            let in_turn = |names: &'static [&'static str]| names.iter().copied().skip(turn % 3).step_by(3);
            for name in in_turn(&[
                "u1",
                "i2",
                "i2be",
                "f2",
                "f4",
                "f4be",
                "f8be",
                "chunked",
                "gzip",
                "shuffle",
                "group/deep",
            ]) {
                check::<f64>(world, &input, name, &layout)?;
                check::<f32>(world, &input, name, &layout)?;
            }
            for name in in_turn(&["u1", "i2", "i2be"]) {
                check::<i32>(world, &input, name, &layout)?;
            }
            for name in in_turn(&["c8", "c16", "c16be", "c16named"]) {
                check::<Complex<f64>>(world, &input, name, &layout)?;
            }
            for name in in_turn(&["v2be", "v8gzip"]) {
                check::<f64>(world, &input, name, &Layout { components: 3, ..layout.clone() })?;
            }
        }
        assert_eq!(input.kind("i2be")?, ElementKind::I16);
        let mut u = Array::<f64>::new("u", &cube(world), world.rank());
        assert_contains(&refused(world, input.read_into("text", &mut u)), &["text"]);
        assert_eq!(find(input.attributes("u1")?, "note"), Some("from h5py".into()));
        Ok(())
    });
}

#[test]
fn h5py_and_xarray_see_types_units_axes_and_time() {
    let Some(python) = python::with(&["h5py", "numpy", "xarray", "h5netcdf"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        gallery(world, directory)?;
        if world.rank() == 0 {
            python.run("check_gallery_h5py.py", [directory]);
        }
        Ok(())
    });
}

#[test]
fn pyvista_sees_fields_on_their_grids() {
    let Some(python) = python::with(&["h5py", "numpy", "pyvista"]) else { return };
    on_ranks_in_scratch(|world, directory| {
        gallery(world, directory)?;
        if world.rank() == 0 {
            python.run("check_gallery_pyvista.py", [directory]);
        }
        Ok(())
    });
}

/// Writes files with one of everything for the scripts to check.
fn gallery(world: &World, directory: &Path) -> Result<()> {
    let n = world.size();
    let layout = Layout { shape: vec![5, 6, 4], ranks: vec![1, 1, n], halo: 1, padding: 1, components: 1 };
    fn add<'w, T: FromIndex + Element>(
        output: Output<'w>,
        world: &World,
        name: &str,
        layout: &Layout,
    ) -> Result<Output<'w>> {
        output.write(&filled::<T>(world, name, layout))
    }
    let mut output = Output::create(world, directory.join("gallery.h5"))?.time(0.5);
    output = add::<f64>(output, world, "f64", &layout)?;
    output = add::<f32>(output, world, "f32", &layout)?;
    output = add::<u8>(output, world, "u8", &layout)?;
    output = add::<i8>(output, world, "i8", &layout)?;
    output = add::<i16>(output, world, "i16", &layout)?;
    output = add::<u16>(output, world, "u16", &layout)?;
    output = add::<i32>(output, world, "i32", &layout)?;
    output = add::<u32>(output, world, "u32", &layout)?;
    output = add::<i64>(output, world, "i64", &layout)?;
    output = add::<u64>(output, world, "u64", &layout)?;
    output = add::<Complex<f64>>(output, world, "c16", &layout)?;
    output = add::<f64>(output, world, "velocity", &Layout { components: 3, ..layout.clone() })?;
    output = add::<f64>(output, world, "pair", &Layout { components: 2, ..layout.clone() })?;
    output.finish()?;
    for (name, shape) in [("line.h5", vec![7]), ("plane.h5", vec![3, 7])] {
        let mut ranks = vec![1; shape.len()];
        ranks[0] = n;
        let layout = Layout { shape, ranks, halo: 1, padding: 0, components: 1 };
        let u = filled::<f64>(world, "u", &layout);
        Output::create(world, directory.join(name))?.write(&u)?.finish()?;
    }
    Ok(())
}
