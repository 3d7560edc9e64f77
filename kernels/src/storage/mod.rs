//! Memory of a block of cells: element types, boxes of indices, layouts, arrays and views.

mod array;
mod cells;
mod element;
mod layout;
mod ndarray_view;
mod region;
mod view;

pub use array::Array;
pub(crate) use cells::{Cells, prefetch};
pub use element::{Element, ElementKind};
pub(crate) use layout::CACHE_LINE;
pub use layout::Layout;
pub use ndarray_view::{Dimensions, NdDim};
pub use region::Region;
pub(crate) use region::{Rows, rows};
pub use view::{View, ViewMut};
