//! The fields that a rule advances together.

use parhelion_kernels::{Blocking, Element, Inputs, Neighbors, Pattern, Points, State, States, ViewMut};

use crate::error::{Error, ErrorKind, Result};
use crate::field::{ComponentWalls, Field};
use crate::grid::{Centering, Grid};
use crate::halo::{Exchanged, HaloFields};

mod sealed {
    pub trait Sealed {}
}

/// A field that a rule advances and reads within `R` points; made by [`Field::evolving`] and
/// [`Field::star_evolving`].
#[derive(Debug)]
pub struct Evolving<'a, T: Element, const N: usize, const R: usize, const STAR: bool> {
    field: &'a mut Field<T, N>,
    previous: Option<&'a mut Field<T, N>>,
    /// Whether an exchange fills the halo of the previous level as well.
    exchanges_previous: bool,
}

impl<'a, T: Element, const N: usize, const R: usize, const STAR: bool> Evolving<'a, T, N, R, STAR> {
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self { field, previous: None, exchanges_previous: false }
    }

    /// Adds the field's values one step earlier, for rules with two levels in time; see
    /// [`Grid::leapfrog`]. Both levels advance together, and `previous` adopts the boundary
    /// conditions.
    pub fn with_previous(mut self, previous: &'a mut Field<T, N>) -> Self {
        self.previous = Some(previous);
        self
    }

    fn state(&mut self) -> State<'_, T, ComponentWalls<'_, T, N>, N, R, STAR> {
        let interior = self.field.region_local();
        let (now, spare, walls) = self.field.arrays_and_walls().next().expect("every field has a component");
        let other: ViewMut<'_, T, N> = match &mut self.previous {
            Some(previous) => previous.all_with_halo_mut().next().expect("every field has a component"),
            None => spare.expect("the second array is prepared before a pass").view_mut(),
        };
        State { arrays: [now.view_mut(), other], walls, interior }
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> crate::halo::HaloFieldsSealed
    for Evolving<'_, T, N, R, STAR>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool> HaloFields<N>
    for Evolving<'_, T, N, R, STAR>
{
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        visit(self.field);
        if let Some(previous) = self.previous.as_deref_mut().filter(|_| self.exchanges_previous) {
            visit(previous);
        }
    }
}

/// The fields that a rule advances: an [`Evolving`], or a tuple of up to five. The trait is sealed.
pub trait EvolvingFields<const N: usize>: HaloFields<N> + sealed::Sealed {
    /// The result of the rule at one point.
    type Value: Copy;
    /// The rule's view of one point.
    type Points: Points;
    /// The fields in the form that kernels take.
    #[doc(hidden)]
    type States<'k>: States<N, Value = Self::Value, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    /// Radius of the rule.
    const RADIUS: usize;
    /// Neighbors that the rule reads.
    const PATTERN: Pattern;
    /// Bytes of the arrays that pass through the cache for each point.
    const BYTES: usize;

    #[doc(hidden)]
    fn states(&mut self) -> Self::States<'_>;
    #[doc(hidden)]
    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>;
}

