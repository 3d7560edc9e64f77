//! Time stepping of several fields, also with two levels in time.

use parhelion_kernels::{Blocking, Element, KernelError, Pass, Pattern, Points, Region, evolve};

use super::constants::Clock;
use super::states::{Previous, Stepped};
use super::{Block, BlockingChoice, Constant, ConstantComponents, ConstantFields};
use super::{Evolving, EvolvingComponents, EvolvingFields, passes};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Grid};
use crate::halo::{Borrowed, HaloFields, HaloPlan};
use crate::stopwatch::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// The field as one that a rule advances, reading all neighbors within `R` points; for
    /// [`Grid::evolve`] and [`Grid::leapfrog`].
    pub fn evolving<const R: usize>(&mut self) -> Evolving<'_, T, N, R, false> {
        Evolving::new(self)
    }

    /// Like [`evolving`](Self::evolving), but the rule reads neighbors on the axes only.
    pub fn star_evolving<const R: usize>(&mut self) -> Evolving<'_, T, N, R, true> {
        Evolving::new(self)
    }

    /// The field as one that a rule reads within `R` points and does not change. It is borrowed
    /// exclusively because its halo is filled if it is stale, and staggered points on walls that
    /// set their value are set.
    pub fn constant<const R: usize>(&mut self) -> Constant<'_, T, N, R> {
        Constant::new(self)
    }

    /// Returns all `K` components for a rule that advances them and reads all neighbors within `R`
    /// points. The rule receives an array of `K` points and returns an array of `K` values.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16]).periodic([true]).build(&world)?;
    /// let mut f = grid.field_builder::<f64>("f").components(2).build()?;
    /// (0..2).for_each(|k| f.component_mut(k).fill_indexed(|[i]| if i == 5 { 1.0 } else { 0.0 }));
    /// // One component moves up, the other down.
    /// grid.evolve(f.evolving_components::<2, 1>(), (), 3, |[up, down], ()| [up.at::<-1>(), down.at::<1>()])?;
    /// assert_eq!((f.component(0).probe([8])?, f.component(1).probe([2])?), (1.0, 1.0));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn evolving_components<const K: usize, const R: usize>(
        &mut self,
    ) -> EvolvingComponents<'_, T, N, R, false, K> {
        EvolvingComponents::new(self)
    }

    /// Like [`evolving_components`](Self::evolving_components), but the rule reads neighbors on the
    /// axes only.
    pub fn star_evolving_components<const K: usize, const R: usize>(
        &mut self,
    ) -> EvolvingComponents<'_, T, N, R, true, K> {
        EvolvingComponents::new(self)
    }

    /// Returns all `K` components for a rule that reads them within `R` points and does not change
    /// them. The rule receives an array of `K` points; see [`constant`](Self::constant).
    pub fn constant_components<const K: usize, const R: usize>(
        &mut self,
    ) -> ConstantComponents<'_, T, N, R, K> {
        ConstantComponents::new(self)
    }
}

impl<const N: usize> Grid<N> {
    /// Applies `rule(neighborhood, constants' neighborhood)` to all points of several fields at
    /// once, `steps` times. The boundary conditions hold at each step, and the times advance by one
    /// time step each.
    ///
    /// Works like [`Field::advance`], which is for one field: one pass over memory makes several
    /// steps where that is faster (or as set by the first field's
    /// [`set_blocking`](Field::set_blocking)), and the result has the same bits on any ranks and
    /// threads.
    ///
    /// The fields may differ in centering. See [`alternate`](Self::alternate) for the rule at
    /// points on walls, and for fields that advance in turn.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16, 16]).periodic([true, true]).build(&world)?;
    /// let (mut u, mut v, mut k) = (grid.field::<f64>("u"), grid.field::<f64>("v"), grid.field::<f64>("k"));
    /// u.fill_indexed(|[j, i]| if j == 3 && i == 4 { 1.0 } else { 0.0 });
    /// k.fill(0.1);
    /// type Both<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 0>);
    /// grid.evolve(
    ///     (u.star_evolving::<1>(), v.star_evolving::<0>()),
    ///     k.constant::<0>(),
    ///     10,
    ///     |(u, v): Both<'_>, k: Point<'_, f64, 2, 0>| {
    ///         let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
    ///         (u.center() + k.center() * (around - 4.0 * u.center()), v.center() + u.center())
    ///     },
    /// )?;
    /// assert!((u.sum() - 1.0).abs() < 1e-14);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same fields, rule and number of steps.
    ///
    /// # Errors
    /// When a field belongs to another grid or does not have as many components as the rule, the
    /// halo is thinner than a radius, or a source or receiver is outside the grid. Also as for
    /// [`Field::advance`].
    pub fn evolve<S: EvolvingFields<N>, C: ConstantFields<N>>(
        &self,
        fields: S,
        constants: C,
        steps: usize,
        rule: impl for<'p> Fn(<S::Points as Points>::Point<'p>, <C::Points as Points>::Point<'p>) -> S::Value
        + Sync,
    ) -> Result<()> {
        self.advance_together(
            fields,
            constants,
            steps,
            false,
            #[inline(always)]
            |_, now, constants| rule(now, constants),
        )
    }

