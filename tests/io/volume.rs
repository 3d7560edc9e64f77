//! The brain volume of `data/`: chunked, compressed, bytes in the file.

use parhelion::io::Input;
use parhelion::testing::on_ranks;
use parhelion::{Element, Field, Grid, Result, World};

use crate::support::find;
use crate::{python, ranks};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5");
const SHAPE: [usize; 3] = [189, 233, 197];
const SUM: u64 = 333_468_829;
/// Sums of index × value per axis, which a shift or swap would change; from numpy, like `SUM`.
const MOMENTS: [u64; 3] = [27_545_473_593, 37_566_714_296, 32_679_945_242];
/// Some voxels, from numpy as well.
const VOXELS: [([usize; 3], u8); 3] = [([94, 116, 98], 198), ([100, 60, 77], 210), ([90, 100, 50], 135)];

fn read<T: Element>(world: &World, grid: &Grid<3>) -> Result<Field<T, 3>> {
    let mut field = grid.field::<T>("t1");
    Input::open(world, PATH)?.read_into("t1", &mut field)?;
    Ok(field)
}

#[test]
fn every_voxel_of_the_brain_arrives_at_its_place() {
    on_ranks(ranks(), |world| {
        let input = Input::open(world, PATH)?;
        assert_eq!(input.shape("t1")?, SHAPE);
        assert_eq!(input.kind("t1")?, parhelion::kernels::ElementKind::U8);
        assert_eq!(find(input.attributes("z")?, "units"), Some("mm".into()));
        let n = world.size();
        for procs in [[n, 1, 1], [1, 1, n]] {
            let grid = Grid::builder(SHAPE).halo(1).procs(procs).build(world)?;
            let bytes = read::<u8>(world, &grid)?;
            for (index, value) in VOXELS {
                assert_eq!(bytes.probe(index)?, value, "{index:?}");
            }
            let mut numbers = read::<f64>(world, &grid)?;
            assert_eq!(numbers.sum(), SUM as f64);
            let mut weight = grid.field::<f64>("weight");
            for axis in 0..3 {
                weight.fill_indexed(|index| index[axis] as f64);
                // products and their sum are integers below 2^53
                assert_eq!(numbers.dot(&weight)?, MOMENTS[axis] as f64, "axis {axis} of {procs:?}");
            }
            let single = read::<f32>(world, &grid)?;
            assert_eq!(single.sum(), SUM as f64);
            numbers.zip_mut_with(&single, |a, &b| *a -= f64::from(b))?;
            assert_eq!(numbers.norm_max(), 0.0);
        }
        Ok(())
    });
}

#[test]
fn h5py_sees_the_same_brain() {
    let Some(python) = python::with(&["h5py", "numpy"]) else { return };
    let points = VOXELS.iter().map(|([z, y, x], _)| format!("--point={z},{y},{x}"));
    let report = python.run("check_h5py.py", [PATH.to_owned(), "t1".to_owned()].into_iter().chain(points));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let t1 = &report["datasets"]["t1"];
    assert_eq!(t1["sum"].as_f64(), Some(SUM as f64));
    assert_eq!(t1["compression"], "gzip");
    for (number, (index, value)) in VOXELS.iter().enumerate() {
        assert_eq!(t1["values"][number], *value, "{index:?}");
    }
}
