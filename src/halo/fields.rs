//! What a plan needs of the fields it exchanges, whatever their element type.

use parhelion_kernels::{Element, ElementKind, Packing, Pattern};

use crate::field::Validity;
use crate::{Centring, Field, Result};

mod sealed {
    pub trait Sealed {}
}

/// Everything about a field that its part of a plan depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub struct FieldShape {
    pub kind: ElementKind,
    pub components: usize,
    pub centring: Centring,
}

/// A [`Field`] of any element type, for plans. The trait is sealed.
pub trait HaloField<const N: usize>: Exchanged<N> {}
impl<T: Element, const N: usize> HaloField<N> for Field<T, N> {}

/// What an exchange does with a field. Not exported: it can mark any halo valid.
pub trait Exchanged<const N: usize> {
    fn halo_shape(&self) -> FieldShape;
    fn on_grid(&self, grid: &crate::Grid<N>) -> bool;
    /// Copies the boxes of `packing`, of every component in turn, to `message`.
    fn pack(&self, packing: &Packing<N>, message: &mut [u8]);
    /// Copies `message` to the boxes of `packing`, of every component in turn.
    fn unpack(&mut self, packing: &Packing<N>, message: &[u8]);
    /// Copies boxes between the ends of axes that one rank spans.
    fn copy_within(&mut self, copies: &parhelion_kernels::BoxCopy<N>);
    /// Fills the halo beyond walls.
    fn fill_beyond_walls(&mut self, depth: usize, pattern: Pattern) -> Result<()>;
    /// Marks the halo stale and sets the points on walls: what is done before packing.
    fn begin_exchange(&mut self);
    fn set_halo_valid(&mut self, depth: usize, pattern: Pattern);
}

impl<T: Element, const N: usize> Exchanged<N> for Field<T, N> {
    fn halo_shape(&self) -> FieldShape {
        FieldShape { kind: T::KIND, components: self.components(), centring: self.centring() }
    }

    fn on_grid(&self, grid: &crate::Grid<N>) -> bool {
        self.grid().same_as(grid)
    }

    fn pack(&self, packing: &Packing<N>, message: &mut [u8]) {
        let values: &mut [T] = bytemuck::cast_slice_mut(message);
        for (component, part) in values.chunks_exact_mut(packing.len()).enumerate() {
            packing.pack(self.grid().world().pool(), self.with_halo(component), part);
        }
    }

    fn unpack(&mut self, packing: &Packing<N>, message: &[u8]) {
        let values: &[T] = bytemuck::cast_slice(message);
        let world = self.grid().world().clone();
        for (component, part) in values.chunks_exact(packing.len()).enumerate() {
            packing.unpack(world.pool(), part, self.with_halo_mut(component));
        }
    }

    fn copy_within(&mut self, copies: &parhelion_kernels::BoxCopy<N>) {
        let world = self.grid().world().clone();
        for component in 0..self.components() {
            copies.run(world.pool(), self.with_halo_mut(component));
        }
    }

    fn fill_beyond_walls(&mut self, depth: usize, pattern: Pattern) -> Result<()> {
        self.fill_walls(depth, pattern)
    }

    fn begin_exchange(&mut self) {
        self.invalidate_halo();
        self.set_walls();
    }

    fn set_halo_valid(&mut self, depth: usize, pattern: Pattern) {
        let depth = self.grid().halo().map(|widths| widths.map(|width| width.min(depth)));
        self.set_validity(Validity { depth, corners: pattern == Pattern::Box || N == 1 });
    }
}

/// The fields of one exchange: `&mut field`, or a tuple of such. The trait is sealed.
pub trait HaloFields<const N: usize>: sealed::Sealed {
    /// Calls `visit` with every field in order.
    #[doc(hidden)]
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Exchanged<N>));
}

impl<T: Element, const N: usize> sealed::Sealed for &mut Field<T, N> {}
impl<T: Element, const N: usize> HaloFields<N> for &mut Field<T, N> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Exchanged<N>)) {
        visit(&mut **self);
    }
}

macro_rules! tuples {
    ($($fields:ident $member:tt),*) => {
        impl<$($fields: sealed::Sealed),*> sealed::Sealed for ($($fields,)*) {}
        impl<$($fields: HaloFields<N>,)* const N: usize> HaloFields<N> for ($($fields,)*) {
            fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Exchanged<N>)) {
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
