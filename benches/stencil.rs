//! Time steps of explicit stencils, plain and blocked, against the memory traffic of a plain step.
//!
//! `cargo xtask bench stencil [--json FILE] [-- [--quick] [CASE]]`
//!
//! # Model
//!
//! A plain step should move every cell once: it reads one array and reads and writes the other. The
//! limit is a point-by-point update of the same arrays, which moves just that, measured in turn.
//! Plain steps cannot exceed ratio 1 by much. Blocked steps make several of them in one pass over
//! memory: their ratio is the speed relative to the best that memory allows plain steps. In the
//! caches the limit is that of the cache.
//!
//! A second row for each gives the ratio to the same rule on a block that stays in the second-level
//! caches: the ceiling that no order of the cells can exceed.

#[path = "common/mod.rs"]
mod common;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "common/stencils.rs"]
mod stencils;

use std::cell::RefCell;
use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, Times, in_turn};
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::{Element, Result};
use stencils::{acoustic_wave, box27, heat7, star9, star25};

/// Steps in one call.
const STEPS: usize = 12;

struct Bench<'w> {
    options: Options,
    report: Report,
    world: &'w World,
}

/// The first error of several closures.
#[derive(Default)]
struct First(RefCell<Option<parhelion::Error>>);

impl First {
    fn keep(&self, result: Result<()>) {
        if let Err(error) = result {
            self.0.borrow_mut().get_or_insert(error);
        }
    }

    fn check(self) -> Result<()> {
        self.0.into_inner().map_or(Ok(()), Err)
    }
}

