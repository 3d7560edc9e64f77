//! Sweeps over fields: rules with several inputs and outputs.

use parhelion_kernels::{
    FacePoints, FacesOf, Inputs, KernelError, Linear, Outputs, PointOf, Real, RuntimeRule, ViewMut,
};
use parhelion_kernels::{flux_divergence, sweep, update};

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::Grid;
use crate::stopwatch::Kind;
use parhelion_kernels::Region;

impl<const N: usize> Grid<N> {
    /// Writes `rule(neighborhood)` to every point of `region` of the outputs, on all threads.
    ///
    /// `region` is local, usually [`Field::region_local`](crate::field::Field::region_local) of an
    /// output. `outputs` is [`Field::view_mut`](crate::field::Field::view_mut) of a field, an array
    /// of those, or a tuple of both. `inputs` is [`Field::reach`](crate::field::Field::reach) or
    /// [`star_reach`](crate::field::Field::star_reach) of a field,
    /// [`Context::at`](crate::grid::Context::at), or an array or a tuple of those. The radius of an
    /// input is part of its type, and a stale halo is refused.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16, 16]).periodic([true, true]).build(&world)?;
    /// let (mut u, c, mut dy, mut dx) =
    ///     (grid.field::<f64>("u"), grid.field::<f64>("c"), grid.field::<f64>("dy"), grid.field::<f64>("dx"));
    /// u.exchange()?;
    /// type In<'a> = (StarPoint<'a, f64, 2, 1>, Point<'a, f64, 2, 0>);
    /// grid.sweep(
    ///     u.region_local(),
    ///     (dy.view_mut(), dx.view_mut()),
    ///     (u.star_reach::<1>()?, c.reach::<0>()?),
    ///     |(u, c): In<'_>| (c.center() * (u.at::<1, 0>() - u.at::<-1, 0>()), c.center() * (u.at::<0, 1>() - u.at::<0, -1>())),
    /// )?;
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an output lacks points of the region, or an input points around it.
    pub fn sweep<O: Outputs<N>, I: Inputs<N>>(
        &self,
        region: Region<N>,
        outputs: O,
        inputs: I,
        rule: impl for<'p> Fn(PointOf<'p, I, N>) -> O::Value + Sync,
    ) -> Result<()> {
        let timing = self.world().measure().start(Kind::Sweep);
        sweep(self.world().pool(), region, outputs, inputs, rule).map_err(refused)?;
        timing.finish(region.len(), I::BYTES + O::BYTES);
        Ok(())
    }

    /// Like [`sweep`](Self::sweep), for a rule known only at run time. Each component of a field
    /// counts as one input or output. The old values of an output are its values before the sweep.
    /// Time, step, indices and positions are those of the first output.
    ///
    /// ```
    /// use parhelion::kernels::{ProgramBuilder, RuntimeRule};
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16]).periodic([true]).build(&world)?;
    /// let (mut u, mut slope) = (grid.field::<f64>("u"), grid.field::<f64>("slope"));
    /// u.fill_indexed(|[i]| (i * i) as f64);
    /// u.exchange()?;
    /// let write = ProgramBuilder::<f64, 1>::new(1);
    /// let v = write.input(0);
    /// let rule = write.build([0.5 * (v.at([1]) - v.at([-1]))]).map_err(parhelion::Error::other)?;
    /// grid.sweep_rule(u.region_local(), &mut [&mut slope], &[&u], &RuntimeRule::from(rule))?;
    /// assert_eq!(slope.probe([5])?, 10.0);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`sweep`](Self::sweep). Also when there is no output, the rule's numbers of inputs
    /// and outputs do not match the fields, or a halo is stale.
    pub fn sweep_rule<T: Real>(
        &self,
        region: Region<N>,
        outputs: &mut [&mut Field<T, N>],
        inputs: &[&Field<T, N>],
        rule: &RuntimeRule<T, N>,
    ) -> Result<()> {
        let timing = self.world().measure().start(Kind::Sweep);
        let Some(first) = outputs.first() else {
            return Err(Error::new(ErrorKind::Argument, "a sweep needs at least one output field"));
        };
        let (start_time, time_step, steps) = first.clock();
        let context = self.context(first.centering());
        let places = context.places().stepping(start_time.unwrap_or(0.0), time_step, steps);
        let given: usize = inputs.iter().map(|field| field.components()).sum();
        if given != rule.inputs() {
            let message =
                format!("a rule with {} inputs was given {given} components of fields", rule.inputs());
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let mut reads = rule.neighborhoods().iter();
        let mut read = Vec::new();
        for field in inputs {
            for (component, neighbors) in (0..field.components()).zip(reads.by_ref()) {
                field.require_halo(neighbors.radius, neighbors.pattern)?;
                read.push(field.with_halo(component));
            }
        }
        let mut written = Vec::new();
        for field in outputs {
            let interior = field.region_local();
            field.invalidate_halo();
            written.extend(field.all_with_halo_mut().map(|view| view.restricted(interior)));
        }
        rule.sweep(self.world().pool(), region, written, &read, Some(places)).map_err(refused)?;
        timing.finish(region.len(), (rule.inputs() + rule.outputs()) * size_of::<T>());
        Ok(())
    }

    /// Like [`sweep`](Self::sweep), but in place: the rule also gets the old values of the outputs.
    ///
    /// # Errors
    /// As for [`sweep`](Self::sweep).
    pub fn update<O: Outputs<N>, I: Inputs<N>>(
        &self,
        region: Region<N>,
        outputs: O,
        inputs: I,
        rule: impl for<'p> Fn(O::Value, PointOf<'p, I, N>) -> O::Value + Sync,
    ) -> Result<()> {
        let timing = self.world().measure().start(Kind::Update);
        update(self.world().pool(), region, outputs, inputs, rule).map_err(refused)?;
        timing.finish(region.len(), I::BYTES + 2 * O::BYTES);
        Ok(())
    }

    /// Writes the divergence of a flux to every point of `region` of the outputs: the flux through
    /// the high face minus the flux through the low face, divided by the spacing, summed over the
    /// axes. `flux(axis, cells on both sides)` is the flux through one face normal to `axis`.
    ///
    /// Each thread computes each of its faces once. `region` and the inputs are as for
    /// [`sweep`](Self::sweep). A flux rule of radius `R` reads `R` cells on either side of a face,
    /// only along `axis`.
    ///
    /// ```
    /// use parhelion::kernels::FaceCells;
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16, 16]).periodic([true, true]).build(&world)?;
    /// let (mut u, mut laplacian) = (grid.field::<f64>("u"), grid.field::<f64>("laplacian"));
    /// u.fill_indexed(|[j, i]| if j == 3 && i == 4 { 1.0 } else { 0.0 });
    /// u.exchange()?;
    /// grid.flux_divergence(u.region_local(), [laplacian.view_mut()], u.star_reach::<1>()?, |_, u: FaceCells<'_, f64, 1>| {
    ///     [u.right::<0>() - u.left::<0>()]
    /// })?;
    /// assert_eq!((laplacian.probe([3, 4])?, laplacian.sum()), (-4.0, 0.0));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an output lacks points of the region, an input lacks points around it, or an axis is
    /// stretched.
    pub fn flux_divergence<T: Linear, I: Inputs<N>, const K: usize>(
        &self,
        region: Region<N>,
        outputs: [ViewMut<'_, T, N>; K],
        inputs: I,
        flux: impl for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
    ) -> Result<()>
    where
        I::Points: FacePoints,
    {
        self.require_uniform("fluxes")?;
        let timing = self.world().measure().start(Kind::Sweep);
        flux_divergence(
            self.world().pool(),
            region,
            outputs,
            inputs,
            self.spacing(),
            #[inline(always)]
            |axis, faces| flux(axis, faces),
        )
        .map_err(refused)?;
        timing.finish(region.len(), I::BYTES + K * size_of::<T>());
        Ok(())
    }
}

fn refused(error: KernelError) -> Error {
    Error::new(ErrorKind::Argument, error.to_string())
}
