//! A run that is interrupted and resumed from a checkpoint ends with the bits of an uninterrupted
//! one.

use std::path::Path;

use num_complex::Complex;
use parhelion::Result;
use parhelion::checkpoint::{Checkpoint, Checkpoints, Restart};
use parhelion::prelude::*;
use parhelion::stepping::Blocking;

use crate::serial::{Number, SPACING, condition, rule};
use crate::support::stages;

/// Steps before and after the checkpoint.
const BEFORE: usize = 7;
const AFTER: usize = 8;

/// A field of any type that can be advanced.
trait Run {
    fn advance(&mut self, steps: usize) -> Result<()>;
    fn add<'a>(&'a self, checkpoint: Checkpoint<'a>) -> Checkpoint<'a>;
    fn restore(&mut self, saved: &Restart<'_>) -> Result<()>;
    /// Everything that must be the same at the end.
    fn state(&self) -> Vec<u64>;
}

struct Advanced<T: Element, const N: usize>(Field<T, N>);

impl<T: Number, const N: usize> Advanced<T, N> {
    /// `turn` chooses the walls and how steps are blocked.
    fn boxed(
        world: &World,
        shape: [usize; N],
        centering: Centering,
        components: usize,
        turn: usize,
    ) -> Result<Box<dyn Run>> {
        // In odd turns one axis is periodic.
        let periodic = std::array::from_fn(|axis| turn % 2 == 1 && axis == turn % N);
        let grid = Grid::builder(shape).periodic(periodic).halo(1).spacing([SPACING; N]).build(world)?;
        let name = format!("{} in {N} axes {centering:?} {components} {turn}", T::KIND);
        let mut field = grid.field_builder::<T>(name).centering(centering).components(components).build()?;
        field.set_time(0.3, 0.1);
        let levels = [None, Some(1), Some(3)][turn % 3];
        field.set_blocking(levels.map(|levels| Blocking { levels, tile: [5; N] }));
        for face in Face::all::<N>().filter(|face| !periodic[face.axis]) {
            for component in 0..components {
                field.component_mut(component).set_boundary(face, condition(face, turn + component))?;
            }
        }
        let offset = field.region_global().start;
        for component in 0..components {
            for local in field.region_local().indices() {
                let global: [usize; N] = std::array::from_fn(|a| (local[a] + offset[a]) as usize);
                field.component_mut(component).view_mut().set(local, T::initial(component, global));
            }
        }
        Ok(Box::new(Self(field)))
    }
}

impl<T: Number, const N: usize> Run for Advanced<T, N> {
    fn advance(&mut self, steps: usize) -> Result<()> {
        let stencil = stencil::<T, N, 1>(|u| rule::<T, N>(1, Pattern::Box, |offset| u.at_offset(offset)));
        self.0.advance(&stencil, steps)
    }

    fn add<'a>(&'a self, checkpoint: Checkpoint<'a>) -> Checkpoint<'a> {
        checkpoint.field(&self.0)
    }

    fn restore(&mut self, saved: &Restart<'_>) -> Result<()> {
        saved.restore(&mut self.0)
    }

    fn state(&self) -> Vec<u64> {
        vec![self.0.fingerprint(), self.0.time().to_bits()]
    }
}

/// Two levels in time.
struct Wave(Field<f32, 2>, Field<f32, 2>);

impl Wave {
    fn boxed(world: &World, turn: usize) -> Result<Box<dyn Run>> {
        let grid = Grid::builder([19, 14]).halo(1).build(world)?;
        let [now, before] = ["now", "before"].map(|name| {
            let mut field = grid.field::<f32>(format!("{name} {turn}"));
            field.fill_indexed(|[j, i]| f32::number(20 * j + i) * 1e-2);
            field.set_time(0.0, 0.25);
            field.set_blocking((turn == 1).then_some(Blocking { levels: 3, tile: [6; 2] }));
            let walls = Face::all::<2>().map(|face| field.set_boundary(face, condition(face, turn)));
            walls.collect::<Result<Vec<_>>>().map(|_| field)
        });
        Ok(Box::new(Self(now?, before?)))
    }
}

impl Run for Wave {
    fn advance(&mut self, steps: usize) -> Result<()> {
        let Self(now, before) = self;
        let grid = now.grid().clone();
        let wave = |before, u: StarPoint<'_, f32, 2, 1>, ()| {
            let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
            2.0 * u.center() - before + 0.2 * (around - 4.0 * u.center())
        };
        grid.leapfrog(now.star_evolving::<1>().with_previous(before), (), steps, wave)
    }

    fn add<'a>(&'a self, checkpoint: Checkpoint<'a>) -> Checkpoint<'a> {
        checkpoint.field(&self.0).field(&self.1)
    }

    fn restore(&mut self, saved: &Restart<'_>) -> Result<()> {
        saved.restore(&mut self.0)?;
        saved.restore(&mut self.1)
    }

    fn state(&self) -> Vec<u64> {
        let Self(now, before) = self;
        vec![now.fingerprint(), before.fingerprint(), now.time().to_bits(), before.time().to_bits()]
    }
}

/// All kinds of walls at all faces, all centerings, integers and complex numbers, plain and
/// blocked.
fn runs(world: &World) -> Result<Vec<Box<dyn Run>>> {
    let mut runs = vec![Wave::boxed(world, 0)?, Wave::boxed(world, 1)?];
    for turn in 0..5 {
        let centering =
            [Centering::Node, Centering::Face(1), Centering::Edge(0), Centering::Face(2), Centering::Node]
                [turn];
        runs.push(Advanced::<f64, 1>::boxed(world, [41], Centering::Cell, 3, turn)?);
        runs.push(Advanced::<f64, 2>::boxed(world, [17, 13], Centering::Cell, 1, turn)?);
        runs.push(Advanced::<f32, 2>::boxed(world, [13, 18], Centering::Node, 2, turn)?);
        runs.push(Advanced::<i64, 2>::boxed(world, [14, 17], Centering::Face(0), 1, turn)?);
        runs.push(Advanced::<f64, 3>::boxed(world, [9, 8, 10], centering, 1, turn)?);
        runs.push(Advanced::<Complex<f64>, 3>::boxed(world, [8, 9, 8], Centering::Cell, 1, turn)?);
    }
    Ok(runs)
}

fn interrupted(world: &World, directory: &Path, stage: usize) -> Result<()> {
    let mut checkpoints = Checkpoints::new(world, directory.join("run"))?;
    let mut runs = runs(world)?;
    if stage == 0 {
        runs.iter_mut().try_for_each(|run| run.advance(BEFORE))?;
        let checkpoint = runs.iter().fold(Checkpoint::new(BEFORE as u64, 1.5), |all, run| run.add(all));
        checkpoints.save(checkpoint)?;
        return Ok(());
    }
    let saved = checkpoints.restart()?.expect("the first job made a checkpoint");
    assert_eq!((saved.step(), saved.time()), (BEFORE as u64, 1.5));
    for (mut straight, mut restarted) in runs.into_iter().zip(self::runs(world)?) {
        straight.advance(BEFORE + AFTER)?;
        restarted.restore(&saved)?;
        restarted.advance(AFTER)?;
        assert_eq!(straight.state(), restarted.state());
    }
    Ok(())
}

#[test]
fn a_run_goes_on_with_the_same_bits_on_fewer_and_more_ranks() {
    stages(&[4, 6, 1, 3], interrupted);
}

#[test]
fn from_six_ranks_to_one() {
    stages(&[6, 1, 4], interrupted);
}

#[test]
fn from_one_rank_to_eight() {
    stages(&[1, 8, 2], interrupted);
}
