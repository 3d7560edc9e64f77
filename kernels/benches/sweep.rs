//! Plain stencil sweeps against the bandwidth of memory, or of the cache, measured in turn with
//! them.
//!
//! `cargo xtask bench sweep`, or `cargo bench -p parhelion-kernels --bench sweep [-- [--quick]
//! [--json FILE] [CASE]]`; `PARHELION_THREADS` threads, or as many as there are cores.
//!
//! # Model
//!
//! A sweep from one array to another should move every cell once: it reads the input, and reads and
//! writes the output (a store first brings its cache line from memory), 24 bytes a cell of f64. The
//! limit is the plain loop `output[i] = 0.5 · input[i]` over the same two buffers, which moves just
//! that; an update in place and a zip have separate limits with the same arrays and traffic.
//! Ratio 1 is the limit, 0.9 means that the sweep reaches 90 % of it. `memcpy` may do better, since
//! it stores past the caches, 16 bytes a cell.

#[path = "../../benches/common/mod.rs"]
mod common;

use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, Team, in_turn};
use num_traits::Float;
use parhelion_kernels::{
    Array, Blocking, Element, Layout, NoWalls, Pass, Point, Pool, Reach, Region, StarPoint, Stencil, ViewMut,
    advance, star_stencil, stencil, sweep, update,
};

/// One process measures alone.
struct Alone;

impl Team for Alone {
    fn meet(&self) {}

    fn slowest(&self, seconds: f64) -> f64 {
        seconds
    }
}

/// The memory traffic of a sweep, and the loop that shows its limit.
#[derive(Clone, Copy)]
enum Limit {
    /// `b[i] = 0.5 · a[i]`
    Scale,
    /// `b[i] = 0.5 · b[i]`
    InPlace,
    /// `b[i] = b[i] + 0.5 · a[i]`
    Zip,
}

impl Limit {
    fn name(self) -> &'static str {
        match self {
            Self::Scale => "b = a/2",
            Self::InPlace => "b = b/2",
            Self::Zip => "b = b + a/2",
        }
    }

    /// Elements moved for each cell.
    fn moves(self) -> usize {
        match self {
            Self::InPlace => 2,
            Self::Scale | Self::Zip => 3,
        }
    }

    fn run<T: Element + Float>(self, pool: &Pool, b: &mut [T], a: &[T]) {
        let half = T::from(0.5).unwrap_or(T::one());
        let line = Region::from_shape([b.len()]);
        ViewMut::from_slice(b, line).for_each_row(pool, line, |[first], b| {
            let a = &a[first as usize..][..b.len()];
            match self {
                Self::Scale => b.iter_mut().zip(a).for_each(|(b, &a)| *b = half * a),
                Self::InPlace => b.iter_mut().for_each(|b| *b = half * *b),
                Self::Zip => b.iter_mut().zip(a).for_each(|(b, &a)| {
                    let old = *b;
                    *b = old + half * a;
                }),
            }
        });
    }
}

struct Bench {
    options: Options,
    report: Report,
    pool: Pool,
}

impl Bench {
    /// Measures `job(pool, cells, output, input)` on a block of `shape` with a halo of `halo`
    /// cells.
    fn case<T: Element + Float, const N: usize>(
        &mut self,
        (name, limit): (&str, Limit),
        shape: [usize; N],
        halo: usize,
        mut job: impl FnMut(&Pool, Region<N>, &mut Array<T, N>, &mut Array<T, N>),
    ) -> Result<(), Box<dyn Error>> {
        if !self.options.wants(name) {
            return Ok(());
        }
        let pool = &self.pool;
        let layout = Layout::new(shape, [[halo, halo]; N], size_of::<T>())?;
        let cells = layout.interior();
        let [mut input, output] = [(), ()].map(|()| Array::<T, N>::zeros(pool, layout));
        let value = |i: usize| T::from(1 + i % 7).unwrap_or(T::one());
        input.view_mut().for_each_row(pool, layout.whole(), |_, row| {
            row.iter_mut().enumerate().for_each(|(i, cell)| *cell = value(i));
        });
        let [input, output] = [input, output].map(std::cell::RefCell::new);
        let times = in_turn(
            &Alone,
            &self.options,
            [&mut || job(pool, cells, &mut output.borrow_mut(), &mut input.borrow_mut()), &mut || {
                limit.run(pool, output.borrow_mut().buffer_mut(), input.borrow().buffer())
            }],
        );
        // The limit runs over halo and padding too.
        let padding = layout.len() as f64 / cells.len() as f64;
        let gigacells = |way| cells.len() as f64 / times.of(way) * 1e-9;
        let bytes = limit.moves() * size_of::<T>();
        let size = format!("{} {:.0}G/s", size(shape), bytes as f64 * gigacells(0));
        let (value, against) = (gigacells(0), limit.name());
        let (limit, ratio) = (gigacells(1) * padding, times.ratio(1, 0) / padding);
        self.report.row(&Row { case: name.into(), size, value, unit: "Gcell/s", limit, against, ratio })?;
        Ok(())
    }

    fn stencil<T: Element + Float, const N: usize, S: Stencil<T, N>>(
        &mut self,
        name: &str,
        shape: [usize; N],
        rule: &S,
    ) -> Result<(), Box<dyn Error>> {
        self.case((name, Limit::Scale), shape, S::RADIUS, |pool, cells, output, input| {
            let pass = Pass::new(cells, [[false; 2]; N], S::RADIUS, Blocking::PLAIN);
            advance(pool, &pass, rule, [input.view_mut(), output.view_mut()], &NoWalls, cells, || ())
                .expect("the halo is as wide as the radius");
        })
    }

