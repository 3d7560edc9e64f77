//! Fields, cell-centered, staggered and with components, on the grid of ranks the library chooses.

use parhelion::io::{Input, Output};
use parhelion::{Centering, Grid, Result};

use crate::array::{Array, Layout};
use crate::support::on_ranks_in_scratch;

#[test]
fn fields_of_all_centerings_come_back() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("fields.h5");
        let grid = Grid::builder([9, 7, 11]).extent([1.0, 2.0, 3.0]).halo(1).build(world)?;
        let make = |name: &str, centering, components| {
            grid.field_builder::<f64>(name).centering(centering).components(components).build()
        };
        let value = |[z, y, x]: [f64; 3]| 100.0 * z + 10.0 * y + x;
        let mut u = make("u", Centering::Cell, 1)?;
        u.fill_with(value);
        let mut w = make("w", Centering::Face(2), 1)?;
        w.fill_with(value);
        let mut v = make("v", Centering::Cell, 3)?;
        for component in 0..3 {
            v.component_mut(component)
                .fill_indexed(|[z, y, x]| (3 * ((z * 7 + y) * 11 + x) + component) as f64);
        }
        Output::create(world, &path)?.write(&u)?.write(&w)?.write(&v)?.finish()?;
        let input = Input::open(world, &path)?;
        assert_eq!(
            input.datasets().collect::<Vec<_>>(),
            ["component3", "u", "v", "w", "x", "x_node", "y", "z"]
        );
        assert_eq!(input.shape("w")?, [9, 7, 12]);
        for written in [&u, &w] {
            let name = written.name();
            let mut back = make(name, written.centering(), 1)?;
            input.read_into(name, &mut back)?;
            assert_eq!(back.interior(), written.interior(), "{name}");
            let found = value_in_file(&input, name, &written.shape_global())?;
            assert_eq!(found, value(written.coordinates([1, 2, 3])), "{name} as a plain array");
        }
        // Components are the fastest axis.
        let layout = Layout { shape: vec![9, 7, 11], ranks: vec![1; 3], halo: 0, padding: 0, components: 3 };
        let mut whole = Array::<f64>::new("v", &layout, 0);
        input.read_into("v", &mut whole)?;
        whole.assert_holds(|index| index as f64);
        Ok(())
    });
}

/// The value at [1, 2, 3] of a dataset, read on every rank into an array that is not distributed.
fn value_in_file(input: &Input<'_>, name: &str, shape: &[usize; 3]) -> Result<f64> {
    let layout = Layout { shape: shape.to_vec(), ranks: vec![1; 3], halo: 0, padding: 0, components: 1 };
    let mut whole = Array::<f64>::new(name, &layout, 0);
    input.read_into(name, &mut whole)?;
    Ok(whole.parts[0][(shape[1] + 2) * shape[2] + 3])
}

#[test]
fn equal_fields_make_equal_files_on_any_grid_of_ranks() {
    on_ranks_in_scratch(|world, directory| {
        let n = world.size();
        let mut first = None;
        for procs in [[n, 1, 1], [1, n, 1], [1, 1, n]] {
            let grid = Grid::builder([8, 9, 10]).procs(procs).build(world)?;
            let mut u = grid.field::<f32>("u");
            u.fill_with(|[z, y, x]| (z * y - x) as f32);
            let path = directory.join("u.h5");
            Output::create(world, &path)?.write(&u)?.finish()?;
            let bytes = std::fs::read(&path)?;
            assert!(*first.get_or_insert(bytes.clone()) == bytes, "{procs:?}");
            world.barrier();
        }
        Ok(())
    });
}
