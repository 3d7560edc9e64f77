//! Solvers whose discrete solution is known exactly: only rounding is left.

use std::f64::consts::PI;

use parhelion::Result;
use parhelion::kernels::ViewMut;
use parhelion::kernels::update;
use parhelion::prelude::*;
use parhelion::testing::on_ranks_and_threads;

const LAYOUTS: [(usize, usize); 4] = [(1, 1), (1, 4), (2, 2), (6, 1)];

/// Forward-time, centered-space heat: a sine mode shrinks by 1 − 4r Σ sin²(πk/n) in each step.
fn heat_mode<const N: usize>(world: &World, shape: [usize; N], waves: [usize; N]) -> Result<()> {
    let (r, steps) = (0.9 / (2 * N) as f64, 200);
    let mode = |index: [usize; N]| {
        (0..N).map(|a| (2.0 * PI * (waves[a] * index[a]) as f64 / shape[a] as f64).sin()).product::<f64>()
    };
    let grid = Grid::builder(shape).periodic([true; N]).build(world)?;
    let mut u = grid.field::<f64>("temperature");
    u.fill_indexed(mode);
    let heat = star_stencil::<f64, N, 1>(|u| {
        let mut sum = 0.0;
        for a in 0..N {
            for step in [-1, 1] {
                let mut offset = [0; N];
                offset[a] = step;
                sum += u.at_offset(offset) - u.center();
            }
        }
        u.center() + r * sum
    });
    u.advance(&heat, steps)?;
    let shrink: f64 = (0..N).map(|a| (PI * waves[a] as f64 / shape[a] as f64).sin().powi(2)).sum();
    let amplitude = (1.0 - 4.0 * r * shrink).powi(steps as i32);
    // One step rounds by a few units in the last place of values up to 1, which shrink with the
    // solution; the sum over all steps stays below ten units.
    let tolerance = 10.0 * f64::EPSILON;
    let offset = u.region_global().start;
    for index in u.region_local().indices() {
        let global = std::array::from_fn(|a| (index[a] + offset[a]) as usize);
        let error = (u.get_local(index) - amplitude * mode(global)).abs();
        assert!(error <= tolerance, "off by {error:e} at {global:?}, amplitude {amplitude}");
    }
    Ok(())
}

#[test]
fn heat_shrinks_a_sine_mode_by_the_exact_factor() {
    on_ranks_and_threads(LAYOUTS, |world| {
        heat_mode(world, [48], [2])?;
        heat_mode(world, [24, 31], [1, 2])?;
        heat_mode(world, [16, 17, 20], [1, 2, 1])?;
        heat_mode(world, [6, 5, 7, 8], [1, 1, 1, 2])
    });
}

/// A transverse magnetic cavity by Yee's scheme (IEEE Trans. Antennas Propag. 14 (1966) 302): E_z
/// on nodes, H_x and H_y on faces, perfectly conducting walls.
struct Cavity {
    e: Field<f64, 2>,
    hx: Field<f64, 2>,
    hy: Field<f64, 2>,
    /// Nodes, in the local frame, that do not lie on a wall.
    inside: Region<2>,
}

impl Cavity {
    fn new(grid: &Grid<2>) -> Result<Self> {
        let build = |name, centering| grid.field_builder::<f64>(name).centering(centering).build();
        let mut e = build("E_z", Centering::Node)?;
        for face in Face::all::<2>() {
            e.set_boundary(face, Boundary::Dirichlet(0.0))?;
        }
        let inside = e.region_inside_walls();
        // H_x lies on nodes along x (axis 1), H_y on nodes along y (axis 0).
        Ok(Self { e, hx: build("H_x", Centering::Face(1))?, hy: build("H_y", Centering::Face(0))?, inside })
    }

    /// ∂H_x/∂t = −∂E/∂y, ∂H_y/∂t = ∂E/∂x, over `ratio` = Δt/Δx.
    fn advance_h(&mut self, ratio: [f64; 2]) -> Result<()> {
        self.e.exchange_for(Pattern::Star, 1)?;
        let world = self.e.grid().world().clone();
        let run = |h: ViewMut<'_, f64, 2>, e: &Field<f64, 2>, axis: usize, factor: f64| -> Result<()> {
            let region = h.region();
            let mut ahead = [0; 2];
            ahead[axis] = 1;
            let e = e.star_reach::<1>()?;
            update(world.pool(), region, h, e, |h, e| h + factor * (e.at_offset(ahead) - e.center()))
                .map_err(parhelion::Error::other)
        };
        run(self.hx.view_mut(), &self.e, 0, -ratio[0])?;
        run(self.hy.view_mut(), &self.e, 1, ratio[1])
    }

    /// ∂E/∂t = ∂H_y/∂x − ∂H_x/∂y.
    fn advance_e(&mut self, ratio: [f64; 2]) -> Result<()> {
        self.hx.exchange_for(Pattern::Star, 1)?;
        self.hy.exchange_for(Pattern::Star, 1)?;
        let world = self.e.grid().world().clone();
        let h = (self.hx.star_reach::<1>()?, self.hy.star_reach::<1>()?);
        update(world.pool(), self.inside, self.e.view_mut(), h, |e, (hx, hy)| {
            e + ratio[1] * (hy.center() - hy.at::<0, -1>()) - ratio[0] * (hx.center() - hx.at::<-1, 0>())
        })
        .map_err(parhelion::Error::other)
    }
}

#[test]
fn a_cavity_oscillates_with_the_frequency_of_the_discrete_dispersion_relation() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let (cells, waves, steps) = ([20, 33], [2, 3], 500);
        let grid = Grid::builder(cells).extent([1.0, 1.5]).build(world)?;
        let spacing = grid.spacing();
        let step = 0.6 * (spacing[0].powi(-2) + spacing[1].powi(-2)).sqrt().recip();
        let ratio = spacing.map(|h| step / h);
        // sin²(ωΔt/2)/Δt² = Σ sin²(pπ/2n)/Δx².
        let half = |a: usize| (waves[a] as f64 * PI / (2 * cells[a]) as f64).sin() / spacing[a];
        let omega = 2.0 / step * (step * half(0).hypot(half(1))).asin();
        let mode = |index: [usize; 2]| {
            (0..2).map(|a| (waves[a] as f64 * PI * index[a] as f64 / cells[a] as f64).sin()).product::<f64>()
        };
        let mut cavity = Cavity::new(&grid)?;
        let offset = cavity.e.region_global().start;
        let points: Vec<_> = cavity.e.region_local().indices().collect();
        let modes: Vec<f64> =
            points.iter().map(|i| mode([0, 1].map(|a| (i[a] + offset[a]) as usize))).collect();
        cavity.e.fill_indexed(mode);
        // From H = 0 at the time of E, half a step advances H to the scheme's time.
        cavity.advance_h(ratio.map(|ratio| 0.5 * ratio))?;
        let mut largest = 0.0_f64;
        for n in 1..=steps {
            cavity.advance_e(ratio)?;
            cavity.advance_h(ratio)?;
            let factor = (omega * n as f64 * step).cos();
            for (&point, mode) in points.iter().zip(&modes) {
                largest = largest.max((cavity.e.get_local(point) - factor * mode).abs());
            }
        }
        // A correct code is off by about 5e-15; rounding differs with cells and mode, and a wrong
        // index or a stale halo shows in the first digits.
        assert!(largest < 5e-14, "off by {largest:e} within {steps} steps");
        Ok(())
    });
}
