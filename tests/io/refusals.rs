//! Files that cannot be read or created: the same clear error on every rank.

use std::path::Path;

use num_complex::Complex;
use parhelion::io::{Attribute, Input, Output, Series};

use crate::array::{Array, Layout};
use crate::support::{assert_contains, cube, filled, find, on_ranks_in_scratch, refused};

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

#[test]
fn attributes_that_cannot_be_are_refused_at_once() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("attributes.h5");
        let refusal = |name: &str, value: Attribute| {
            let output = Output::create(world, &path).and_then(|output| output.attribute("title", "old"));
            refused(world, output.and_then(|output| output.attribute(name, value)).map(drop))
        };
        assert_contains(
            &refusal("title", "new".into()),
            &["attributes.h5", "\"title\"", "before", "\"old\""],
        );
        for name in ["Conventions", "parhelion_format", "parhelion_state"] {
            assert_contains(&refusal(name, 1.into()), &[name, "library's"]);
        }
        assert_contains(&refusal("time", 1.0.into()), &["Output::time"]);
        assert_contains(&refusal("", 1.into()), &["name"]);
        assert_contains(&refusal("a\0b", 1.into()), &["null"]);
        assert_contains(&refusal("text", "a\0b".into()), &["null character"]);
        assert_contains(&refusal("list", vec![0.0; 8001].into()), &["64008 bytes", "dataset"]);
        let series = || Series::create(world, directory.join("run.h5"))?.attribute("title", "old");
        assert_contains(&refused(world, series()?.attribute("title", 1).map(drop)), &["run.h5", "before"]);
        assert_contains(&refused(world, series()?.attribute("time", 1).map(drop)), &["Series::at"]);
        // The longest allowed name can be written.
        let u = filled::<f64>(world, "u", &cube(world));
        Output::create(world, &path)?.attribute("list", vec![0.5; 8000])?.write(&u)?.finish()?;
        assert_eq!(
            find(Input::open(world, &path)?.file_attributes(), "list"),
            Some(Attribute::from(vec![0.5; 8000]))
        );
        Ok(())
    });
}

#[test]
fn a_field_named_like_an_axis_is_refused_with_a_cure() {
    on_ranks_in_scratch(|world, directory| {
        let u = filled::<f64>(world, "u", &cube(world));
        let axis = parhelion::io::WriteOptions::new().name("x");
        let output = Output::create(world, directory.join("clash.h5"))?;
        let message = refused(world, output.write_with(&u, &axis));
        assert_contains(&message, &["clash.h5", "\"x\" would name both an axis and the field", "rename"]);
        Ok(())
    });
}