    /// Like [`evolve`](Self::evolve), for rules with two levels in time: `rule(values one step
    /// earlier, neighborhood now, constants' neighborhood)`. Every field needs [its previous
    /// level](Evolving::with_previous).
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([64]).build(&world)?;
    /// let (mut u, mut before) = (grid.field::<f64>("u"), grid.field::<f64>("u"));
    /// for field in [&mut u, &mut before] {
    ///     field.fill_indexed(|[i]| if i == 32 { 1.0 } else { 0.0 }); // at rest
    /// }
    /// let wave = |before, u: StarPoint<'_, f64, 1, 1>, ()| 2.0 * u.center() - before + 0.25 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>());
    /// grid.leapfrog(u.star_evolving::<1>().with_previous(&mut before), (), 1, wave)?;
    /// assert_eq!((u.probe([31])?, u.probe([32])?, before.probe([32])?), (0.25, 0.5, 1.0));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same fields, rule and number of steps.
    ///
    /// # Errors
    /// As for [`evolve`](Self::evolve), and when a field has no previous level.
    pub fn leapfrog<S: EvolvingFields<N>, C: ConstantFields<N>>(
        &self,
        fields: S,
        constants: C,
        steps: usize,
        rule: impl for<'p> Fn(
            S::Value,
            <S::Points as Points>::Point<'p>,
            <C::Points as Points>::Point<'p>,
        ) -> S::Value
        + Sync,
    ) -> Result<()> {
        self.advance_together(fields, constants, steps, true, rule)
    }

    fn advance_together<S: EvolvingFields<N>, C: ConstantFields<N>>(
        &self,
        mut fields: S,
        mut constants: C,
        steps: usize,
        leapfrog: bool,
        rule: impl for<'p> Fn(
            S::Value,
            <S::Points as Points>::Point<'p>,
            <C::Points as Points>::Point<'p>,
        ) -> S::Value
        + Sync,
    ) -> Result<()> {
        let properties = RuleProperties {
            radius: S::RADIUS,
            pattern: S::PATTERN,
            constants: C::RADIUS,
            bytes: S::BYTES + C::BYTES,
            leapfrog,
        };
        advance_in_passes(
            self,
            &mut fields,
            &mut constants,
            steps,
            properties,
            S::each,
            |constants, hull, more| constants.prepare(self, hull, more),
            C::set_clock,
            |fields, constants, pass, progress| {
                evolve(
                    self.world().pool(),
                    pass,
                    fields.states(),
                    constants.inputs(),
                    #[inline(always)]
                    |before, now, constants| rule(before, now, constants),
                    progress,
                )
            },
        )
    }
}

/// The properties of a rule that time stepping needs, as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RuleProperties {
    /// Radius at which the advancing fields are read.
    pub(super) radius: usize,
    /// Neighbors read of them.
    pub(super) pattern: Pattern,
    /// Radius at which constants are read.
    pub(super) constants: usize,
    /// Bytes of the arrays that pass through the cache for each point.
    pub(super) bytes: usize,
    /// Whether the rule has two levels in time.
    pub(super) leapfrog: bool,
}

