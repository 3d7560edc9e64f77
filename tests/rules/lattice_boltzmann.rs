//! A lattice Boltzmann method, D2Q9: nine components that move, collide, and bounce back from walls.

use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::same_on;

/// Velocities (y, x), in pairs of opposite directions after the first.
const VELOCITIES: [[isize; 2]; 9] =
    [[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0], [1, 1], [-1, -1], [1, -1], [-1, 1]];
const WEIGHTS: [f64; 9] =
    [4.0 / 9.0, 1.0 / 9.0, 1.0 / 9.0, 1.0 / 9.0, 1.0 / 9.0, 1.0 / 36.0, 1.0 / 36.0, 1.0 / 36.0, 1.0 / 36.0];
const OPPOSITE: [usize; 9] = [0, 2, 1, 4, 3, 6, 5, 8, 7];
/// Rows of cells between the walls.
const WIDTH: usize = 9;
const FORCE: f64 = 1e-6;

fn momentum(f: &[f64; 9]) -> [f64; 2] {
    [0, 1].map(|a| (0..9).map(|k| VELOCITIES[k][a] as f64 * f[k]).sum())
}

/// Moves, then collides with relaxation time `tau` under a force along x.
fn step(f: [Point<'_, f64, 2, 1>; 9], here: Place<'_, 2>, tau: f64) -> [f64; 9] {
    let row = here.index()[0];
    let arrived: [f64; 9] = std::array::from_fn(|k| {
        let [y, x] = VELOCITIES[k];
        let inside = (0..WIDTH as isize).contains(&(row - y));
        if inside { f[k].at_offset([-y, -x]) } else { f[OPPOSITE[k]].center() }
    });
    let density: f64 = arrived.iter().sum();
    let [v, u] = momentum(&arrived).map(|momentum| momentum / density);
    std::array::from_fn(|k| {
        let [y, x] = VELOCITIES[k].map(|e| e as f64);
        let along = 3.0 * (y * v + x * u);
        let equilibrium = WEIGHTS[k] * density * (1.0 + along + 0.5 * along * along - 1.5 * (v * v + u * u));
        arrived[k] + (equilibrium - arrived[k]) / tau + 3.0 * WEIGHTS[k] * x * FORCE
    })
}

/// With (τ − ½)² = 3/16 the walls lie exactly half a cell beyond the outermost rows (Ginzburg and
/// d'Humières), and the steady flow is the parabola of Poiseuille at every row.
#[test]
fn a_channel_flow_is_the_exact_parabola_and_conserves_mass() {
    let tau = 0.5 + (3.0_f64 / 16.0).sqrt();
    same_on([(1, 1), (1, 2), (2, 1), (3, 1)], |world| {
        let grid = Grid::builder([WIDTH, 8]).periodic([false, true]).build(world)?;
        let here = grid.context(Centering::Cell);
        let mut bits = Vec::new();
        for blocking in [Blocking::PLAIN, Blocking { levels: 3, tile: [2, 16] }] {
            let mut f = grid.field_builder::<f64>("f").components(9).build()?;
            (0..9).for_each(|k| f.component_mut(k).fill(WEIGHTS[k]));
            f.set_blocking(Some(blocking));
            grid.evolve(f.evolving_components::<9, 1>(), here.constant(), 3000, |f, here| {
                step(f, here, tau)
            })?;
            bits.push(f.fingerprint());
            let mass =
                grid.sum(f.region_local(), f.reach_components::<9, 0>()?, |f: [Point<'_, f64, 2, 0>; 9]| {
                    f.iter().map(|f| f.center()).sum::<f64>()
                })?;
            let cells = (8 * WIDTH) as f64;
            // Rounding of 3000 steps; it is random, so it grows with their root.
            assert!((mass / cells - 1.0).abs() < 1e-13, "{}", mass / cells - 1.0);
            let viscosity = (tau - 0.5) / 3.0;
            for [j, i] in f.region_global().indices().map(|index| index.map(|i| i as usize)) {
                let f: [f64; 9] = std::array::from_fn(|k| f.component(k).get_global([j, i]).unwrap());
                // The mean of the momentum before and after the force acts.
                let found = momentum(&f)[1] - 0.5 * FORCE;
                let (half, y) = (0.5 * WIDTH as f64, j as f64 + 0.5);
                let exact = FORCE / (2.0 * viscosity) * (half * half - (y - half) * (y - half));
                assert!((found - exact).abs() < 1e-9 * exact, "row {j}: {found}, exactly {exact}");
            }
        }
        assert_eq!(bits[0], bits[1]);
        Ok(format!("{bits:x?}"))
    });
}
