//! Poisson's equation −Δu = f on the unit square, u = 0 on its walls.
//!
//! Method: second-order finite volumes, solved by multigrid. The exact solution is sin πx sin πy.
//!
//! ```sh
//! cargo build --release --example poisson && mpirun -n 2 target/release/examples/poisson
//! ```
//!
//! Prints that the solver converged and `largest error 1.3e-5`; with twice the cells it is a
//! quarter of that.

use std::f64::consts::PI;

use parhelion::prelude::*;
use parhelion::solvers::Elliptic;

fn main() -> parhelion::Result<()> {
    let world = World::init()?;
    let grid = Grid::builder([256, 256]).extent([1.0, 1.0]).build(&world)?;
    let exact = |[y, x]: [f64; 2]| (PI * y).sin() * (PI * x).sin();
    let mut f = grid.field::<f64>("f");
    f.fill_with(|place| 2.0 * PI * PI * exact(place));
    let walls = Face::all::<2>();
    let problem =
        walls.fold(Elliptic::builder(&grid), |problem, face| problem.wall(face, Boundary::Dirichlet(0.0)));
    let (u, outcome) = problem.solve(&f, 1e-8)?;
    let mut error = grid.field::<f64>("error");
    error.fill_with(exact);
    error.zip_mut_with(&u, |exact, &u| *exact = u - *exact)?;
    let largest = error.norm_max();
    if world.rank() == 0 {
        println!("{outcome}\nlargest error {largest:.1e}");
    }
    Ok(())
}
