//! What cannot be read or begun: the same clear error on every rank.

use std::path::Path;

use num_complex::Complex;
use parhelion::{Input, Output};

use crate::array::{Array, Layout};
use crate::support::{assert_contains, cube, filled, on_ranks_in_scratch, refused};

#[test]
fn a_file_that_is_missing_or_no_hdf5_file_cannot_be_opened() {
    on_ranks_in_scratch(|world, directory| {
        let [good, text, cut] = ["good.h5", "text.h5", "cut.h5"].map(|name| directory.join(name));
        Output::create(world, &good)?.write(&filled::<f64>(world, "u", &cube(world)))?.finish()?;
        if world.rank() == 0 {
            std::fs::write(&text, "not HDF5")?;
            let whole = std::fs::read(&good)?;
            std::fs::write(&cut, &whole[..whole.len() - 100])?;
        }
        world.barrier();
        let open = |path: &Path| refused(world, Input::open(world, path));
        assert_contains(&open(&directory.join("missing.h5")), &["missing.h5", "No such file"]);
        assert_contains(&open(&text), &["text.h5", "not an HDF5 file"]);
        assert_contains(&open(&cut), &["cut.h5", "truncated"]);
        assert_contains(&open(directory), &["not an ordinary file"]);
        Ok(())
    });
}

#[test]
fn a_dataset_that_is_missing_or_does_not_fit_cannot_be_read() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("good.h5");
        Output::create(world, &path)?.write(&filled::<f64>(world, "u", &cube(world)))?.finish()?;
        let input = Input::open(world, &path)?;
        let mut other = Array::<f64>::new("u", &cube(world), world.rank());
        let message = refused(world, input.read_into("temperature", &mut other));
        let there = "\"u\", \"x\", \"y\", \"z\"";
        assert_contains(&message, &["\"temperature\"", "good.h5", "no such dataset", there]);
        for shape in [vec![4, 5, 7], vec![4, 5]] {
            let ranks = vec![1; shape.len()];
            let layout = Layout { shape, ranks, ..cube(world) };
            let mut other = Array::<f64>::new("u", &layout, world.rank());
            let message = refused(world, input.read_into("u", &mut other));
            assert_contains(&message, &["[4, 5, 6]", &format!("{:?}", layout.shape)]);
        }
        let mut vectors = Array::<f64>::new("u", &Layout { components: 3, ..cube(world) }, world.rank());
        let message = refused(world, input.read_into("u", &mut vectors));
        assert_contains(&message, &["components", "[4, 5, 6]", "[4, 5, 6, 3]"]);
        let mut integers = Array::<i32>::new("u", &cube(world), world.rank());
        assert_contains(&refused(world, input.read_into("u", &mut integers)), &["f64", "i32", "fractions"]);
        let mut complex = Array::<Complex<f64>>::new("u", &cube(world), world.rank());
        assert_contains(&refused(world, input.read_into("u", &mut complex)), &["not complex"]);
        if world.size() > 1 {
            let name = if world.rank() == 1 { "x" } else { "u" };
            assert_contains(&refused(world, input.read_into(name, &mut other)), &["not the same on all"]);
        }
        Ok(())
    });
}

#[test]
fn a_file_that_cannot_be_is_not_begun() {
    on_ranks_in_scratch(|world, directory| {
        let create = |path: &Path| refused(world, Output::create(world, path));
        assert_contains(&create(&directory.join("no/such.h5")), &["no directory"]);
        assert_contains(&create(directory), &["not an ordinary file"]);
        assert_contains(&create("/proc/u.h5".as_ref()), &["/proc/u.h5"]);
        assert_contains(&create(&directory.join("u.xdmf")), &["u.xdmf", ".h5"]);
        if world.size() > 1 {
            let own = directory.join(format!("of-{}.h5", world.rank()));
            assert_contains(&create(&own), &["path of an output file", "not the same on all"]);
        }
        Ok(())
    });
}
