//! A dataset of more than 2³² elements and bytes.

use nix::sys::statvfs::statvfs;
use parhelion::testing::on_ranks;
use parhelion::{Input, Output, ReadOptions, WriteOptions};

use crate::array::{Array, Layout};
use crate::python::skip;

/// 4.9 billion bytes; the ranks own only a few at the end, the rest of the file is reserved but not written.
const SHAPE: [usize; 3] = [1700; 3];
const LAST: usize = 1699;

#[test]
fn indices_beyond_32_bits_lead_to_their_elements() {
    let scratch = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = scratch.join("io-large.h5");
    let free = statvfs(scratch).map(|it| it.blocks_available() * it.fragment_size()).unwrap();
    if free < 12 << 30 {
        return skip(&format!("{free} bytes are free, this test wants to be far from a full disk"));
    }
    on_ranks([1, 3], |world| {
        let one = Layout { shape: vec![1, 1, 16], ranks: vec![1; 3], halo: 1, padding: 0, components: 1 };
        let place = |rank: usize| {
            let mut u = Array::<i8>::new("u", &one, 0);
            u.placement.file_shape = SHAPE.to_vec();
            u.placement.file_start = vec![LAST, LAST, SHAPE[2] - 16 * (rank + 1)];
            u
        };
        let value = |index: usize| (index % 101) as i8;
        let mut u = place(world.rank());
        u.fill(value);
        for options in [WriteOptions::new(), WriteOptions::new().chunks([100, 1700, 1700])] {
            let last =
                WriteOptions::new().name("last").at(0, LAST).at(1, LAST).window(2, SHAPE[2] - 8..SHAPE[2]);
            Output::create(world, &path)?.write_with(&u, &options)?.write_with(&u, &last)?.finish()?;
            let input = Input::open(world, &path)?;
            let mut back = place((world.rank() + 1) % world.size());
            input.read_into("u", &mut back)?;
            back.assert_holds(value);
            let eight = Layout { shape: vec![1, 1, 8], ..one.clone() };
            let end = ReadOptions::new().at(0, LAST).at(1, LAST).window(2, SHAPE[2] - 8..SHAPE[2]);
            for (name, part) in [("last", ReadOptions::new()), ("u", end)] {
                let mut end = Array::<i8>::new(name, &eight, 0);
                input.read_with(name, &mut end, &part)?;
                end.assert_holds(|index| value(SHAPE.iter().product::<usize>() - 8 + index));
            }
        }
        world.barrier();
        if world.rank() == 0 {
            std::fs::remove_file(&path)?;
            std::fs::remove_file(path.with_extension("xdmf"))?;
        }
        Ok(())
    });
}
