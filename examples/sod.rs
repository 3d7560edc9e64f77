//! Euler equations of a gas: Sod's shock tube, in which a diaphragm between high and low pressure
//! bursts.
//!
//! Equations for density ρ, momentum m and energy E, with the pressure p = 0.4 (E − m²/2ρ):
//!
//! - ∂ρ/∂t + ∂m/∂x = 0
//! - ∂m/∂t + ∂(m²/ρ + p)/∂x = 0
//! - ∂E/∂t + ∂((E + p) m/ρ)/∂x = 0
//!
//! Method: finite volumes with the flux of Harten, Lax and van Leer between states reconstructed
//! with minmod slopes, a Runge–Kutta scheme of order 2, and steps of Courant number 0.5. The rule
//! computes the flux through one face; each face is computed once.
//!
//! ```sh
//! cargo build --release --example sod && mpirun -n 2 target/release/examples/sod
//! ```
//!
//! Prints the density between the waves at time 0.2, computed and exact. They differ by less than 0.001.

use parhelion::kernels::FaceCells;
use parhelion::prelude::*;
use parhelion::stepping::Scheme;

const CELLS: usize = 400;

fn flux_of([rho, m, e]: [f64; 3]) -> [f64; 3] {
    let p = 0.4 * (e - 0.5 * m * m / rho);
    [m, m * m / rho + p, (e + p) * m / rho]
}

/// Velocity and speed of sound.
fn speeds([rho, m, e]: [f64; 3]) -> (f64, f64) {
    (m / rho, (1.4 * 0.4 * (e - 0.5 * m * m / rho) / rho).sqrt())
}

fn minmod(a: f64, b: f64) -> f64 {
    if a * b <= 0.0 { 0.0 } else { a.abs().min(b.abs()).copysign(a) }
}

fn flux(u: [FaceCells<'_, f64, 2>; 3]) -> [f64; 3] {
    let jump = u.map(|u| u.right::<0>() - u.left::<0>());
    let [mut left, mut right] = [u.map(|u| u.left::<0>()), u.map(|u| u.right::<0>())];
    for k in 0..3 {
        left[k] += 0.5 * minmod(jump[k], u[k].left::<0>() - u[k].left::<1>());
        right[k] -= 0.5 * minmod(jump[k], u[k].right::<1>() - u[k].right::<0>());
    }
    let ((v, a), (w, b)) = (speeds(left), speeds(right));
    let (slow, fast) = ((v - a).min(w - b).min(0.0), (v + a).max(w + b).max(0.0));
    let (f, g) = (flux_of(left), flux_of(right));
    [0, 1, 2].map(|k| (fast * f[k] - slow * g[k] + fast * slow * (right[k] - left[k])) / (fast - slow))
}

fn main() -> parhelion::Result<()> {
    let world = World::init()?;
    let grid = Grid::builder([CELLS]).extent([1.0]).halo(2).build(&world)?;
    let mut u = grid.field_builder::<f64>("density, momentum, energy").components(3).build()?;
    u.component_mut(0).fill_with(|[x]| if x < 0.5 { 1.0 } else { 0.125 });
    u.component_mut(2).fill_with(|[x]| if x < 0.5 { 1.0 / 0.4 } else { 0.1 / 0.4 });
    grid.runge_kutta(Scheme::SspRk2, u.star_evolving_components::<3, 2>(), ())
        .cfl(0.5, |u, ()| (speeds(u).0.abs() + speeds(u).1) * CELLS as f64)
        .until(0.2)
        .fluxes(|_, u, ()| flux(u), |_, ()| [0.0; 3])?;
    for (x, exact) in [(0.2, 1.0), (0.58, 0.42632), (0.77, 0.26557), (0.95, 0.125)] {
        let computed = u.component(0).probe([(x * CELLS as f64) as usize])?;
        if world.rank() == 0 {
            println!("density at x = {x:.2}: computed {computed:.5}, exact {exact:.5}");
        }
    }
    Ok(())
}
