//! Time stepping of several fields, also with two levels in time.

use parhelion_kernels::{Blocking, Element, KernelError, Pass, Pattern, Points, Region, evolve};

use super::{Block, BlockingChoice, Constant, ConstantComponents, ConstantFields};
use super::{Evolving, EvolvingComponents, EvolvingFields, Stepped, passes};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Grid};
use crate::halo::{Borrowed, HaloFields, HaloPlan};
use crate::measure::Kind;

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

    /// All `K` components of the field as what a rule advances, reading all neighbors within `R`
    /// points. The rule takes an array of `K` points and returns an array of `K` values.
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

    /// All `K` components of the field as what a rule reads within `R` points and does not change,
    /// as an array of `K` points; see [`constant`](Self::constant).
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
    /// When a field is of another grid or has another number of components than the rule, the fields
    /// differ in centering, or the halo is thinner than a radius. Also as for [`Field::advance`].
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
            |constants, centering, more| constants.prepare(self, centering, more),
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

/// Advances `fields` by `steps`. `each` visits the fields; `prepare(constants, centering, more)`
/// makes the constants readable to `more` points beyond the block, and `run` makes a pass.
pub(super) fn advance_in_passes<F: HaloFields<N>, C: ?Sized, const N: usize>(
    grid: &Grid<N>,
    fields: &mut F,
    constants: &mut C,
    steps: usize,
    properties: RuleProperties,
    each: impl Fn(&mut F, &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>,
    prepare: impl FnOnce(&mut C, Centering, usize) -> Result<()>,
    run: impl Fn(&mut F, &C, &Pass<N>, &mut dyn FnMut()) -> std::result::Result<(), KernelError>,
) -> Result<()> {
    let RuleProperties { radius, pattern, bytes, leapfrog, .. } = properties;
    let timing = grid.world().measure().start(Kind::Advance);
    grid.world().check_same("Grid::evolve or leapfrog", &(steps, properties))?;
    let (centering, chosen) = check(grid, radius, leapfrog, |visit| each(fields, visit))?;
    let interior = Region::from_shape(grid.region_global(centering).shape());
    let block = Block::new(grid, interior, radius);
    let choice = BlockingChoice { radius, constants: properties.constants, bytes, chosen };
    let (blocking, _) = choice.agree(grid, interior.shape(), false)?;
    let longest = passes(steps, blocking.levels).max().unwrap_or(1);
    prepare(constants, centering, (longest - 1) * radius)?;
    for levels in passes(steps, blocking.levels) {
        let blocking = Blocking { levels, ..blocking };
        each(fields, &mut |field| field.prepare(block.in_memory(longest), leapfrog && longest > 1))?;
        let pattern = if longest == 1 { pattern } else { Pattern::Box };
        let widths = block.exchanged(grid, longest);
        let done = HaloPlan::with_kept(grid, fields, pattern, widths, |plan, fields| {
            block.advance(Some(plan), Borrowed(fields), blocking, |fields, pass, progress| {
                run(fields.0, constants, pass, progress)
                    .map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))
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
    timing.finish(interior.len() * steps, bytes);
    Ok(())
}

/// The common centering of the fields, and the blocking chosen for the first one.
fn check<const N: usize>(
    grid: &Grid<N>,
    radius: usize,
    leapfrog: bool,
    each: impl FnOnce(&mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>,
) -> Result<(Centering, Option<Blocking<N>>)> {
    let mut first = None;
    each(&mut |field| {
        field.check(grid, radius, leapfrog)?;
        let (centering, _) = *first.get_or_insert_with(|| (field.centering(), field.blocking()));
        if field.centering() == centering {
            return Ok(());
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "fields that advance together must have one centering, but got {centering:?} and {:?}",
                field.centering()
            ),
        ))
    })?;
    Ok(first.expect("rules advance at least one field"))
}