/// The operations of time stepping on a field of any element type and its previous level.
#[doc(hidden)]
pub trait Stepped<const N: usize> {
    fn check(&self, grid: &Grid<N>, radius: usize, leapfrog: bool) -> Result<()>;
    fn centering(&self) -> Centering;
    fn blocking(&self) -> Option<Blocking<N>>;
    /// For each axis, the number of outermost points that the halo beyond walls depends on.
    fn wall_reach(&self) -> [usize; N];
    /// Makes the halos in memory at least this wide, also those of the previous level.
    fn prepare(&mut self, widths: [[usize; 2]; N], exchanges_previous: bool) -> Result<()>;
    /// Advances the time after a pass of `levels` steps.
    fn finish(&mut self, levels: usize);
    /// Makes the halos stale after a pass that failed, when the values are neither old nor new.
    fn poison(&mut self);
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> Stepped<N>
    for Evolving<'_, T, N, R, STAR>
{
    fn check(&self, grid: &Grid<N>, radius: usize, leapfrog: bool) -> Result<()> {
        let (name, previous) = (self.field.name(), self.previous.as_deref());
        let refuse = |why: String| {
            Err(Error::on_all_ranks(ErrorKind::Argument, format!("field '{name}' cannot advance: {why}")))
        };
        if !self.field.grid().same_as(grid) {
            return refuse("it is of another grid".into());
        }
        if self.field.components() != 1 {
            let components = self.field.components();
            return refuse(format!("it has {components} components; use a field for each"));
        }
        if leapfrog && previous.is_none() {
            return refuse(
                "its values one step earlier are needed; add them with with_previous(&mut field)".into(),
            );
        }
        if let Some(previous) = previous {
            let alike = previous.grid().same_as(grid)
                && previous.centering() == self.field.centering()
                && previous.components() == 1;
            if !alike {
                return refuse(format!(
                    "'{}', its previous level, differs in grid, centering or number of components",
                    previous.name()
                ));
            }
        }
        self.field.check_radius(radius)
    }

    fn centering(&self) -> Centering {
        self.field.centering()
    }

    fn blocking(&self) -> Option<Blocking<N>> {
        self.field.chosen_blocking()
    }

    fn wall_reach(&self) -> [usize; N] {
        self.field.wall_reach()
    }

    fn prepare(&mut self, widths: [[usize; 2]; N], exchanges_previous: bool) -> Result<()> {
        self.exchanges_previous = exchanges_previous;
        self.field.deepen(widths)?;
        match &mut self.previous {
            Some(previous) => {
                previous.become_level_of(self.field);
                previous.deepen(widths)
            }
            None => {
                self.field.prepare_spare();
                Ok(())
            }
        }
    }

    fn finish(&mut self, levels: usize) {
        match &mut self.previous {
            Some(previous) => self.field.finish_steps_with(previous, levels),
            None => self.field.finish_steps(levels),
        }
    }

    fn poison(&mut self) {
        self.field.invalidate_halo();
        if let Some(previous) = &mut self.previous {
            previous.invalidate_halo();
        }
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> sealed::Sealed
    for Evolving<'_, T, N, R, STAR>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool> EvolvingFields<N>
    for Evolving<'_, T, N, R, STAR>
{
    type Value = T;
    type Points = Neighbors<T, N, R, STAR>;
    type States<'k>
        = State<'k, T, ComponentWalls<'k, T, N>, N, R, STAR>
    where
        Self: 'k;
    const RADIUS: usize = R;
    const PATTERN: Pattern = if STAR { Pattern::Star } else { Pattern::Box };
    const BYTES: usize = 2 * size_of::<T>();

    fn states(&mut self) -> Self::States<'_> {
        self.state()
    }

    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
        visit(self)
    }
}

pub(super) const fn largest(radii: &[usize]) -> usize {
    let (mut largest, mut i) = (0, 0);
    while i < radii.len() {
        if radii[i] > largest {
            largest = radii[i];
        }
        i += 1;
    }
    largest
}

macro_rules! tuples {
    ($($t:ident $radius:ident $star:ident $member:tt),*) => {
        impl<$($t: Element, const $radius: usize, const $star: bool,)* const N: usize> sealed::Sealed
            for ($(Evolving<'_, $t, N, $radius, $star>,)*) {}
        impl<'a, $($t: Element, const $radius: usize, const $star: bool,)* const N: usize> EvolvingFields<N>
            for ($(Evolving<'a, $t, N, $radius, $star>,)*)
        {
            type Value = ($($t,)*);
            type Points = ($(Neighbors<$t, N, $radius, $star>,)*);
            type States<'k> = ($(State<'k, $t, ComponentWalls<'k, $t, N>, N, $radius, $star>,)*) where Self: 'k;
            const RADIUS: usize = largest(&[$($radius),*]);
            const PATTERN: Pattern = if true $(&& $star)* { Pattern::Star } else { Pattern::Box };
            const BYTES: usize = 0 $(+ 2 * size_of::<$t>())*;

            fn states(&mut self) -> Self::States<'_> {
                ($(self.$member.state(),)*)
            }

            fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
                $(visit(&mut self.$member)?;)*
                Ok(())
            }
        }
    };
}
tuples!(A RA SA 0);
tuples!(A RA SA 0, B RB SB 1);
tuples!(A RA SA 0, B RB SB 1, C RC SC 2);
tuples!(A RA SA 0, B RB SB 1, C RC SC 2, D RD SD 3);
tuples!(A RA SA 0, B RB SB 1, C RC SC 2, D RD SD 3, E RE SE 4);