/// Advances `fields` by `steps`. `each` visits the fields; `prepare(constants, hull, more)` makes the
/// constants readable to `more` points beyond the block, `set_clock` tells them the time before a
/// pass, and `run` makes the pass.
#[allow(clippy::too_many_arguments, reason = "what two kinds of fields and of constants have in common")]
pub(super) fn advance_in_passes<F: HaloFields<N>, C, const N: usize>(
    grid: &Grid<N>,
    fields: &mut F,
    constants: &mut C,
    steps: usize,
    properties: RuleProperties,
    each: impl Fn(&mut F, Visit<'_, N>) -> Result<()>,
    prepare: impl FnOnce(&mut C, Region<N>, usize) -> Result<()>,
    set_clock: impl Fn(&mut C, Clock),
    run: impl Fn(&mut F, &C, &Pass<N>, &mut dyn FnMut()) -> std::result::Result<(), KernelError>,
) -> Result<()> {
    let RuleProperties { radius, pattern, bytes, leapfrog, .. } = properties;
    let timing = grid.world().measure().start(Kind::Advance);
    grid.world().check_same("Grid::evolve or leapfrog", &(steps, properties))?;
    let previous = if leapfrog { Previous::Needed } else { Previous::Optional };
    let Checked { hull, shape, blocking: chosen, wall_reach } =
        check(grid, radius, previous, |visit| each(fields, visit))?;
    let block = Block::new(grid, hull, radius, wall_reach);
    let choice = BlockingChoice { radius, constants: properties.constants, bytes, chosen };
    let (blocking, _) = choice.agree(grid, hull.shape(), false)?;
    let longest = passes(steps, blocking.levels).max().unwrap_or(1);
    prepare(constants, hull, (longest - 1) * radius)?;
    each(fields, &mut |field| field.begin())?;
    for levels in passes(steps, blocking.levels) {
        let blocking = Blocking { levels, ..blocking };
        each(fields, &mut |field| {
            field.deepen(&hull, block.in_memory(longest))?;
            field.prepare_levels(leapfrog && longest > 1);
            field.start(levels, (levels - 1) * radius)
        })?;
        set_clock(constants, clock_of(|visit| each(fields, visit)));
        let pattern = if longest == 1 { exchanged(pattern, &[shape]) } else { Pattern::Box };
        let widths = block.exchanged(grid, longest);
        let done = HaloPlan::with_kept(grid, fields, pattern, widths, |plan, fields| {
            block.advance(Some(plan), Borrowed(fields), blocking, |fields, pass, progress| {
                run(fields.0, constants, pass, progress).map_err(refused)
            })
        });
        each(fields, &mut |field| {
            if done.is_ok() {
                field.finish(levels)
            } else {
                field.poison()
            }
            Ok(())
        })?;
        done?;
    }
    each(fields, &mut |field| {
        field.conclude();
        Ok(())
    })?;
    timing.finish(hull.len() * steps, bytes);
    Ok(())
}

/// What is done with each field in turn.
pub(super) type Visit<'v, const N: usize> = &'v mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>;

/// What fields that advance together have in common.
pub(super) struct Checked<const N: usize> {
    /// The points of this rank's block, local frame: those of all fields. On axes with a high wall,
    /// staggered fields have one point more than others.
    pub(super) hull: Region<N>,
    /// The global shape, if all fields have the same.
    pub(super) shape: Option<[usize; N]>,
    /// The blocking chosen for the first one.
    pub(super) blocking: Option<Blocking<N>>,
    /// For each axis, the number of outermost points of `hull` that the halo beyond walls depends on.
    pub(super) wall_reach: [usize; N],
}

/// The pattern that single steps exchange. Where points on a wall read fields that have none there,
/// their neighbors along the wall are edges of a halo.
pub(super) fn exchanged<const N: usize>(pattern: Pattern, shapes: &[Option<[usize; N]>]) -> Pattern {
    let alike = shapes.iter().all(|shape| shape.is_some() && *shape == shapes[0]);
    if alike { pattern } else { Pattern::Box }
}

pub(super) fn check<const N: usize>(
    grid: &Grid<N>,
    radius: usize,
    previous: Previous,
    mut each: impl FnMut(Visit<'_, N>) -> Result<()>,
) -> Result<Checked<N>> {
    let mut hull = Region::from_shape(grid.region_global(Centering::Cell).shape());
    let (mut chosen, mut shapes) = (None, Vec::new());
    each(&mut |field| {
        field.check(grid, radius, previous)?;
        hull = hull.hull(&Region::from_shape(grid.region_global(field.centering()).shape()));
        chosen.get_or_insert_with(|| field.blocking());
        shapes.push(grid.shape_global(field.centering()));
        Ok(())
    })?;
    let shape = shapes.first().copied().filter(|first| shapes.iter().all(|shape| shape == first));
    let mut wall_reach = [0; N];
    each(&mut |field| {
        let (reach, shape) = (field.wall_reach(), grid.region_global(field.centering()).shape());
        for a in 0..N {
            // Other fields may have a point more before a high wall.
            let more = if reach[a] > 0 { hull.shape()[a] - shape[a] } else { 0 };
            wall_reach[a] = wall_reach[a].max(reach[a] + more);
        }
        Ok(())
    })?;
    Ok(Checked { hull, shape, blocking: chosen.flatten(), wall_reach })
}

/// The clock of the first field.
pub(super) fn clock_of<const N: usize>(each: impl FnOnce(Visit<'_, N>) -> Result<()>) -> Clock {
    let mut first = None;
    let visited = each(&mut |field| {
        first.get_or_insert_with(|| field.clock());
        Ok(())
    });
    visited.expect("looking at a clock does not fail");
    first.expect("rules advance at least one field")
}

pub(super) fn refused(error: KernelError) -> Error {
    Error::new(ErrorKind::Geometry, error.to_string())
}
