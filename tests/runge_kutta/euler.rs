//! The Euler equations of a perfect gas in two dimensions: HLLC fluxes (Toro, Spruce, Speares,
//! Shock Waves 4 (1994) 25) of states reconstructed by MUSCL with van Leer's limiter.

use parhelion::Result;
use parhelion::kernels::FaceCells;
use parhelion::prelude::*;
use parhelion::stepping::{Progress, Scheme};

pub(crate) const GAMMA: f64 = 1.4;

/// Density, two velocities and pressure.
pub(crate) type Primitive = [f64; 4];
/// Density, two momenta and energy.
pub(crate) type Conserved = [f64; 4];

pub(crate) fn conserved([rho, v, w, p]: Primitive) -> Conserved {
    [rho, rho * v, rho * w, p / (GAMMA - 1.0) + 0.5 * rho * (v * v + w * w)]
}

pub(crate) fn primitive([rho, m, n, e]: Conserved) -> Primitive {
    let (v, w) = (m / rho, n / rho);
    [rho, v, w, (GAMMA - 1.0) * (e - 0.5 * (m * v + n * w))]
}

fn limited(below: f64, above: f64) -> f64 {
    if below * above > 0.0 { 2.0 * below * above / (below + above) } else { 0.0 }
}

/// The flux along the direction of the first velocity.
fn hllc(l: Primitive, r: Primitive) -> Conserved {
    let sound = |[rho, _, _, p]: Primitive| (GAMMA * p / rho).sqrt();
    let (low, high) = ((l[1] - sound(l)).min(r[1] - sound(r)), (l[1] + sound(l)).max(r[1] + sound(r)));
    let (ml, mr) = (l[0] * (low - l[1]), r[0] * (high - r[1]));
    let middle = (r[3] - l[3] + ml * l[1] - mr * r[1]) / (ml - mr);
    let ([rho, v, w, p], speed) = if middle > 0.0 { (l, low) } else { (r, high) };
    let u = conserved([rho, v, w, p]);
    let flux = [u[1], u[1] * v + p, u[1] * w, (u[3] + p) * v];
    if if middle > 0.0 { low >= 0.0 } else { high <= 0.0 } {
        return flux;
    }
    let star = rho * (speed - v) / (speed - middle);
    let energy = star * (u[3] / rho + (middle - v) * (middle + p / (rho * (speed - v))));
    let star = [star, star * middle, star * w, energy];
    std::array::from_fn(|k| flux[k] + speed * (star[k] - u[k]))
}

/// Momentum and velocity along `axis` first.
fn turned(axis: usize, [a, b, c, d]: [f64; 4]) -> [f64; 4] {
    if axis == 0 { [a, b, c, d] } else { [a, c, b, d] }
}

pub(crate) fn flux(axis: usize, u: [FaceCells<'_, f64, 2>; 4]) -> Conserved {
    let [ll, l, r, rr] = [
        u.map(|u| u.left::<1>()),
        u.map(|u| u.left::<0>()),
        u.map(|u| u.right::<0>()),
        u.map(|u| u.right::<1>()),
    ]
    .map(|u| primitive(turned(axis, u)));
    let left = std::array::from_fn(|k| l[k] + 0.5 * limited(l[k] - ll[k], r[k] - l[k]));
    let right = std::array::from_fn(|k| r[k] - 0.5 * limited(r[k] - l[k], rr[k] - r[k]));
    turned(axis, hllc(left, right))
}

pub(crate) fn new(grid: &Grid<2>, state: impl Fn([f64; 2]) -> Primitive + Sync) -> [Field<f64, 2>; 4] {
    ["rho", "m_0", "m_1", "E"]
        .map(|name| grid.field::<f64>(name))
        .into_iter()
        .enumerate()
        .map(|(k, mut field)| {
            field.fill_with(|place| conserved(state(place))[k]);
            field
        })
        .collect::<Vec<_>>()
        .try_into()
        .expect("four fields")
}

pub(crate) fn run(
    grid: &Grid<2>,
    u: &mut [Field<f64, 2>; 4],
    scheme: Scheme,
    cfl: f64,
    end: f64,
) -> Result<Progress> {
    let spacing = grid.spacing();
    grid.runge_kutta(scheme, u.each_mut().map(|u| u.star_evolving::<2>()), ())
        .cfl(cfl, move |u, ()| {
            let [rho, v, w, p] = primitive(u);
            let sound = (GAMMA * p / rho).sqrt();
            (v.abs() + sound) / spacing[0] + (w.abs() + sound) / spacing[1]
        })
        .until(end)
        .fluxes(|axis, u, ()| flux(axis, u), |_, ()| [0.0; 4])
}
