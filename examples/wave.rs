//! Wave equation ∂²u/∂t² = Δu on the unit square, u = 0 on its walls: a drum that keeps one note.
//!
//! Method: leapfrog, of second order in time and space, with Δt = Δx/2. The exact solution is the
//! standing wave cos(√2 πt) sin πx sin πy.
//!
//! ```sh
//! cargo build --release --example wave && mpirun -n 2 target/release/examples/wave
//! ```
//!
//! Prints the value beside the center at ten times, computed and exact. They differ by less than
//! 0.001.

use std::f64::consts::PI;

use parhelion::prelude::*;

const CELLS: usize = 100;
const SPACING: f64 = 1.0 / CELLS as f64;
const TIME_STEP: f64 = 0.5 * SPACING;

fn exact(time: f64, [y, x]: [f64; 2]) -> f64 {
    (2.0_f64.sqrt() * PI * time).cos() * (PI * y).sin() * (PI * x).sin()
}

fn main() -> parhelion::Result<()> {
    let world = World::init()?;
    let grid = Grid::builder([CELLS, CELLS]).extent([1.0, 1.0]).build(&world)?;
    let (mut u, mut before) = (grid.field::<f64>("u"), grid.field::<f64>("u"));
    u.fill_with(|place| exact(0.0, place));
    before.fill_with(|place| exact(-TIME_STEP, place));
    for face in Face::all::<2>() {
        u.set_boundary(face, Boundary::Dirichlet(0.0))?;
    }
    rule!(let wave = |before: f64, u: StarPoint<'_, f64, 2, 1>, ()| {
        let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
        2.0 * u.center() - before + (TIME_STEP / SPACING).powi(2) * (around - 4.0 * u.center())
    });
    for step in (20..=200).step_by(20) {
        grid.leapfrog(u.star_evolving::<1>().with_previous(&mut before), (), 20, wave)?;
        let time = step as f64 * TIME_STEP;
        let computed = u.probe([CELLS / 2, CELLS / 2])?;
        let exact = exact(time, [0.5 + 0.5 * SPACING; 2]);
        if world.rank() == 0 {
            println!("t = {time:.2}: computed {computed:8.5}, exact {exact:8.5}");
        }
    }
    Ok(())
}
