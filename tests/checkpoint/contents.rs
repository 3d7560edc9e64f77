//! Every kind of field, scalar and metadata is restored unchanged on another number of ranks.

use std::path::Path;

use num_complex::Complex;
use parhelion::Result;
use parhelion::checkpoint::{Checkpoint, Checkpoints, Restart};
use parhelion::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::{assert_contains, refused, stages};

/// A value for every position, with all bits in use: a hash of it, NaN among the floating-point
/// numbers.
trait Anything: Element {
    fn anything(seed: u64) -> Self {
        let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bytes = [(x ^ x >> 31).to_le_bytes(), x.to_le_bytes()].concat();
        bytemuck::pod_read_unaligned(&bytes[..size_of::<Self>()])
    }
}

impl<T: Element> Anything for T {}

/// Calls `visit` with the position of every value of the block and the value expected there.
fn each<T: Element, const N: usize>(field: &Field<T, N>, mut visit: impl FnMut(usize, [isize; N], T)) {
    let (shape, offset) = (field.shape_global(), field.region_global().start);
    for component in 0..field.components() {
        for local in field.region_local().indices() {
            let seed = (0..N).fold(component, |seed, a| seed * shape[a] + (local[a] + offset[a]) as usize);
            visit(component, local, T::anything(seed as u64));
        }
    }
}

struct Job<'a> {
    grids: Grids,
    saved: Option<Restart<'a>>,
}

struct Grids {
    line: Grid<1>,
    plane: Grid<2>,
    volume: Grid<3>,
    space: Grid<4>,
}

impl Grids {
    fn new(world: &World) -> Result<Self> {
        Ok(Self {
            line: Grid::builder([29]).halo(2).build(world)?,
            plane: Grid::builder([9, 11]).periodic([true, false]).build(world)?,
            volume: Grid::builder([8, 9, 10])
                .extent([1.0, 2.0, 3.0])
                .origin([-0.1, 0.0, 7.0])
                .build(world)?,
            space: Grid::builder([3, 4, 8, 5]).build(world)?,
        })
    }
}

