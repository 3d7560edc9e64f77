//! Couplings of variable coefficients.

use std::sync::Arc;

use parhelion_kernels::{StarPoint, rule};

use super::builder::{Assembler, Coefficient, Shift};
use super::refused;
use super::wall_terms::WallTerm;
use crate::error::Result;
use crate::field::Field;
use crate::grid::Face;
use crate::solvers::elliptic::matrix::faces::Faces;

/// The mean that makes the coefficient at a face from those of the two points beside it, or of
/// the cells that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mean {
    /// `2 / (1/a + 1/b)`: the flux through two layers is right, so that this is the one for jumps.
    /// Between cells of different width, weighted with the widths.
    Harmonic,
    /// `(a + b) / 2`; between cells of different width, interpolated to the face.
    Arithmetic,
}

impl Mean {
    /// The mean of two coefficients, neither negative.
    #[inline(always)]
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Arithmetic => 0.5 * (a + b),
            Self::Harmonic if a + b > 0.0 => 2.0 * a / (a + b) * b,
            Self::Harmonic => 0.0,
        }
    }

    /// The mean at the face between two cells of these widths, of coefficients that are not
    /// negative. Harmonic: of two layers in series. Arithmetic: on the straight line between the
    /// centers.
    #[inline(always)]
    pub(super) fn across(self, [low, high]: [f64; 2], [a, b]: [f64; 2]) -> f64 {
        let resistance = low * b + high * a;
        match self {
            Self::Arithmetic => (high * a + low * b) / (low + high),
            Self::Harmonic if resistance > 0.0 => (low + high) * a / resistance * b,
            Self::Harmonic => 0.0,
        }
    }

    /// The mean of the cells around the line from the node before `node` on axis `a` to it.
    fn of_cells_along<const N: usize>(
        self,
        a: usize,
        node: [isize; N],
        beta: impl Fn([isize; N]) -> f64,
    ) -> f64 {
        let around = (0..1_usize << N).filter(|corner| corner >> a & 1 == 1);
        let values = around.map(|corner| beta(std::array::from_fn(|b| node[b] - (corner >> b & 1) as isize)));
        let count = (1 << (N - 1)) as f64;
        match self {
            Self::Arithmetic => values.sum::<f64>() / count,
            // 1/0 is infinite, and 1/∞ is 0 again.
            Self::Harmonic => count / values.map(|value| 1.0 / value).sum::<f64>(),
        }
    }

    /// As [`of_cells_along`](Self::of_cells_along), of cells whose parts of the flux differ in area.
    pub(super) fn of_areas_along<const N: usize>(
        self,
        a: usize,
        node: [isize; N],
        area: impl Fn([isize; N]) -> f64,
        beta: impl Fn([isize; N]) -> f64,
    ) -> f64 {
        let around = (0..1_usize << N).filter(|corner| corner >> a & 1 == 1);
        let cells = around.map(|corner| std::array::from_fn(|b| node[b] - (corner >> b & 1) as isize));
        let (mut areas, mut sum) = (0.0, 0.0);
        for cell in cells {
            areas += area(cell);
            sum += match self {
                Self::Arithmetic => area(cell) * beta(cell),
                Self::Harmonic => area(cell) / beta(cell),
            };
        }
        match self {
            Self::Arithmetic => sum / areas,
            Self::Harmonic => areas / sum,
        }
    }
}

impl<const N: usize> Assembler<'_, '_, N> {
    /// Couplings of a variable coefficient, with what the walls of given value add to the diagonal.
    pub(super) fn faces(&self, couplings: &[(usize, WallTerm<N>)]) -> Result<Faces<f64, N>> {
        let grid = &self.problem.grid;
        let mut faces = Faces::new(grid)?;
        for a in 0..N {
            if grid.is_stretched() {
                self.couple_by_area(a, &mut faces.below[a])?;
            } else {
                self.couple(a, &mut faces.below[a])?;
            }
            if grid.topology().at_wall(Face::low(a)) {
                let wall = faces.below[a].region_local().with_axis(a, 0, 1);
                let mut view = faces.below[a].view_mut();
                wall.rows().for_each(|(first, len)| view.row_mut(first, len).fill(0.0));
            }
            self.check_couplings(a, &faces.below[a])?;
        }
        match self.problem.shift {
            Shift::Constant(alpha) => faces.shift.fill(alpha),
            Shift::Of(field) => faces.shift.copy_from(field)?,
        }
        if grid.is_stretched() {
            self.multiply_by_volume(&mut faces.shift);
        }
        couplings.iter().for_each(|(_, term)| term.add(&mut faces.shift, 1.0));
        faces.exchange()?;
        Ok(faces)
    }

    /// # Errors
    /// When a coupling is negative or not finite.
    pub(super) fn check_couplings(&self, a: usize, below: &Field<f64, N>) -> Result<()> {
        match below.count(|value| !value.is_finite() || value < 0.0) {
            0 => Ok(()),
            count => Err(refused(format!(
                "its coefficient is negative or not finite at {count} face(s) normal to axis {a}"
            ))),
        }
    }

    /// Writes the coupling of each point to the one below it on axis `a`, if all of the face
    /// between them is inside.
    pub(super) fn couple(&self, a: usize, below: &mut Field<f64, N>) -> Result<()> {
        let (grid, spacing) = (&self.problem.grid, self.problem.grid.spacing()[a]);
        let scale = 1.0 / (spacing * spacing);
        let [low, length] = {
            let cells = grid.decomposition().shape()[a];
            [grid.origin()[a], spacing * cells as f64]
        };
        let periodic = grid.topology().periodic()[a];
        match (&self.problem.coefficient, &self.beta) {
            (Coefficient::Of(_, mean), Some(beta)) if beta.centering() != below.centering() => {
                let (region, beta, mean) = (below.region_local(), beta.with_halo(0), *mean);
                below.view_mut().for_each_row(grid.world().pool(), region, |first, row| {
                    for (i, value) in row.iter_mut().enumerate() {
                        let mut node = first;
                        node[N - 1] += i as isize;
                        *value = scale * mean.of_cells_along(a, node, |cell| beta.get(cell));
                    }
                });
            }
            (Coefficient::Of(_, mean), Some(beta)) => {
                let (region, mean) = (below.region_local(), *mean);
                let mut before = [0; N];
                before[a] = -1;
                rule!(let rule = move |beta: StarPoint<'_, f64, N, 1>| {
                    scale * mean.of(beta.at_offset(before), beta.center())
                });
                grid.sweep(region, below.view_mut(), beta.star_reach::<1>()?, rule)?;
            }
            (Coefficient::At(beta), _) => {
                let beta = Arc::clone(beta);
                let half = 0.5 * spacing;
                below.fill_with(move |mut place| {
                    place[a] -= half;
                    // Between a node and the one before the domain.
                    if place[a] < low {
                        place[a] = if periodic { place[a] + length } else { low };
                    }
                    scale * beta(place)
                });
            }
            (Coefficient::Constant(beta), _) => below.fill(scale * beta),
            (Coefficient::Of(..), None) => unreachable!("the field was copied when the assembler was made"),
        }
        Ok(())
    }
}
