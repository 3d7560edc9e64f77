//! Multigrid as a solver: cycles, perhaps in single precision, that improve an iterate in double
//! precision.
//!
//! Where the finest level has the blocks of the user's grid, an iteration makes two passes over the
//! double precision fields, and no others are needed: the residual goes straight to the level, in
//! its precision, and the correction straight to the iterate.

use parhelion_kernels::map_parts;

use super::fused::add_scaled;
use super::{Multigrid, cycle, scale_for};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::solvers::linear::operator::check_fields;
use crate::solvers::linear::outcome::{Limits, Monitor};
use crate::solvers::linear::scaling;
use crate::solvers::linear::vectors::{combine, subtract_mean};
use crate::solvers::linear::{LinearOperator, Outcome, Real};
use crate::stopwatch::Kind;

/// Cycles after which to give up.
const MOST: usize = 200;

impl<T: Real, const N: usize> Multigrid<T, N> {
    /// Solves `A x = b` by cycles alone, from the `x` that is given, until the residual is
    /// `tolerance` times as large as `b`.
    ///
    /// Does what [`Krylov::richardson`](crate::solvers::Krylov::richardson) does with this
    /// preconditioner, in fewer passes over memory.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields are not of the operator's grid, or have values that are not finite.
    pub fn solve(&mut self, b: &Field<f64, N>, x: &mut Field<f64, N>, tolerance: f64) -> Result<Outcome> {
        let operator = &self.operator.clone();
        check_fields(operator, &[b, x])?;
        operator.grid().world().check_same("Multigrid::solve", &tolerance.to_bits())?;
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "multigrid cannot solve to a tolerance of {tolerance}; it must be finite and not negative"
                ),
            ));
        }
        let mut projected = None;
        if operator.is_singular() {
            let copy = projected.insert(operator.vector("right-hand side"));
            copy.copy_from(b)?;
            subtract_mean(copy);
        }
        let whole = b;
        let b = projected.as_ref().unwrap_or(b);
        let right = b.norm_l2();
        let mut fields =
            (!self.aligned).then(|| [operator.vector("residual"), operator.vector("correction")]);
        let points = b.shape_global().iter().product::<usize>() as f64;
        // Of the residual before; each cycle changes its size by little, for the range of single
        // precision.
        let mut scale = scale_for(right / points.sqrt());
        let squares = self.residual_to_level(b, x, &mut fields, scale)?;
        let limits = Limits { relative: tolerance, absolute: 0.0, iterations: MOST, patience: 10 };
        let mut monitor = Monitor::new(limits, right, squares.sqrt());
        if let Some(scale) = scaling::scale_for(operator, [right, squares.sqrt()], whole, x)? {
            let mut scaled = |b: &Field<f64, N>, x: &mut Field<f64, N>| self.solve(b, x, tolerance);
            return scaling::solve_scaled(operator, scale, whole, x, &mut scaled);
        }
        let mut ended = monitor.begin();
        // A first guess may be far worse than 0 is.
        if ended.is_none() && scale * squares.sqrt() > 1e6 * points.sqrt() {
            scale = scale_for((squares / points).sqrt());
            self.residual_to_level(b, x, &mut fields, scale)?;
        }
        let status = loop {
            if let Some(status) = ended {
                break status;
            }
            let mut into = self.aligned.then_some((&mut *x, 1.0 / scale));
            cycle::run(&mut self.levels, &self.settings, &mut into)?;
            if into.is_some() || !self.aligned {
                self.correct(x, &mut fields, 1.0 / scale);
            }
            let next = scale_for(monitor.last() / points.sqrt());
            let squares = self.residual_to_level(b, x, &mut fields, next)?;
            scale = next;
            ended = monitor.push(squares.sqrt());
        };
        if operator.is_singular() {
            subtract_mean(x);
        }
        Ok(monitor.end(status))
    }

    /// Gives the finest level `scale` times the residual; returns the sum of its squares.
    fn residual_to_level(
        &mut self,
        b: &Field<f64, N>,
        x: &mut Field<f64, N>,
        fields: &mut Option<[Field<f64, N>; 2]>,
        scale: f64,
    ) -> Result<f64> {
        let (f, discrete) = (&mut self.levels[0].f, &self.operator.discrete);
        let Some([residual, _]) = fields else { return discrete.scaled_residual(x, b, f, scale) };
        let squares = discrete.residual_squares(x, b, residual)?;
        self.redistributions[0].run(Some(&*residual), Some(&mut *f), scale);
        self.wall_nodes.double_halved(f);
        Ok(squares)
    }

    /// `x += scale ·` the finest level's correction.
    fn correct(&mut self, x: &mut Field<f64, N>, fields: &mut Option<[Field<f64, N>; 2]>, scale: f64) {
        let u = &self.levels[0].u;
        if let Some([residual, correction]) = fields {
            self.redistributions[1].run(Some(u), Some(&mut *correction), scale);
            self.wall_nodes.solve_fixed(residual, correction);
            combine([x], [correction], |[x], [z]| ([x + z], []));
            return;
        }
        let world = self.operator.grid().world();
        let timing = world.measure().start_on(Kind::Update, "correction");
        let (region, u) = (x.region_local(), u.view());
        map_parts(world.pool(), region, [x.view_mut()], |part, [mut x]| {
            for (first, len) in part.rows() {
                add_scaled(x.row_mut(first, len), u.row(first, len), scale);
            }
        });
        timing.finish(region.len(), 2 * size_of::<f64>() + size_of::<T>());
    }
}
