//! Heat equation: a hot spot in a box cools, ∂u/∂t = Δu, by explicit Euler on the 7-point stencil.
//!
//! ```sh
//! cargo build --release --example heat && mpirun -n 2 target/release/examples/heat
//! ```
//!
//! Prints `hottest cell 0.419`, the same on any number of ranks, and writes heat.h5 and heat.png.
//! Exact for the center of an infinite space: (1 + 160 t)^(-3/2) = 0.421.

use parhelion::prelude::*;
use parhelion::watch::Picture;

fn main() -> parhelion::Result<()> {
    let world = World::init()?; // MPI, and threads for this rank's cores
    let grid = Grid::builder([64, 64, 64]) // global cells, cut into one block per rank
        .extent([1.0, 1.0, 1.0])
        .periodic([true, true, false])
        .build(&world)?;
    let mut u = grid.field::<f64>("temperature");
    u.fill_with(|x| (-40.0 * x.map(|x| (x - 0.5).powi(2)).iter().sum::<f64>()).exp());
    u.set_boundary(Face::low(2), Boundary::Dirichlet(0.0))?;
    u.set_boundary(Face::high(2), Boundary::Dirichlet(0.0))?;
    let heat = star_stencil::<f64, 3, 1>(rule!(|u| {
        let around = u.at::<-1, 0, 0>() + u.at::<1, 0, 0>() // u.at::<2, 0, 0>() does not compile
            + u.at::<0, -1, 0>() + u.at::<0, 1, 0>()
            + u.at::<0, 0, -1>() + u.at::<0, 0, 1>();
        u.center() + 0.1 * (around - 6.0 * u.center())
    }));
    u.advance(&heat, 200)?; // halo exchange, walls, threads, several steps per pass over memory
    let hottest = u.max().value;
    if world.rank() == 0 {
        println!("hottest cell {hottest:.3}");
    }
    Picture::new().save(&u, "heat.png")?; // the middle plane
    Output::create(&world, "heat.h5")?.write(&u)?.finish() // one shared file: ParaView, xarray, h5py
}
