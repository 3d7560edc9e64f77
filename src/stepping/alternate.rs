//! Time stepping of two groups of fields that update each other in turn.

use parhelion_kernels::{Blocking, Pattern, Points, alternate};

use super::evolve::{Checked, Visit, check, clock_of, exchanged, refused};
use super::states::Previous;
use super::{Block, BlockingChoice, ConstantFields, EvolvingFields, passes};
use crate::error::Result;
use crate::grid::Grid;
use crate::halo::{Borrowed, Exchanged, HaloFields, HaloFieldsSealed, HaloPlan};
use crate::stopwatch::Kind;

impl<const N: usize> Grid<N> {
    /// Advances two groups of fields in turn, `steps` times: first all points of the `first` group to
    /// `first_rule(value, neighborhood in the second group, constants' neighborhood)`, then those of
    /// the `second` group to `second_rule(value, neighborhood in the first group, …)`.
    ///
    /// Staggered schemes step this way: velocities from the pressure and the pressure from the
    /// velocities, or electric from magnetic fields and back. Each field has its own centering,
    /// boundary conditions and clock, and is updated in place, without a second array. One pass
    /// over memory makes several steps where that is faster (or as set by the first field's
    /// [`set_blocking`](crate::Field::set_blocking)), and the result has the same bits on any
    /// number of ranks and threads.
    ///
    /// Point `i` of a field that is staggered on an axis lies between points `i − 1` and `i` of a
    /// field that is not. At the staggered point on a high wall, a rule must not read unstaggered
    /// fields at the full radius above it, where they have no values. Centered schemes never do.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// // Sound in a tube with closed ends: the velocity is 0 at both walls.
    /// let world = World::init()?;
    /// let grid = Grid::builder([64]).build(&world)?;
    /// let mut p = grid.field::<f64>("p");
    /// let mut v = grid.field_builder::<f64>("v").centering(Centering::Face(0)).build()?;
    /// Face::all::<1>().try_for_each(|wall| v.set_boundary(wall, Boundary::Dirichlet(0.0)))?;
    /// p.fill_indexed(|[i]| if i < 8 { 1.0 } else { 0.0 });
    /// grid.alternate(
    ///     v.star_evolving::<1>(),
    ///     p.star_evolving::<1>(),
    ///     (),
    ///     100,
    ///     |v, p: StarPoint<'_, f64, 1, 1>, ()| v - 0.5 * (p.center() - p.at::<-1>()),
    ///     |p, v: StarPoint<'_, f64, 1, 1>, ()| p - 0.5 * (v.at::<1>() - v.center()),
    /// )?;
    /// assert!((p.sum() - 8.0).abs() < 1e-12);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same fields, rules and number of steps.
    ///
    /// # Errors
    /// When a field belongs to another grid or does not have as many components as the rule, the
    /// halo is thinner than a radius, a field was given a previous level, or a source or receiver
    /// is outside the grid. Also as for [`Field::advance`](crate::Field::advance).
    pub fn alternate<A: EvolvingFields<N>, B: EvolvingFields<N>, C: ConstantFields<N>>(
        &self,
        first: A,
        second: B,
        mut constants: C,
        steps: usize,
        first_rule: impl for<'p> Fn(
            A::Value,
            <B::Points as Points>::Point<'p>,
            <C::Points as Points>::Point<'p>,
        ) -> A::Value
        + Sync,
        second_rule: impl for<'p> Fn(
            B::Value,
            <A::Points as Points>::Point<'p>,
            <C::Points as Points>::Point<'p>,
        ) -> B::Value
        + Sync,
    ) -> Result<()> {
        let timing = self.world().measure().start(Kind::Advance);
        let mut fields = (first, second);
        let radius = A::RADIUS.max(B::RADIUS);
        self.world().check_same("Grid::alternate", &(steps, radius, A::PATTERN, B::PATTERN))?;
        let one = check(self, A::RADIUS, Previous::Refused, |visit| fields.0.each(visit))?;
        let other = check(self, B::RADIUS, Previous::Refused, |visit| fields.1.each(visit))?;
        let hull = one.hull.hull(&other.hull);
        let wall_reach = std::array::from_fn(|a| {
            let of = |group: &Checked<N>| match group.wall_reach[a] {
                0 => 0,
                // The other group may have a point more before a high wall.
                reach => reach + hull.shape()[a] - group.hull.shape()[a],
            };
            of(&one).max(of(&other))
        });
        let block = Block::new(self, hull, radius, wall_reach);
        // A step has two levels, and each array passes through the cache at both.
        let bytes = (A::BYTES + B::BYTES) / 2 + C::BYTES;
        // 2 n levels need constants (2 n − 1) radii beyond the block, one more than n steps of 2 radii.
        let constant_radius = C::RADIUS + radius;
        let choice =
            BlockingChoice { radius: 2 * radius, constants: constant_radius, bytes, chosen: one.blocking };
        let (blocking, _) = choice.agree(self, hull.shape(), false)?;
        let longest = passes(steps, blocking.levels).max().unwrap_or(1);
        let most_levels = if longest == 1 { 1 } else { 2 * longest };
        constants.prepare(self, hull, (most_levels - 1) * radius)?;
        let widths = block.exchanged(self, most_levels);
        fields.0.each(&mut |field| field.begin())?;
        fields.1.each(&mut |field| field.begin())?;
        let patterns = [A::PATTERN, B::PATTERN].map(|pattern| exchanged(pattern, &[one.shape, other.shape]));
        for steps in passes(steps, blocking.levels) {
            let mut clock = None;
            for part in parts(steps, longest, patterns) {
                let both: Visit<'_, N> = &mut |field| field.deepen(&hull, block.in_memory(most_levels));
                fields.0.each(both)?;
                fields.1.each(both)?;
                let start: Visit<'_, N> = &mut |field| field.start(steps, (part.levels - 1) * radius);
                if part.written[0] {
                    fields.0.each(start)?;
                }
                if part.written[1] {
                    fields.1.each(start)?;
                }
                constants.set_clock(*clock.get_or_insert(clock_of(|visit| fields.0.each(visit))));
                let blocking = Blocking { levels: part.levels, ..blocking };
                let mut groups = Groups { fields: &mut fields, exchanged: part.exchanged };
                let done = HaloPlan::with_kept(self, &mut groups, part.pattern, widths, |plan, groups| {
                    block.advance(Some(plan), Borrowed(groups), blocking, |groups, pass, progress| {
                        let (first, second) = &mut *groups.0.fields;
                        alternate(
                            self.world().pool(),
                            &pass.clone().later(part.before),
                            (first.in_place(), second.in_place()),
                            constants.inputs(),
                            #[inline(always)]
                            |old, others, constants| first_rule(old, others, constants),
                            #[inline(always)]
                            |old, others, constants| second_rule(old, others, constants),
                            progress,
                        )
                        .map_err(refused)
                    })
                });
                let finish: Visit<'_, N> = &mut |field| {
                    if done.is_ok() {
                        field.finish_in_place(steps)
                    } else {
                        field.poison()
                    }
                    Ok(())
                };
                if part.written[0] || done.is_err() {
                    fields.0.each(finish)?;
                }
                if part.written[1] || done.is_err() {
                    fields.1.each(finish)?;
                }
                done?;
            }
        }
        let conclude: Visit<'_, N> = &mut |field| {
            field.conclude();
            Ok(())
        };
        fields.0.each(conclude)?;
        fields.1.each(conclude)?;
        timing.finish(hull.len() * steps, 2 * bytes);
        Ok(())
    }
}

