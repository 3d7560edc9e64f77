//! What a rule computes from values, the same in both versions.

/// One step of Gray and Scott's reaction from the values and the sums of their six neighbors.
#[inline(always)]
pub fn reaction([u, v]: [f64; 2], [around_u, around_v]: [f64; 2]) -> [f64; 2] {
    let uvv = u * v * v;
    [
        u + 0.05 * (around_u - 6.0 * u) - uvv + 0.03 * (1.0 - u),
        v + 0.02 * (around_v - 6.0 * v) + uvv - (0.03 + 0.06) * v,
    ]
}

/// Shallow water: height and two momenta.
pub struct Water;

impl Water {
    /// The HLL flux between two states; `[height, along, across]` of the face's direction.
    #[inline(always)]
    fn flux(left: [f64; 3], right: [f64; 3]) -> [f64; 3] {
        const G: f64 = 9.81;
        let (ul, ur) = (left[1] / left[0], right[1] / right[0]);
        let (cl, cr) = ((G * left[0]).sqrt(), (G * right[0]).sqrt());
        let (low, high) = ((ul - cl).min(ur - cr).min(0.0), (ul + cl).max(ur + cr).max(0.0));
        let fl = [left[1], left[1] * ul + 0.5 * G * left[0] * left[0], left[2] * ul];
        let fr = [right[1], right[1] * ur + 0.5 * G * right[0] * right[0], right[2] * ur];
        let scale = 1.0 / (high - low);
        let mut flux = [0.0; 3];
        for k in 0..3 {
            flux[k] = scale * (high * fl[k] - low * fr[k] + low * high * (right[k] - left[k]));
        }
        flux
    }

    /// A cell after one step, from itself and its neighbors below, above, left and right.
    #[inline(always)]
    pub fn step(c: [f64; 3], [below, above, left, right]: [[f64; 3]; 4]) -> [f64; 3] {
        let turn = |[h, p, q]: [f64; 3]| [h, q, p];
        let (w, e) = (Self::flux(turn(left), turn(c)), Self::flux(turn(c), turn(right)));
        let (s, n) = (Self::flux(below, c), Self::flux(c, above));
        let (w, e) = (turn(w), turn(e));
        let mut next = c;
        for k in 0..3 {
            next[k] -= 1e-3 * (e[k] - w[k] + n[k] - s[k]);
        }
        next
    }
}

/// A gas: density, two momenta, energy.
pub struct Euler;

impl Euler {
    const GAMMA: f64 = 1.4;

    /// The HLLC flux (Toro) between two states `[density, along, across, energy]`.
    #[inline(always)]
    fn flux(left: [f64; 4], right: [f64; 4]) -> [f64; 4] {
        let (ul, ur) = (left[1] / left[0], right[1] / right[0]);
        let pressure =
            |s: [f64; 4], u: f64| (Self::GAMMA - 1.0) * (s[3] - 0.5 * (s[1] * u + s[2] * s[2] / s[0]));
        let (pl, pr) = (pressure(left, ul), pressure(right, ur));
        let (cl, cr) = ((Self::GAMMA * pl / left[0]).sqrt(), (Self::GAMMA * pr / right[0]).sqrt());
        let (low, high) = ((ul - cl).min(ur - cr), (ul + cl).max(ur + cr));
        let (ml, mr) = (left[0] * (low - ul), right[0] * (high - ur));
        let middle = (pr - pl + left[1] * (low - ul) - right[1] * (high - ur)) / (ml - mr);
        let forward = middle >= 0.0;
        let pick = |l: f64, r: f64| if forward { l } else { r };
        let (u, p, wave, m) = (pick(ul, ur), pick(pl, pr), pick(low, high), pick(ml, mr));
        let s = [
            pick(left[0], right[0]),
            pick(left[1], right[1]),
            pick(left[2], right[2]),
            pick(left[3], right[3]),
        ];
        let flux = [s[1], s[1] * u + p, s[2] * u, (s[3] + p) * u];
        let density = m / (wave - middle);
        let star = [
            density,
            density * middle,
            density * (s[2] / s[0]),
            density * (s[3] / s[0] + (middle - u) * (middle + p / m)),
        ];
        let beyond = pick(low, -high) >= 0.0;
        let mut result = [0.0; 4];
        for k in 0..4 {
            result[k] = if beyond { flux[k] } else { flux[k] + wave * (star[k] - s[k]) };
        }
        result
    }

    /// A cell after one step, from itself and its neighbors below, above, left and right.
    #[inline(always)]
    pub fn step(c: [f64; 4], [below, above, left, right]: [[f64; 4]; 4]) -> [f64; 4] {
        let turn = |[r, p, q, e]: [f64; 4]| [r, q, p, e];
        let (w, e) = (Self::flux(turn(left), turn(c)), Self::flux(turn(c), turn(right)));
        let (s, n) = (Self::flux(below, c), Self::flux(c, above));
        let (w, e) = (turn(w), turn(e));
        let mut next = c;
        for k in 0..4 {
            next[k] -= 1e-3 * (e[k] - w[k] + n[k] - s[k]);
        }
        next
    }
}

/// A polynomial of degree 20: 40 operations.
#[inline(always)]
pub fn polynomial(x: f64) -> f64 {
    const FACTORS: [f64; 5] = [0.5, -0.25, 0.125, -0.3, 0.2];
    let mut sum = 0.1;
    for _ in 0..4 {
        for factor in FACTORS {
            sum = sum * x + factor;
        }
    }
    0.999 * x + 1e-3 * sum
}

/// Weights of the nine velocities: rest, right, left, up, down, and the diagonals up right, down
/// left, down right, up left.
pub const WEIGHTS: [f64; 9] = {
    let (axis, diagonal) = (1.0 / 9.0, 1.0 / 36.0);
    [4.0 / 9.0, axis, axis, axis, axis, diagonal, diagonal, diagonal, diagonal]
};

/// The collision of Bhatnagar, Gross and Krook on nine velocities.
#[inline(always)]
pub fn collide(f: [f64; 9]) -> [f64; 9] {
    const X: [f64; 9] = [0.0, 1.0, -1.0, 0.0, 0.0, 1.0, -1.0, 1.0, -1.0];
    const Y: [f64; 9] = [0.0, 0.0, 0.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0];
    let density = f[0] + f[1] + f[2] + f[3] + f[4] + f[5] + f[6] + f[7] + f[8];
    let u = (f[1] - f[2] + f[5] - f[6] + f[7] - f[8]) / density;
    let v = (f[3] - f[4] + f[5] - f[6] - f[7] + f[8]) / density;
    let square = 1.5 * (u * u + v * v);
    let mut next = [0.0; 9];
    for k in 0..9 {
        let along = 3.0 * (X[k] * u + Y[k] * v);
        let equilibrium = WEIGHTS[k] * density * (1.0 + along + 0.5 * along * along - square);
        next[k] = f[k] + 0.8 * (equilibrium - f[k]);
    }
    next
}