impl Bench<'_> {
    fn rows<const N: usize>(
        &mut self,
        case: &str,
        shape: [usize; N],
        chosen: Blocking<N>,
        times: &Times<4>,
    ) -> Result<()> {
        let updates_of = |shape: [usize; N]| STEPS as f64 * shape.iter().product::<usize>() as f64 * 1e-9;
        let updates = updates_of(shape);
        let limit = updates / STEPS as f64 / times.of(2);
        let in_cache = updates_of(self.in_cache());
        let size = shape.map(|n| n.to_string()).join("x");
        for (way, how) in [(0, "plain".to_owned()), (1, chosen.to_string())] {
            let row = Row {
                case: format!("{case}, {how}"),
                size: size.clone(),
                value: updates / times.of(way),
                unit: "GLUP/s",
                limit,
                against: "traffic",
                ratio: STEPS as f64 * times.ratio(2, way),
            };
            self.report.row(&row).map_err(parhelion::Error::from)?;
            let ceiling = Row {
                limit: in_cache / times.of(3),
                against: "in cache",
                ratio: updates / in_cache * times.ratio(3, way),
                ..row
            };
            self.report.row(&ceiling).map_err(parhelion::Error::from)?;
        }
        Ok(())
    }

    /// A block of 300 to 600 KiB a core for both arrays, with rows as long as caches like them.
    fn in_cache<const N: usize>(&self) -> [usize; N] {
        let mut shape = [if N == 3 { 16 } else { 128 }; N];
        shape[0] *= self.world.size() * self.world.threads();
        shape[N - 1] = if N == 3 { 96 } else { 192 };
        shape
    }

    fn one_field<T: Element, const N: usize, S: Stencil<T, N>>(
        &mut self,
        case: &str,
        shape: [usize; N],
        stencil: &S,
        half: impl Fn(T) -> T + Sync + Copy,
        initial: impl Fn(usize) -> T + Sync + Copy,
    ) -> Result<()> {
        if !self.options.wants(case) {
            return Ok(());
        }
        let grid = Grid::builder(shape).halo(S::RADIUS).build(self.world)?;
        let fields = RefCell::new([grid.field::<T>("u"), grid.field::<T>("v")]);
        fields.borrow_mut()[0].fill_indexed(|index| initial(index.iter().sum()));
        let chosen = fields.borrow()[0].blocking(S::RADIUS)?;
        let mut small = Grid::builder(self.in_cache()).halo(S::RADIUS).build(self.world)?.field::<T>("small");
        small.fill_indexed(|index| initial(index.iter().sum()));
        small.set_blocking(Some(Blocking::PLAIN));
        let failed = First::default();
        let advance = |blocking| {
            let u = &mut fields.borrow_mut()[0];
            u.set_blocking(Some(blocking));
            failed.keep(u.advance(stencil, STEPS));
        };
        let times = in_turn(
            self.world,
            &self.options,
            [
                &mut || advance(Blocking::PLAIN),
                &mut || advance(chosen),
                &mut || {
                    let [u, v] = &mut *fields.borrow_mut();
                    failed.keep(v.zip_mut_with(u, |v, &u| *v = half(u)));
                },
                &mut || failed.keep(small.advance(stencil, STEPS)),
            ],
        );
        failed.check()?;
        self.rows(case, shape, chosen, &times)
    }

    fn wave(&mut self, shape: [usize; 3]) -> Result<()> {
        let case = "wave order 8 f32";
        if !self.options.wants(case) {
            return Ok(());
        }
        let grid = Grid::builder(shape).halo(4).build(self.world)?;
        let fields = RefCell::new(["u", "before", "c"].map(|name| grid.field::<f32>(name)));
        for (field, value) in fields.borrow_mut().iter_mut().zip([1.0, 1.0, 0.1]) {
            field.fill(value);
        }
        let chosen = grid.blocking(4, 3 * size_of::<f32>())?;
        let small = Grid::builder(self.in_cache()).halo(4).build(self.world)?;
        let mut in_cache = ["u", "before", "c"].map(|name| small.field::<f32>(name));
        for (field, value) in in_cache.iter_mut().zip([1.0, 1.0, 0.1]) {
            field.fill(value);
        }
        in_cache[0].set_blocking(Some(Blocking::PLAIN));
        let failed = First::default();
        let advance = |blocking| {
            let [u, before, c] = &mut *fields.borrow_mut();
            u.set_blocking(Some(blocking));
            let constants = c.constant::<0>();
            let levels = u.star_evolving::<4>().with_previous(before);
            failed.keep(grid.leapfrog(levels, constants, STEPS, acoustic_wave));
        };
        let times = in_turn(
            self.world,
            &self.options,
            [
                &mut || advance(Blocking::PLAIN),
                &mut || advance(chosen),
                &mut || {
                    let [u, before, c] = &mut *fields.borrow_mut();
                    type Both<'p> = (Point<'p, f32, 3, 0>, Point<'p, f32, 3, 0>);
                    let mut update = || {
                        let region = u.region_local();
                        let inputs = (u.reach::<0>()?, c.reach::<0>()?);
                        grid.update(region, before.view_mut(), inputs, |b, (u, c): Both<'_>| {
                            0.5 * b + c.center() * u.center()
                        })
                    };
                    failed.keep(update());
                },
                &mut || {
                    let [u, before, c] = &mut in_cache;
                    let levels = u.star_evolving::<4>().with_previous(before);
                    failed.keep(small.leapfrog(levels, c.constant::<0>(), STEPS, acoustic_wave));
                },
            ],
        );
        failed.check()?;
        self.rows(case, shape, chosen, &times)
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let report = Report::new("stencil", &options, (world.size(), world.threads()), world.rank() == 0)?;
    report.head("steps: ratio 1 is the traffic of a plain step, measured in turn");
    let quick = options.quick;
    let mut bench = Bench { options, report, world: &world };
    // In the L2 caches, in the L3 cache, in memory.
    let cubes: &[usize] = if quick { &[32, 64] } else { &[40, 96, 256, 512] };
    for &n in cubes {
        let double = |i: usize| (i % 7) as f64;
        let single = |i: usize| (i % 7) as f32;
        bench.one_field("heat 7-point f64", [n; 3], &heat7(), |u| 0.5 * u, double)?;
        bench.one_field("heat 25-point f32", [n; 3], &star25(), |u| 0.5 * u, single)?;
        bench.one_field("box 27-point f64", [n; 3], &box27(), |u| 0.5 * u, double)?;
        bench.wave([n; 3])?;
    }
    let squares: &[usize] = if quick { &[200] } else { &[200, 1000, 8000] };
    for &n in squares {
        bench.one_field("star radius 2 2-D f64", [n; 2], &star9(), |u| 0.5 * u, |i| (i % 7) as f64)?;
    }
    Ok(())
}
