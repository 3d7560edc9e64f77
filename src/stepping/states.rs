//! The fields that a rule advances together.

use parhelion_kernels::{Blocking, Element, Inputs, OutputMember, Pattern, Points, Region, States};

use super::constants::{Clock, clock_of};
use super::evolving::Evolving;
use super::points::PassBlock;
use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Centering, Grid};
use crate::halo::HaloFields;

pub(super) mod sealed {
    pub trait Sealed {}
}

/// The fields that a rule advances: an [`Evolving`], an array of them, an
/// [`EvolvingComponents`](super::EvolvingComponents), or a tuple of up to 12 of these. The trait is
/// sealed.
///
/// For an [`Evolving`] the rule takes a point and returns a value. For an array or an
/// [`EvolvingComponents`](super::EvolvingComponents) it takes and returns arrays, and for a tuple
/// it takes and returns tuples.
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
    /// The fields in the form that kernels update in place.
    #[doc(hidden)]
    type InPlace<'k>: States<N, Value = Self::Value, Inputs: Inputs<N, Points = Self::Points>>
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
    fn in_place(&mut self) -> Self::InPlace<'_>;
    #[doc(hidden)]
    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>;
}

/// A member of a tuple of [`EvolvingFields`]: an [`Evolving`], an array of them, or an
/// [`EvolvingComponents`](super::EvolvingComponents). The trait is sealed.
pub trait EvolvingMember<const N: usize>: HaloFields<N> + sealed::Sealed {
    /// As for [`EvolvingFields`].
    type Value: Copy;
    /// As for [`EvolvingFields`].
    type Points: Points;
    #[doc(hidden)]
    type State<'k>: States<N, Value = Self::Value, Outputs: OutputMember<N>, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    #[doc(hidden)]
    type StateInPlace<'k>: States<N, Value = Self::Value, Outputs: OutputMember<N>, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    /// As for [`EvolvingFields`].
    const RADIUS: usize;
    /// As for [`EvolvingFields`].
    const PATTERN: Pattern;
    /// As for [`EvolvingFields`].
    const BYTES: usize;

    #[doc(hidden)]
    fn state(&mut self) -> Self::State<'_>;
    #[doc(hidden)]
    fn state_in_place(&mut self) -> Self::StateInPlace<'_>;
    #[doc(hidden)]
    fn visit(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>;
}

impl<M: EvolvingMember<N>, const N: usize> EvolvingFields<N> for M {
    type Value = M::Value;
    type Points = M::Points;
    type States<'k>
        = M::State<'k>
    where
        Self: 'k;
    type InPlace<'k>
        = M::StateInPlace<'k>
    where
        Self: 'k;
    const RADIUS: usize = M::RADIUS;
    const PATTERN: Pattern = M::PATTERN;
    const BYTES: usize = M::BYTES;

    fn states(&mut self) -> Self::States<'_> {
        self.state()
    }

    fn in_place(&mut self) -> Self::InPlace<'_> {
        self.state_in_place()
    }

    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
        self.visit(visit)
    }
}

/// Whether a rule uses the values one step earlier of its fields.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    Needed,
    /// Their memory is used for the next step.
    Optional,
    Refused,
}

