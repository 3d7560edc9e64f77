//! What a plan needs of the fields it exchanges, whatever their element type.

use parhelion_kernels::{BoxCopy, Copies, Element, ElementKind, Pattern};

use super::parcels::{Inboxes, Incoming, Outboxes, Segment};
use crate::error::Result;
use crate::field::{Field, ValidHalo};
use crate::grid::Centering;
use crate::halo::HaloPlan;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Everything about a field that its part of a plan depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub struct FieldShape {
    pub kind: ElementKind,
    pub components: usize,
    pub centering: Centering,
}

/// A [`Field`] of any element type, for plans. The trait is sealed.
pub trait HaloField<const N: usize>: Exchanged<N> {}
impl<T: Element, const N: usize> HaloField<N> for Field<T, N> {}

/// What an exchange does with a field; not for users, for it can mark any halo valid.
pub trait Exchanged<const N: usize> {
    fn halo_shape(&self) -> FieldShape;
    fn on_grid(&self, grid: &crate::grid::Grid<N>) -> bool;
    /// Adds what packs `segments`, of every component in turn, to `copies`.
    fn pack<'a>(&'a self, segments: &[Segment<N>], outboxes: &mut Outboxes<'a>, copies: &mut Copies<'a>);
    /// Adds what unpacks them to `copies`.
    fn unpack<'a>(&'a mut self, incoming: &Incoming<N>, inboxes: &Inboxes<'a>, copies: &mut Copies<'a>);
    /// Adds what copies boxes between the ends of axes that one rank spans to `copies`.
    fn copy_within<'a>(&'a mut self, boxes: &BoxCopy<N>, copies: &mut Copies<'a>);
    /// Fills the halo beyond walls: what mirrors this rank's points, or what mirrors those `received`.
    fn fill_beyond_walls(&mut self, widths: [[usize; 2]; N], pattern: Pattern, received: bool) -> Result<()>;
    /// Marks the halo stale and sets the points on walls: what is done before packing.
    fn begin_exchange(&mut self);
    fn set_halo_valid(&mut self, widths: [[usize; 2]; N], pattern: Pattern);
    /// Where plans are kept of which this is the first field.
    fn plans(&mut self) -> &mut Vec<HaloPlan<N>>;
}

impl<T: Element, const N: usize> Exchanged<N> for Field<T, N> {
    fn halo_shape(&self) -> FieldShape {
        FieldShape { kind: T::KIND, components: self.components(), centering: self.centering() }
    }

    fn on_grid(&self, grid: &crate::grid::Grid<N>) -> bool {
        self.grid().same_as(grid)
    }

    fn pack<'a>(&'a self, segments: &[Segment<N>], outboxes: &mut Outboxes<'a>, copies: &mut Copies<'a>) {
        for segment in segments {
            let bytes = outboxes.take(segment);
            let parts = bytes.chunks_exact_mut(segment.region.len() * size_of::<T>());
            parts.enumerate().for_each(|(component, part)| {
                copies.pack(self.with_halo(component), segment.region, part);
            });
        }
    }

    fn unpack<'a>(&'a mut self, incoming: &Incoming<N>, inboxes: &Inboxes<'a>, copies: &mut Copies<'a>) {
        for (component, cells) in self.all_with_halo_mut().enumerate() {
            copies.unpack(cells, &incoming.packing, |piece| {
                let segment = &incoming.segments[piece];
                let len = segment.region.len() * size_of::<T>();
                &inboxes.segment(segment)[component * len..][..len]
            });
        }
    }

    fn copy_within<'a>(&'a mut self, boxes: &BoxCopy<N>, copies: &mut Copies<'a>) {
        self.all_with_halo_mut().for_each(|cells| copies.within(cells, boxes));
    }

    fn fill_beyond_walls(&mut self, widths: [[usize; 2]; N], pattern: Pattern, received: bool) -> Result<()> {
        self.fill_walls(widths, pattern, received)
    }

    fn plans(&mut self) -> &mut Vec<HaloPlan<N>> {
        &mut self.plans
    }

    fn begin_exchange(&mut self) {
        self.invalidate_halo();
        self.set_walls();
    }

    fn set_halo_valid(&mut self, widths: [[usize; 2]; N], pattern: Pattern) {
        let (halo, open) = (self.grid().halo(), self.grid().topology().open_sides());
        let depth = |a: usize, side: usize| {
            if open[a][side] { widths[a][side] } else { widths[a][side].min(halo[a][side]) }
        };
        let depth = std::array::from_fn(|a| [0, 1].map(|side| depth(a, side)));
        self.set_valid_halo(ValidHalo { depth, corners: pattern == Pattern::Box || N == 1 });
    }
}

/// The fields of one exchange: `&mut field`, or a tuple of such. The trait is sealed.
pub trait HaloFields<const N: usize>: sealed::Sealed {
    /// Calls `visit` with every field in order.
    #[doc(hidden)]
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>));
}

impl<T: Element, const N: usize> sealed::Sealed for &mut Field<T, N> {}
impl<T: Element, const N: usize> HaloFields<N> for &mut Field<T, N> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        visit(&mut **self);
    }
}

/// Fields that are still needed after their exchange.
pub(crate) struct Borrowed<'f, F>(pub(crate) &'f mut F);

impl<F> sealed::Sealed for Borrowed<'_, F> {}
impl<F: HaloFields<N>, const N: usize> HaloFields<N> for Borrowed<'_, F> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        self.0.for_each(visit);
    }
}

macro_rules! tuples {
    ($($fields:ident $member:tt),*) => {
        impl<$($fields: sealed::Sealed),*> sealed::Sealed for ($($fields,)*) {}
        impl<$($fields: HaloFields<N>,)* const N: usize> HaloFields<N> for ($($fields,)*) {
            fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
                $(self.$member.for_each(visit);)*
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
