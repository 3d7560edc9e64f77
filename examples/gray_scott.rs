//! Gray–Scott equations: two chemicals that react and diffuse, and make spots that divide.
//!
//! Equations, on a periodic square with cells of size 1:
//!
//! - ∂u/∂t = 0.16 Δu − u v² + F (1 − u): the food, fed at the rate F = 0.035;
//! - ∂v/∂t = 0.08 Δv + u v² − (F + k) v: the eater, which dies at the rate F + k, k = 0.065.
//!
//! Method: explicit Euler with Δt = 1 on the 5-point stencil, both fields in one rule.
//!
//! ```sh
//! cargo build --release --example gray_scott
//! mpirun -n 2 target/release/examples/gray_scott          # 5000 steps
//! mpirun -n 2 target/release/examples/gray_scott 10000
//! ```
//!
//! Prints the means of both fields ten times during the run, and draws v in gray_scott.png.
//! The last line is the same on any number of ranks.

use parhelion::Error;
use parhelion::prelude::*;
use parhelion::watch::Picture;

const CELLS: usize = 192;
const FEED: f64 = 0.035;
const KILL: f64 = 0.065;

/// The view that the rule has of `u` and `v` at a cell: the neighbors along the axes.
type Cells<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);

#[inline(always)] // into the loop over cells, so that it is vectorized
fn laplacian(c: StarPoint<'_, f64, 2, 1>) -> f64 {
    c.at::<-1, 0>() + c.at::<1, 0>() + c.at::<0, -1>() + c.at::<0, 1>() - 4.0 * c.center()
}

#[inline(always)]
fn react((u, v): Cells<'_>, _: ()) -> (f64, f64) {
    let reaction = u.center() * v.center() * v.center();
    let food = u.center() + (0.16 * laplacian(u) - reaction + FEED * (1.0 - u.center()));
    let eater = v.center() + (0.08 * laplacian(v) + reaction - (FEED + KILL) * v.center());
    (food, eater)
}

fn main() -> parhelion::Result<()> {
    let world = World::init()?;
    let steps = std::env::args().nth(1).map_or(Ok(5000), |steps| steps.parse::<usize>());
    let steps = world.agree(steps.map_err(|error| Error::other(format!("number of steps: {error}"))))?;
    let grid = Grid::builder([CELLS, CELLS]).periodic([true, true]).build(&world)?;
    let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
    // Food everywhere except in two squares with the eaters.
    let square =
        |[j, i]: [usize; 2]| (80..100).contains(&j) && (70..90).contains(&i) || j / 8 == 14 && i / 8 == 15;
    u.fill_indexed(|cell| if square(cell) { 0.5 } else { 1.0 });
    v.fill_indexed(|cell| if square(cell) { 0.25 } else { 0.0 });
    u.set_time(0.0, 1.0);
    v.set_time(0.0, 1.0);
    for tenth in 1..=10 {
        let passed = [tenth - 1, tenth].map(|tenth| steps * tenth / 10);
        grid.evolve((u.star_evolving::<1>(), v.star_evolving::<1>()), (), passed[1] - passed[0], react)?;
        let means = [u.mean(), v.mean()];
        if world.rank() == 0 {
            println!("step {}: mean of u {:.12}, of v {:.12}", passed[1], means[0], means[1]);
        }
    }
    Picture::new().save(&v, "gray_scott.png")
}
