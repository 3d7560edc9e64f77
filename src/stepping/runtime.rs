//! Time stepping by rules known only at run time.

use parhelion_kernels::{Element, Neighborhood, Real, RuntimeRule, RuntimeState, View, evolve_rule};

use super::Evolving;
use super::constants::{Clock, prepare_constant};
use super::evolve::{RuleProperties, Visit, advance_in_passes};
use super::states::Stepped;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{ComponentWalls, Field};
use crate::grid::{Centering, Context, Grid};
use crate::halo::{Exchanged, HaloFields, HaloFieldsSealed};

/// Fields whose number is known at run time. How far the rule reads them is the rule's to say, and
/// not that of the members' type.
struct RuntimeFields<'a, T: Element, const N: usize>(Vec<Evolving<'a, T, N, 0, true>>);

impl<T: Element, const N: usize> HaloFieldsSealed for RuntimeFields<'_, T, N> {}
impl<T: Element, const N: usize> HaloFields<N> for RuntimeFields<'_, T, N> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        self.0.iter_mut().for_each(|field| field.for_each(visit));
    }
}

impl<T: Element, const N: usize> RuntimeFields<'_, T, N> {
    fn each(&mut self, visit: Visit<'_, N>) -> Result<()> {
        self.0.iter_mut().try_for_each(|field| visit(field))
    }

    fn states(&mut self) -> Vec<RuntimeState<'_, T, ComponentWalls<'_, T, N>, N>> {
        let all = self.0.iter_mut().flat_map(Evolving::arrays);
        all.map(|(arrays, walls, interior)| RuntimeState { arrays, walls, interior }).collect()
    }
}

/// What a rule reads beside the fields that it advances.
struct RuntimeConstants<'c, 'a, T: Element, const N: usize> {
    fields: &'c mut [&'a mut Field<T, N>],
    context: Context<N>,
    clock: Clock,
}

impl<T: Real, const N: usize> Field<T, N> {
    /// Applies a rule known only at run time, with one input and one output, `steps` times; see
    /// [`Grid::evolve_rule`].
    ///
    /// ```
    /// use parhelion::kernels::{Program, RuntimeRule};
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8]).periodic([true]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_indexed(|[i]| i as f64);
    /// let shift = "program f64 axes 1 inputs 1\nleft = load 0 -1\noutput left";
    /// let shift: Program<f64, 1> = shift.parse().map_err(parhelion::Error::other)?;
    /// u.advance_rule(&RuntimeRule::from(shift), 3)?;
    /// assert_eq!(u.probe([4])?, 1.0);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same rule and number of steps.
    ///
    /// # Errors
    /// As for [`Grid::evolve_rule`].
    pub fn advance_rule(&mut self, rule: &RuntimeRule<T, N>, steps: usize) -> Result<()> {
        let grid = self.grid().clone();
        grid.evolve_rule(rule, &mut [self], &mut [], steps)
    }
}

