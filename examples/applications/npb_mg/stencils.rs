//! The stencils of the benchmark, a row at a time.
//!
//! Of the 27 points around one, those with the same distance have the same weight. So rows are
//! added up before weights are applied: the four next to the row (`near`) and the four diagonal to
//! it (`far`), each sum used for three points.

/// Sums of the rows beside a row, from one point before it to one after it.
#[derive(Default)]
pub(crate) struct Beside {
    near: Vec<f64>,
    far: Vec<f64>,
}

impl Beside {
    /// Adds up the rows beside the one of `len` points that begins at `first`; `row(index, len)`
    /// gives rows.
    #[inline(always)]
    pub(crate) fn add_up<'a>(
        &mut self,
        [z, y, x]: [isize; 3],
        len: usize,
        row: impl Fn([isize; 3], usize) -> &'a [f64],
    ) {
        let around = |dz, dy| row([z + dz, y + dy, x - 1], len + 2);
        self.near.resize(len + 2, 0.0);
        self.far.resize(len + 2, 0.0);
        four(&mut self.near, [around(0, -1), around(0, 1), around(-1, 0), around(1, 0)]);
        four(&mut self.far, [around(-1, -1), around(-1, 1), around(1, -1), around(1, 1)]);
    }

    /// `r = v − A u`; `u` has one point more on both sides.
    #[inline(never)]
    pub(crate) fn residual(&self, u: &[f64], v: &[f64], r: &mut [f64]) {
        let len = r.len();
        let (u, v) = (&u[..len + 2], &v[..len]);
        let (near, far) = (&self.near[..len + 2], &self.far[..len + 2]);
        for i in 0..len {
            let edges = far[i + 1] + (near[i] + near[i + 2]);
            let corners = far[i] + far[i + 2];
            r[i] = v[i] - (-8.0 / 3.0 * u[i + 1] + 1.0 / 6.0 * edges + 1.0 / 12.0 * corners);
        }
    }

    /// `out = u + S r`; `r` has one point more on both sides.
    #[inline(never)]
    pub(crate) fn smooth(&self, [center, face, edge]: [f64; 3], u: &[f64], r: &[f64], out: &mut [f64]) {
        let len = out.len();
        let (u, r) = (&u[..len], &r[..len + 2]);
        let (near, far) = (&self.near[..len + 2], &self.far[..len + 2]);
        for i in 0..len {
            let faces = near[i + 1] + (r[i] + r[i + 2]);
            let edges = far[i + 1] + (near[i] + near[i + 2]);
            out[i] = u[i] + (center * r[i + 1] + face * faces + edge * edges);
        }
    }
}

#[inline(never)]
fn four(sum: &mut [f64], [a, b, c, d]: [&[f64]; 4]) {
    let len = sum.len();
    let (a, b, c, d) = (&a[..len], &b[..len], &c[..len], &d[..len]);
    for i in 0..len {
        sum[i] = (a[i] + b[i]) + (c[i] + d[i]);
    }
}