/// The two groups, and whether an exchange fills their halos.
struct Groups<'f, A, B> {
    fields: &'f mut (A, B),
    exchanged: [bool; 2],
}

impl<A, B> HaloFieldsSealed for Groups<'_, A, B> {}
impl<A: HaloFields<N>, B: HaloFields<N>, const N: usize> HaloFields<N> for Groups<'_, A, B> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        let (first, second) = &mut *self.fields;
        if self.exchanged[0] {
            first.for_each(visit);
        }
        if self.exchanged[1] {
            second.for_each(visit);
        }
    }
}

/// Levels between two exchanges.
struct Part {
    /// Levels before it, and its own.
    before: usize,
    levels: usize,
    pattern: Pattern,
    /// The groups whose halos are exchanged, and those that advance.
    exchanged: [bool; 2],
    written: [bool; 2],
}

/// One pass of all `steps`, or where no pass has several, one for each group.
fn parts(steps: usize, longest: usize, patterns: [Pattern; 2]) -> Vec<Part> {
    if longest > 1 {
        let both = [true; 2];
        return vec![Part {
            before: 0,
            levels: 2 * steps,
            pattern: Pattern::Box,
            exchanged: both,
            written: both,
        }];
    }
    let (one, other) = ([true, false], [false, true]);
    vec![
        Part { before: 0, levels: 1, pattern: patterns[1], exchanged: other, written: one },
        Part { before: 1, levels: 1, pattern: patterns[0], exchanged: one, written: other },
    ]
}