impl<const N: usize> Grid<N> {
    /// Applies a rule known only at run time to all points of several fields at once, `steps`
    /// times.
    ///
    /// Works like [`evolve`](Self::evolve), with the same bits for the same operations. The rule's
    /// outputs are the `fields`. Its inputs are the `fields`, followed by the `constants`, which it
    /// does not change. Each component of a field counts as one input or output. Time, step,
    /// indices and positions are those of the first field.
    ///
    /// ```
    /// use parhelion::kernels::{ProgramBuilder, RuntimeRule};
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16]).periodic([true]).build(&world)?;
    /// let (mut u, mut k) = (grid.field::<f64>("u"), grid.field::<f64>("k"));
    /// u.fill_indexed(|[i]| if i == 4 { 1.0 } else { 0.0 });
    /// k.fill(0.25);
    /// let write = ProgramBuilder::<f64, 1>::new(2);
    /// let (v, rate) = (write.input(0), write.input(1).center());
    /// let next = v.center() + rate * (v.at([-1]) - 2.0 * v.center() + v.at([1]));
    /// let rule = RuntimeRule::from(write.build([next]).map_err(parhelion::Error::other)?);
    /// grid.evolve_rule(&rule, &mut [&mut u], &mut [&mut k], 2)?;
    /// assert_eq!(u.probe([4])?, 0.375);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same fields, rule and number of steps.
    ///
    /// # Errors
    /// When the rule's numbers of inputs and outputs do not match the fields, or it reads the old
    /// values of its outputs. Also as for [`evolve`](Self::evolve).
    pub fn evolve_rule<T: Real>(
        &self,
        rule: &RuntimeRule<T, N>,
        fields: &mut [&mut Field<T, N>],
        constants: &mut [&mut Field<T, N>],
        steps: usize,
    ) -> Result<()> {
        if rule.reads_old() {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                "the rule reads the old values of its outputs, which exist only with two levels in time; use leapfrog_rule",
            ));
        }
        let fields = fields.iter_mut().map(|field| Evolving::of_all_components(field)).collect();
        self.advance_by_rule(rule, RuntimeFields(fields), constants, steps, false)
    }

    /// Like [`evolve_rule`](Self::evolve_rule), for rules with two levels in time. The old values
    /// of the rule's outputs are the values of `previous`, which has one field for each of
    /// `fields`, one step earlier.
    ///
    /// ```
    /// use parhelion::kernels::{ProgramBuilder, RuntimeRule};
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([64]).build(&world)?;
    /// let (mut u, mut before) = (grid.field::<f64>("u"), grid.field::<f64>("u"));
    /// for field in [&mut u, &mut before] {
    ///     field.fill_indexed(|[i]| if i == 32 { 1.0 } else { 0.0 }); // at rest
    /// }
    /// let write = ProgramBuilder::<f64, 1>::new(1);
    /// let v = write.input(0);
    /// let curvature = v.at([-1]) - 2.0 * v.center() + v.at([1]);
    /// let next = 2.0 * v.center() - write.old(0) + 0.25 * curvature;
    /// let wave = RuntimeRule::from(write.build([next]).map_err(parhelion::Error::other)?);
    /// grid.leapfrog_rule(&wave, &mut [&mut u], &mut [&mut before], &mut [], 1)?;
    /// assert_eq!((u.probe([31])?, u.probe([32])?, before.probe([32])?), (0.25, 0.5, 1.0));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same fields, rule and number of steps.
    ///
    /// # Errors
    /// When the rule's numbers of inputs and outputs do not match the fields, or a field has no
    /// previous level. Also as for [`leapfrog`](Self::leapfrog).
    pub fn leapfrog_rule<T: Real>(
        &self,
        rule: &RuntimeRule<T, N>,
        fields: &mut [&mut Field<T, N>],
        previous: &mut [&mut Field<T, N>],
        constants: &mut [&mut Field<T, N>],
        steps: usize,
    ) -> Result<()> {
        if fields.len() != previous.len() {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "{} fields were given with {} previous levels; each needs one",
                    fields.len(),
                    previous.len()
                ),
            ));
        }
        let both = fields.iter_mut().zip(previous);
        let fields = both.map(|(field, previous)| Evolving::of_all_components(field).with_previous(previous));
        self.advance_by_rule(rule, RuntimeFields(fields.collect()), constants, steps, true)
    }

    fn advance_by_rule<T: Real>(
        &self,
        rule: &RuntimeRule<T, N>,
        mut fields: RuntimeFields<'_, T, N>,
        constants: &mut [&mut Field<T, N>],
        steps: usize,
        leapfrog: bool,
    ) -> Result<()> {
        let advancing: usize = fields.0.iter().map(Evolving::number).sum();
        let fixed: usize = constants.iter().map(|field| field.components()).sum();
        if fields.0.is_empty() || (rule.outputs(), rule.inputs()) != (advancing, advancing + fixed) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "a rule with {} inputs and {} outputs cannot advance {advancing} arrays and read {fixed} constant ones: its \
                     outputs are the components of the fields, its inputs these and the components of the constants",
                    rule.inputs(),
                    rule.outputs()
                ),
            ));
        }
        let (read, reads) = rule.neighborhoods().split_at(advancing);
        let all = Neighborhood::of_all(read);
        let properties = RuleProperties {
            radius: all.radius,
            pattern: all.pattern,
            constants: Neighborhood::of_all(reads).radius,
            bytes: (2 * advancing + fixed) * size_of::<T>(),
            leapfrog,
        };
        let centering = fields.0.first().map_or(Centering::Cell, |field| field.centering());
        let context = self.context(centering);
        let mut constants = RuntimeConstants { fields: constants, context, clock: (0.0, 0.0, 0) };
        advance_in_passes(
            self,
            &mut fields,
            &mut constants,
            steps,
            properties,
            RuntimeFields::each,
            |constants, hull, more| {
                let mut first = 0;
                constants.fields.iter_mut().try_for_each(|field| {
                    let components = field.components();
                    let radius = Neighborhood::of_all(&reads[first..first + components]).radius;
                    first += components;
                    prepare_constant(field, self, hull, radius, more)
                })
            },
            |constants, clock| constants.clock = clock,
            |fields, constants, pass, progress| {
                let RuntimeConstants { fields: fixed, context, clock: (start, step, steps) } = constants;
                let fixed: Vec<View<'_, T, N>> = fixed
                    .iter()
                    .flat_map(|field| (0..field.components()).map(|component| field.with_halo(component)))
                    .collect();
                let places = context.places().stepping(*start, *step, *steps);
                let pool = self.world().pool();
                evolve_rule(pool, pass, fields.states(), &fixed, places, rule, progress)
            },
        )
    }
}
