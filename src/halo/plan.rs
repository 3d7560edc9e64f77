//! The plan of an exchange.

use std::fmt;

use parhelion_kernels::{BoxCopy, CopyList, Pattern};

use super::link::Link;
use super::parcels::{FieldShape, Incoming, Parcel, ParcelPart};
use crate::grid::Grid;

/// The planned halo exchange of one or several fields of a grid.
///
/// Boxes, buffers and persistent requests are made once. All fields and components share one
/// message per neighbor direction. A plan works for any fields with the same element types,
/// centerings and numbers of components, not only for those it was made from.
///
/// For a single field there is [`Field::exchange`](crate::field::Field::exchange), whose plans the
/// grid keeps. A custom plan exchanges several fields at once:
///
/// ```
/// use parhelion::halo::HaloPlan;
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([12, 12]).periodic([true, true]).halo(2).build(&world)?;
/// let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<i32>("v"));
/// let mut plan = HaloPlan::builder(&grid).field(&u).field(&v).pattern(Pattern::Star).build()?;
/// println!("{plan}");                                   // neighbors, bytes, strategy
/// let exchange = plan.start((&mut u, &mut v))?;         // messages are being sent
/// let (u_now, _) = exchange.fields();                   // the interior may be read now
/// let _ = u_now.interior().sum();
/// exchange.finish()?;                                   // now the halos are valid
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// An exchange in progress borrows its fields, so accessing their halos does not compile:
///
/// ```compile_fail,E0502
/// use parhelion::halo::HaloPlan;
/// use parhelion::prelude::*;
///
/// let world = World::init().unwrap();
/// let grid = Grid::builder([12, 12]).build(&world).unwrap();
/// let mut u = grid.field::<f64>("u");
/// let mut plan = HaloPlan::builder(&grid).field(&u).build().unwrap();
/// let exchange = plan.start(&mut u).unwrap();
/// let halo = u.halo(Face::low(0)); // `u` is borrowed until `finish`
/// exchange.finish().unwrap();
/// ```
pub struct HaloPlan<const N: usize> {
    /// Its requests are freed before the communicator, which the grid holds.
    pub(super) routes: Routes<N>,
    pub(super) grid: Grid<N>,
}

/// A plan without its grid, so that the grid can keep it.
pub(super) struct Routes<const N: usize> {
    pub(super) link: Link,
    /// For each field, its parts of the outgoing parcels.
    pub(super) packed: Vec<Vec<ParcelPart<N>>>,
    /// For each field, its parts of the incoming parcels.
    pub(super) unpacked: Vec<Incoming<N>>,
    /// For each field, copies between ends of axes that this rank spans.
    pub(super) copied: Vec<BoxCopy<N>>,
    /// The copies for the threads, gathered again for each phase of an exchange.
    pub(super) copy_list: CopyList,
    /// The reason why memory is shared or not, where the plan chose.
    pub(super) reason: Option<String>,
    pub(super) shapes: Vec<FieldShape>,
    pub(super) pattern: Pattern,
    /// Halo cells exchanged on each side.
    pub(super) widths: [[usize; 2]; N],
}

impl<const N: usize> HaloPlan<N> {
    /// For each axis, whether halo cells on its `[low, high]` side come from other ranks.
    pub fn remote_sides(&self) -> [[bool; 2]; N] {
        self.grid.topology().remote_sides()
    }

    /// Returns whether part of the halo comes by messages, which take time.
    pub(crate) fn has_messages(&self) -> bool {
        self.routes.link.incoming.iter().any(|parcel| !parcel.shared)
    }

    /// Bytes that this rank sends in one exchange.
    pub fn bytes_sent(&self) -> usize {
        self.routes.link.bytes_sent(|_| true)
    }

    /// Bytes of one exchange that neighbors on the same node take from shared memory.
    pub fn bytes_shared(&self) -> usize {
        self.routes.link.bytes_sent(|parcel| parcel.shared)
    }

    /// MPI messages that this rank sends in one exchange.
    pub fn messages_sent(&self) -> usize {
        self.routes.link.messages().0
    }
}

impl<const N: usize> fmt::Display for HaloPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topology = self.grid.topology();
        writeln!(
            f,
            "halo plan of rank {} at {:?} in {:?}: {:?} pattern, widths {:?}, {} field(s)",
            topology.rank(),
            topology.coordinates(),
            topology.procs(),
            self.routes.pattern,
            self.routes.widths,
            self.routes.shapes.len()
        )?;
        for shape in &self.routes.shapes {
            writeln!(
                f,
                "  field of {} × {}, centered at {:?}",
                shape.components, shape.kind, shape.centering
            )?;
        }
        for (way, parcels) in
            [("send to", &self.routes.link.outgoing), ("receive from", &self.routes.link.incoming)]
        {
            for Parcel { rank, tag, bytes, shared } in parcels {
                let how = if *shared { "through shared memory" } else { "by message" };
                writeln!(f, "  {way} rank {rank}: {bytes} bytes {how}, tag {tag}")?;
            }
        }
        if let Some(why) = &self.routes.reason {
            writeln!(f, "  {why}")?;
        }
        let bytes =
            |(copy, shape): (&BoxCopy<N>, &FieldShape)| copy.len() * shape.components * shape.kind.size();
        let copied: usize = self.routes.copied.iter().zip(&self.routes.shapes).map(bytes).sum();
        writeln!(f, "  copy within the rank: {copied} bytes")?;
        write!(
            f,
            "  {} persistent requests, packed by {} thread(s)",
            self.routes.link.messages().1,
            self.grid.world().threads()
        )
    }
}

impl<const N: usize> fmt::Debug for HaloPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