impl Job<'_> {
    /// A field to save, or a restored one that was compared with the expected values.
    fn field<T: Element, const N: usize>(
        &self,
        grid: &Grid<N>,
        centering: Centering,
        components: usize,
    ) -> Result<Field<T, N>> {
        let name = format!("{} {N} {centering:?} {components}", T::KIND);
        let mut field =
            grid.field_builder::<T>(name).centering(centering).components(components).units("K").build()?;
        let mut wanted = Vec::new();
        each(&field, |component, local, value| wanted.push((component, local, value)));
        match &self.saved {
            None => {
                wanted.into_iter().for_each(|(component, local, value)| {
                    field.component_mut(component).view_mut().set(local, value)
                });
                field.set_time(0.1, 0.2);
            }
            Some(saved) => {
                field.exchange()?;
                saved.restore(&mut field)?;
                assert!(!field.halo_serves(1, Pattern::Star), "the halo is of the old values");
                assert_eq!(field.time(), 0.1);
                for (component, local, value) in wanted {
                    let found = field.component(component).view().get(local);
                    assert_eq!(
                        bytemuck::bytes_of(&found),
                        bytemuck::bytes_of(&value),
                        "{} {local:?}",
                        field.name()
                    );
                }
            }
        }
        Ok(field)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Parameters {
    name: String,
    tolerance: f64,
    single: f32,
    walls: Vec<Option<i64>>,
    seed: u64,
    nested: std::collections::BTreeMap<String, (bool, char)>,
}

fn parameters() -> Parameters {
    Parameters {
        name: "naïve \"run\"\n".into(),
        tolerance: 0.1 + 0.2,
        single: 0.1,
        walls: vec![None, Some(i64::MIN)],
        seed: u64::MAX,
        nested: [("key".to_owned(), (true, 'é'))].into(),
    }
}

fn everything(world: &World, directory: &Path, stage: usize) -> Result<()> {
    let mut checkpoints = Checkpoints::new(world, directory.join("all"))?;
    let saved = if stage == 0 { None } else { checkpoints.restart()? };
    assert_eq!(saved.is_some(), stage > 0);
    let job = Job { grids: Grids::new(world)?, saved };
    let Grids { line, plane, volume, space } = &job.grids;
    let a = job.field::<i8, 1>(line, Centering::Cell, 1)?;
    let b = job.field::<u8, 2>(plane, Centering::Node, 3)?;
    let c = job.field::<i16, 3>(volume, Centering::Face(1), 2)?;
    let d = job.field::<u16, 3>(volume, Centering::Edge(1), 1)?;
    let e = job.field::<i32, 2>(plane, Centering::Face(0), 1)?;
    let f = job.field::<u32, 4>(space, Centering::Cell, 2)?;
    let g = job.field::<i64, 1>(line, Centering::Node, 5)?;
    let h = job.field::<u64, 3>(volume, Centering::Cell, 1)?;
    let i = job.field::<f32, 3>(volume, Centering::Node, 4)?;
    let j = job.field::<f64, 4>(space, Centering::Node, 1)?;
    let k = job.field::<Complex<f32>, 2>(plane, Centering::Cell, 2)?;
    let l = job.field::<Complex<f64>, 3>(volume, Centering::Face(2), 1)?;
    let odd = f64::from_bits(0x7ff8_0000_dead_beef);
    let Some(saved) = &job.saved else {
        let checkpoint =
            Checkpoint::new(u64::MAX, -0.0).field(&a).field(&b).field(&c).field(&d).field(&e).field(&f);
        let checkpoint = checkpoint.field(&g).field(&h).field(&i).field(&j).field(&k).field(&l);
        let checkpoint = checkpoint.scalar("dt", 0.1).scalar("odd", odd).scalar("lowest", f64::NEG_INFINITY);
        let checkpoint =
            checkpoint.scalar("count", u64::MAX).scalar("least", i64::MIN).scalar("method", "Ärger");
        checkpoints.save(checkpoint.metadata(&parameters())?)?;
        return Ok(());
    };
    assert_eq!((saved.step(), saved.time().to_bits()), (u64::MAX, (-0.0_f64).to_bits()));
    assert_eq!(saved.fields().count(), 12);
    assert_eq!(saved.scalar::<f64>("dt")?, 0.1);
    assert_eq!(saved.scalar::<f64>("odd")?.to_bits(), odd.to_bits());
    assert_eq!(saved.scalar::<f64>("lowest")?, f64::NEG_INFINITY);
    assert_eq!((saved.scalar::<u64>("count")?, saved.scalar::<i64>("least")?), (u64::MAX, i64::MIN));
    assert_eq!(saved.scalar::<String>("method")?, "Ärger");
    assert_eq!(saved.metadata::<Parameters>()?, parameters());
    assert_contains(&refused(world, saved.scalar::<u64>("dt")), &["\"dt\"", "all.00000001.h5", "not a u64"]);
    assert_contains(&refused(world, saved.scalar::<u64>("n")), &["no such scalar", "\"count\", \"dt\""]);
    assert_contains(&refused(world, saved.metadata::<Vec<u8>>()), &["metadata", "all.00000001.h5"]);
    Ok(())
}

#[test]
fn everything_comes_back_on_another_number_of_ranks() {
    stages(&[3, 1, 2, 8], everything);
    stages(&[8, 3], everything);
}

/// On the axes that it was saved with, a field comes back; others are refused, with the first face
/// that differs.
#[test]
fn the_faces_of_stretched_axes_belong_to_a_checkpoint() {
    stages(&[2, 3], |world, directory, stage| {
        let faces = [0.0, 0.1, 0.3, 0.7, 1.0, 1.4];
        let grid = |faces: &[f64]| Grid::builder([4, 5]).faces(1, faces).build(world);
        let mut u = grid(&faces)?.field::<f64>("u");
        let mut checkpoints = Checkpoints::new(world, directory.join("stretched"))?;
        if stage == 0 {
            u.fill_with(|[y, x]| y + x * x);
            return checkpoints.save(Checkpoint::new(7, 0.5).field(&u)).map(|_| ());
        }
        let restart = checkpoints.restart()?.expect("it was saved");
        restart.restore(&mut u)?;
        let mut wanted = u.grid().field::<f64>("u");
        wanted.fill_with(|[y, x]| y + x * x);
        assert_eq!(u.fingerprint(), wanted.fingerprint());
        let mut moved = faces;
        moved[2] = 0.4;
        let mut other = grid(&moved)?.field::<f64>("u");
        assert_contains(
            &refused(world, restart.restore(&mut other)),
            &["face 2 of axis 1 at 0.3", "has 0.4"],
        );
        let mut other = Grid::builder([4, 5]).build(world)?.field::<f64>("u");
        let message = refused(world, restart.restore(&mut other));
        assert_contains(&message, &["axis 1", "\"stretched\"", "\"uniform\""]);
        Ok(())
    });
}

#[test]
fn a_checkpoint_may_have_no_fields() {
    stages(&[2], |world, directory, _| {
        let mut checkpoints = Checkpoints::new(world, directory.join("few"))?;
        checkpoints.save(Checkpoint::new(3, 0.5).scalar("a", 1.5))?;
        let saved = checkpoints.restart()?.expect("it was saved");
        assert_eq!((saved.step(), saved.scalar::<f64>("a")?, saved.fields().count()), (3, 1.5, 0));
        Ok(())
    });
}

#[test]
fn several_blocks_of_checksums_are_put_together_from_all_ranks() {
    // 3 components of 1.1 million numbers of 2 bytes: a little more than 6 blocks, each shared by
    // ranks.
    stages(&[4, 3], |world, directory, stage| {
        let grid = Grid::builder([103, 104, 105]).procs([1, 1, world.size()]).build(world)?;
        let job = Job { saved: None, grids: Grids::new(world)? };
        let mut checkpoints = Checkpoints::new(world, directory.join("large"))?;
        if stage == 0 {
            checkpoints.save(Checkpoint::new(1, 0.0).field(&job.field::<u16, 3>(
                &grid,
                Centering::Cell,
                3,
            )?))?;
        } else {
            let saved = checkpoints.restart()?;
            Job { saved, ..job }.field::<u16, 3>(&grid, Centering::Cell, 3)?;
        }
        Ok(())
    });
}