/// The operations of time stepping on a field of any element type and its previous level.
#[doc(hidden)]
pub trait Stepped<const N: usize> {
    fn check(&self, grid: &Grid<N>, radius: usize, previous: Previous) -> Result<()>;
    fn centering(&self) -> Centering;
    fn blocking(&self) -> Option<Blocking<N>>;
    fn clock(&self) -> Clock;
    /// Begins any number of passes.
    fn begin(&mut self) -> Result<()>;
    /// Prepares the sources and receivers of a pass of `steps` steps; `beyond` is the largest distance
    /// from the block at which points are computed.
    fn start(&mut self, steps: usize, beyond: usize) -> Result<()>;
    /// Ends all passes.
    fn conclude(&mut self);
    /// Whether it has sources or receivers.
    fn has_points(&self) -> bool;
    /// Makes the halos in memory, also those of the previous level, at least this wide around the
    /// points `hull`.
    fn deepen(&mut self, hull: &Region<N>, widths: [[usize; 2]; N]) -> Result<()>;
    /// Prepares the second array for a pass.
    fn prepare_levels(&mut self, exchanges_previous: bool);
    /// For each axis, the number of outermost points that the halo beyond walls depends on.
    fn wall_reach(&self) -> [usize; N];
    /// Advances the time after a pass of `levels` steps.
    fn finish(&mut self, levels: usize);
    /// As `finish`, after a pass that has not used the second array.
    fn finish_in_place(&mut self, steps: usize);
    /// Makes the halos stale after a pass that failed, when the values are neither old nor new.
    fn poison(&mut self);
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> Stepped<N>
    for Evolving<'_, T, N, R, STAR>
{
    fn check(&self, grid: &Grid<N>, radius: usize, wanted: Previous) -> Result<()> {
        let (name, previous) = (self.field.name(), self.previous.as_deref());
        let refuse = |why: String| {
            Err(Error::on_all_ranks(ErrorKind::Argument, format!("field '{name}' cannot advance: {why}")))
        };
        if !self.field.grid().same_as(grid) {
            return refuse("it is of another grid".into());
        }
        let components = self.field.components();
        if components != self.components {
            return refuse(format!(
                "it has {components} components, but the rule is for {}; use evolving_components::<{components}, RADIUS>() or \
                 star_evolving_components",
                self.components
            ));
        }
        if wanted == Previous::Refused && previous.is_some() {
            return refuse(
                "it is updated in place, without values one step earlier; leave out with_previous".into(),
            );
        }
        if wanted == Previous::Needed && previous.is_none() {
            return refuse(
                "its values one step earlier are needed; add them with with_previous(&mut field)".into(),
            );
        }
        if let Some(previous) = previous {
            let alike = previous.grid().same_as(grid)
                && previous.centering() == self.field.centering()
                && previous.components() == self.components;
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

    fn clock(&self) -> Clock {
        clock_of(self.field)
    }

    fn wall_reach(&self) -> [usize; N] {
        self.field.wall_reach()
    }

    fn begin(&mut self) -> Result<()> {
        self.points.begin(self.field)
    }

    fn start(&mut self, steps: usize, beyond: usize) -> Result<()> {
        self.points.start(&PassBlock::of(self.field, steps, beyond))
    }

    fn conclude(&mut self) {
        self.points.conclude(self.field.grid().world());
    }

    fn has_points(&self) -> bool {
        self.points.any()
    }

    fn deepen(&mut self, hull: &Region<N>, widths: [[usize; 2]; N]) -> Result<()> {
        let interior = self.field.region_local();
        let widths = std::array::from_fn(|a| {
            let more = (hull.end[a] - interior.end[a]) as usize;
            [widths[a][0], widths[a][1] + more]
        });
        self.field.deepen(widths)?;
        self.previous.as_deref_mut().map_or(Ok(()), |previous| previous.deepen(widths))
    }

    fn prepare_levels(&mut self, exchanges_previous: bool) {
        self.exchanges_previous = exchanges_previous;
        match &mut self.previous {
            Some(previous) => previous.become_level_of(self.field),
            None => self.field.prepare_spare(),
        }
    }

    fn finish(&mut self, levels: usize) {
        self.points.finish(&PassBlock::of(self.field, levels, 0));
        match &mut self.previous {
            Some(previous) => self.field.finish_steps_with(previous, levels),
            None => self.field.finish_steps(levels),
        }
    }

    fn finish_in_place(&mut self, steps: usize) {
        self.points.finish(&PassBlock::of(self.field, steps, 0));
        self.field.finish_in_place(steps);
    }

    fn poison(&mut self) {
        self.field.invalidate_halo();
        if let Some(previous) = &mut self.previous {
            previous.invalidate_halo();
        }
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
    ($($f:ident $member:tt),*) => {
        impl<$($f: sealed::Sealed),*> sealed::Sealed for ($($f,)*) {}
        impl<$($f: EvolvingMember<N>,)* const N: usize> EvolvingFields<N> for ($($f,)*) {
            type Value = ($($f::Value,)*);
            type Points = ($($f::Points,)*);
            type States<'k> = ($($f::State<'k>,)*) where Self: 'k;
            type InPlace<'k> = ($($f::StateInPlace<'k>,)*) where Self: 'k;
            const RADIUS: usize = largest(&[$($f::RADIUS),*]);
            const PATTERN: Pattern = if true $(&& matches!($f::PATTERN, Pattern::Star))* {
                Pattern::Star
            } else {
                Pattern::Box
            };
            const BYTES: usize = 0 $(+ $f::BYTES)*;

            fn states(&mut self) -> Self::States<'_> {
                ($(self.$member.state(),)*)
            }

            fn in_place(&mut self) -> Self::InPlace<'_> {
                ($(self.$member.state_in_place(),)*)
            }

            fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
                $(self.$member.visit(visit)?;)*
                Ok(())
            }
        }
    };
}
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
