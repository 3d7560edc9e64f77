//! The interface through which a plan works with fields of any element type.

use parhelion_kernels::{BoxCopy, Copies, Pattern};

use super::parcels::{FieldShape, Inboxes, Incoming, Outboxes, ParcelPart};
use crate::error::Result;
use crate::grid::Grid;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A [`Field`](crate::field::Field) of any element type, for plans. The trait is sealed.
pub trait HaloField<const N: usize>: Exchanged<N> {}

/// The operations of an exchange on a field. Not for users, because they can mark any halo valid.
pub trait Exchanged<const N: usize> {
    fn halo_shape(&self) -> FieldShape;
    fn on_grid(&self, grid: &Grid<N>) -> bool;
    /// Adds the copies that pack `parts` of every component to `copies`.
    fn pack<'a>(&'a self, parts: &[ParcelPart<N>], outboxes: &mut Outboxes<'a>, copies: &mut Copies<'a>);
    /// Adds the copies that unpack them to `copies`.
    fn unpack<'a>(&'a mut self, incoming: &Incoming<N>, inboxes: &Inboxes<'a>, copies: &mut Copies<'a>);
    /// Adds the copies of boxes between the ends of axes that one rank spans to `copies`.
    fn copy_within<'a>(&'a mut self, boxes: &BoxCopy<N>, copies: &mut Copies<'a>);
    /// Fills the halo beyond walls: the mirror images of this rank's points, or, once `received`,
    /// of other ranks' points.
    fn fill_beyond_walls(&mut self, widths: [[usize; 2]; N], pattern: Pattern, received: bool) -> Result<()>;
    /// Prepares packing: marks the halo stale and sets the points on walls.
    fn begin_exchange(&mut self);
    fn set_halo_valid(&mut self, widths: [[usize; 2]; N], pattern: Pattern);
}

/// The fields of one exchange: `&mut field`, or an array or a tuple of those. The trait is sealed.
pub trait HaloFields<const N: usize>: sealed::Sealed {
    /// Calls `visit` with every field in order.
    #[doc(hidden)]
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>));
}

/// A borrow of fields that are still needed after their exchange.
pub(crate) struct Borrowed<'f, F>(pub(crate) &'f mut F);

impl<F> sealed::Sealed for Borrowed<'_, F> {}
impl<F: HaloFields<N>, const N: usize> HaloFields<N> for Borrowed<'_, F> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        self.0.for_each(visit);
    }
}

impl<F: sealed::Sealed, const K: usize> sealed::Sealed for [F; K] {}
impl<F: HaloFields<N>, const N: usize, const K: usize> HaloFields<N> for [F; K] {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        self.iter_mut().for_each(|field| field.for_each(visit));
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
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