    fn pointwise(&mut self, shape: [usize; 3]) -> Result<(), Box<dyn Error>> {
        self.case(("map f64", Limit::InPlace), shape, 1, |pool, cells, u: &mut Array<f64, 3>, _| {
            update(pool, cells, u.view_mut(), (), |u, ()| 0.5 * u + 1.0).expect("cells of the array");
        })?;
        self.case(("zip f64", Limit::Zip), shape, 1, |pool, cells, u: &mut Array<f64, 3>, v| {
            let v: Reach<'_, f64, 3, 0> = v.view().reach();
            let rule = |u, v: Point<'_, f64, 3, 0>| u + 0.5 * v.center();
            update(pool, cells, u.view_mut(), v, rule).expect("cells of the array");
        })?;
        self.case(("copy by sweep f64", Limit::Scale), shape, 1, |pool, cells, u: &mut Array<f64, 3>, v| {
            let v: Reach<'_, f64, 3, 0> = v.view().reach();
            sweep(pool, cells, u.view_mut(), v, |v: Point<'_, f64, 3, 0>| v.center())
                .expect("cells of the array");
        })?;
        self.case(("memcpy f64", Limit::Scale), shape, 1, |pool, _, u: &mut Array<f64, 3>, v| {
            let (from, line) = (v.buffer(), Region::from_shape([v.buffer().len()]));
            ViewMut::from_slice(u.buffer_mut(), line)
                .for_each_row(pool, line, |[i], row| row.copy_from_slice(&from[i as usize..][..row.len()]));
        })
    }
}

fn size<const N: usize>(shape: [usize; N]) -> String {
    shape.map(|n| n.to_string()).join("x")
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let threads = match std::env::var("PARHELION_THREADS") {
        Ok(threads) => threads.parse()?,
        Err(_) => std::thread::available_parallelism()?.get(),
    };
    let report = Report::new("sweep", &options, (1, threads), true)?;
    let mut bench = Bench { options, report, pool: Pool::with_current_thread(threads)? };
    let quick = bench.options.quick;

    let heat = star_stencil::<f64, 3, 1>(|u: StarPoint<'_, f64, 3, 1>| {
        let around = u.at::<-1, 0, 0>() + u.at::<1, 0, 0>() + u.at::<0, -1, 0>();
        let around = around + u.at::<0, 1, 0>() + u.at::<0, 0, -1>() + u.at::<0, 0, 1>();
        u.center() + 0.1 * (around - 6.0 * u.center())
    });
    let eighth_order = star_stencil::<f32, 3, 4>(|u: StarPoint<'_, f32, 3, 4>| {
        macro_rules! around {
            ($distance:literal) => {
                (u.at::<{ -$distance }, 0, 0>()
                    + u.at::<$distance, 0, 0>()
                    + u.at::<0, { -$distance }, 0>()
                    + u.at::<0, $distance, 0>()
                    + u.at::<0, 0, { -$distance }>()
                    + u.at::<0, 0, $distance>())
            };
        }
        // Central differences of order 8: weights 8/5, −1/5, 8/315, −1/560, and −205/72 at the
        // center.
        let near = 1.6 * around!(1) - 0.2 * around!(2);
        u.center()
            + 0.05 * (near + 8.0 / 315.0 * around!(3) - 1.0 / 560.0 * around!(4) - 205.0 / 24.0 * u.center())
    });
    let box27 = stencil::<f64, 3, 1>(|u: Point<'_, f64, 3, 1>| {
        macro_rules! sum {
            ($([$z:literal $y:literal $x:literal])*) => { 0.0 $(+ u.at::<$z, $y, $x>())* };
        }
        let faces = sum!([-1 0 0] [0 -1 0] [0 0 -1] [0 0 1] [0 1 0] [1 0 0]);
        let edges = sum!([-1 -1 0] [-1 0 -1] [-1 0 1] [-1 1 0] [0 -1 -1] [0 -1 1] [0 1 -1] [0 1 1] [1 -1 0]
            [1 0 -1] [1 0 1] [1 1 0]);
        let corners = sum!([-1 -1 -1] [-1 -1 1] [-1 1 -1] [-1 1 1] [1 -1 -1] [1 -1 1] [1 1 -1] [1 1 1]);
        0.4 * u.center() + 0.06 * faces + 0.01 * edges + 0.005 * corners
    });
    let star2 = star_stencil::<f64, 2, 2>(|u: StarPoint<'_, f64, 2, 2>| {
        let near = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
        let far = u.at::<-2, 0>() + u.at::<2, 0>() + u.at::<0, -2>() + u.at::<0, 2>();
        u.center() + 0.25 * near - 0.125 * far
    });

    bench.report.head("sweeps: ratio 1 is the limit of the traffic, measured in turn");
    let (large, middle) = if quick { ([128; 3], [96; 3]) } else { ([512; 3], [256; 3]) };
    bench.stencil("7-point f64", large, &heat)?;
    bench.stencil("7-point f64", middle, &heat)?;
    bench.stencil("7-point f64, in cache", [24, 48, 48], &heat)?;
    bench.stencil("25-point star f32", large, &eighth_order)?;
    bench.stencil("25-point star f32", middle, &eighth_order)?;
    bench.stencil("25-point star f32, in cache", [24, 48, 48], &eighth_order)?;
    bench.stencil("27-point box f64", middle, &box27)?;
    bench.stencil("27-point box f64, in cache", [24, 48, 48], &box27)?;
    let plane = if quick { [1000, 1000] } else { [8000, 8000] };
    bench.stencil("9-point star f64", plane, &star2)?;
    bench.stencil("9-point star f64, in cache", [240, 240], &star2)?;
    bench.pointwise(middle)?;
    bench.pointwise([24, 48, 48])
}
