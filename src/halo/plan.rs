//! The plan of an exchange: which boxes go where.

use std::collections::BTreeMap;
use std::fmt;

use parhelion_kernels::{BoxCopy, CopyList, Pattern, Region};

use super::exchange::Exchange;
use super::fields::{FieldShape, HaloField, HaloFields};
use super::link::Link;
use super::parcels::{Incoming, Parcel, Parcels, Segment, received, sent};
use super::transport::{HaloTransport, Wish, link};
use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Grid, directions};
use crate::messages::LONGEST_MESSAGE;

/// Messages to different neighbors that use one tag each; a plan takes a range of tags.
const TAGS_PER_PLAN: i32 = 81;

/// Smaller tags are those of messages outside of plans.
const FIRST_TAG: i32 = 8;

/// Plans whose tags differ; further ones share tags with older plans, which matters only if both are
/// under way at once. 81 · 404 + 8 stays below the 32767 tags that every MPI has.
const PLANS_WITH_OWN_TAGS: u32 = 404;

/// Plans that a field keeps for itself.
const KEPT: usize = 8;

/// The planned halo exchange of one or several fields of a grid.
///
/// Everything that can be computed beforehand is: boxes, buffers, persistent requests. All fields
/// and components share one message per neighbor direction. A plan serves any fields of the
/// same element types, centerings and numbers of components, not only those it was made from.
///
/// For a single field there is [`Field::exchange`](crate::field::Field::exchange), which keeps its own plans.
/// A plan of one's own exchanges several fields at once:
///
/// ```
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([12, 12]).periodic([true, true]).halo(2).build(&world)?;
/// let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<i32>("v"));
/// let mut plan = HaloPlan::builder(&grid).field(&u).field(&v).pattern(Pattern::Star).build()?;
/// println!("{plan}");                                   // neighbors, bytes, strategy
/// let exchange = plan.start((&mut u, &mut v))?;         // messages are on their way
/// let (u_now, _) = exchange.fields();                   // the interior may be read meanwhile
/// let _ = u_now.interior().sum();
/// exchange.finish()?;                                   // now the halos are valid
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// While an exchange is under way its fields are borrowed, so that touching their halos does not
/// compile:
///
/// ```compile_fail,E0502
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
    /// Requests are freed before the communicator, which the grid holds.
    pub(super) link: Link,
    /// For each field, its segments of the outgoing parcels.
    pub(super) packed: Vec<Vec<Segment<N>>>,
    /// For each field, its segments of the incoming parcels.
    pub(super) unpacked: Vec<Incoming<N>>,
    /// For each field, copies between ends of axes that this rank spans.
    pub(super) copied: Vec<BoxCopy<N>>,
    /// What the threads are to copy, gathered anew for each phase of an exchange.
    pub(super) copy_list: CopyList,
    /// Why memory is shared, or not, where that was for the plan to find out.
    chosen: Option<String>,
    pub(super) shapes: Vec<FieldShape>,
    pub(super) pattern: Pattern,
    /// Halo cells exchanged on each side.
    pub(super) widths: [[usize; 2]; N],
    pub(super) grid: Grid<N>,
}

/// How a [`HaloPlan`] is made; from [`HaloPlan::builder`].
#[derive(Clone, Debug)]
pub struct HaloPlanBuilder<const N: usize> {
    grid: Grid<N>,
    shapes: Vec<FieldShape>,
    foreign: bool,
    pattern: Pattern,
    depth: Option<usize>,
    widths: Option<[[usize; 2]; N]>,
    longest: usize,
    transport: Option<HaloTransport>,
    ranks_per_node: Option<usize>,
}

impl<const N: usize> HaloPlan<N> {
    /// Starts to describe an exchange of fields of `grid`: all neighbors, full depth.
    pub fn builder(grid: &Grid<N>) -> HaloPlanBuilder<N> {
        HaloPlanBuilder {
            grid: grid.clone(),
            shapes: Vec::new(),
            foreign: false,
            pattern: Pattern::Box,
            depth: None,
            widths: None,
            longest: LONGEST_MESSAGE,
            transport: None,
            ranks_per_node: None,
        }
    }

    /// Sends this rank's part of the halos of `fields` on its way, and does what needs no message.
    ///
    /// `fields` is `&mut field` or a tuple of such, in the order in which the plan was told of them.
    /// The fields stay borrowed by the [`Exchange`] until it is finished. Dropping it finishes it.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields are not what the plan was made for.
    pub fn start<F: HaloFields<N>>(&mut self, fields: F) -> Result<Exchange<'_, F, N>> {
        Exchange::start(self, fields)
    }

    /// Fills the halos of `fields`: [`start`](Self::start) and [`finish`](Exchange::finish).
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields are not what the plan was made for.
    pub fn exchange<F: HaloFields<N>>(&mut self, fields: F) -> Result<()> {
        self.start(fields)?.finish()
    }

    /// For each axis, whether halo cells on its `[low, high]` side come from other ranks.
    pub fn remote_sides(&self) -> [[bool; 2]; N] {
        self.grid.topology().remote_sides()
    }

    /// The plan of such an exchange, from those that the first field keeps, or a new one. The fields have halos of
    /// these widths in memory.
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// As for [`HaloPlanBuilder::build`].
    pub(crate) fn take(
        grid: &Grid<N>,
        fields: &mut impl HaloFields<N>,
        pattern: Pattern,
        widths: [[usize; 2]; N],
    ) -> Result<Self> {
        let mut shapes = Vec::new();
        fields.for_each(&mut |field| shapes.push(field.halo_shape()));
        let serves = |plan: &Self| plan.pattern == pattern && plan.widths == widths && plan.shapes == shapes;
        let mut kept = None;
        first_plans(fields, |plans| {
            kept = plans.iter().position(serves).map(|position| plans.remove(position));
        });
        match kept {
            Some(plan) => Ok(plan),
            None => HaloPlanBuilder { shapes, ..Self::builder(grid).pattern(pattern).widths(widths) }.build(),
        }
    }

    /// Lets the first field keep it, and forget the one not used for the longest time if it has many: the same on all ranks.
    pub(crate) fn give_back(self, fields: &mut impl HaloFields<N>) {
        first_plans(fields, |plans| {
            if plans.len() >= KEPT {
                plans.remove(0);
            }
            plans.push(self);
        });
    }

    /// Whether some of the halo comes by messages, which take their time.
    pub(crate) fn has_messages(&self) -> bool {
        self.link.incoming.iter().any(|parcel| !parcel.shared)
    }

    /// Bytes that this rank sends in one exchange.
    pub fn bytes_sent(&self) -> usize {
        self.link.bytes_sent(|_| true)
    }

    /// Those of them that neighbors on the same node take from shared memory.
    pub fn bytes_shared(&self) -> usize {
        self.link.bytes_sent(|parcel| parcel.shared)
    }

    /// MPI messages that this rank sends in one exchange.
    pub fn messages_sent(&self) -> usize {
        self.link.messages().0
    }
}

impl<const N: usize> HaloPlanBuilder<N> {
    /// Adds a field; its element type, centering and number of components count, not its values.
    pub fn field(mut self, field: &impl HaloField<N>) -> Self {
        self.foreign |= !field.on_grid(&self.grid);
        self.shapes.push(field.halo_shape());
        self
    }

    /// Exchanges faces only, for star stencils, or all neighbors (the default).
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = pattern;
        self
    }

    /// Exchanges this many cells on every side instead of the whole halo width.
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Exchanges this many cells on each side, which may be more than the grid's halo where the fields have
    /// a deeper one of their own, but not more than the thinnest block.
    fn widths(mut self, widths: [[usize; 2]; N]) -> Self {
        self.widths = Some(widths);
        self
    }

    /// Cuts messages into pieces of at most this many bytes (1 GiB unless told otherwise, the
    /// most that MPI implementations handle well).
    pub fn longest_message(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// How cells get to neighbors on the same node, whatever the environment variable `PARHELION_HALO` says.
    pub fn transport(mut self, transport: HaloTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Pretends that every so many consecutive ranks are a node of their own: so tests get, on one machine, plans
    /// that need both messages and shared memory.
    #[doc(hidden)]
    pub fn pretend_ranks_per_node(mut self, ranks: usize) -> Self {
        self.ranks_per_node = Some(ranks);
        self
    }

    /// Plans the exchange.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same fields and settings.
    ///
    /// # Errors
    /// When there is no field, one of another grid, or the depth exceeds every halo width. When
    /// `PARHELION_HALO` has no sensible value, or asks for shared memory (as [`transport`](Self::transport) may)
    /// that a rank does not get.
    pub fn build(self) -> Result<HaloPlan<N>> {
        let Self { grid, shapes, foreign, pattern, depth, widths, longest, transport, ranks_per_node } = self;
        let deepest = grid.halo_deepest();
        let depth = depth.unwrap_or(deepest);
        let settings =
            (&shapes, pattern, depth, widths.map(|w| w.to_vec()), longest, transport, ranks_per_node);
        grid.world().check_same("HaloPlanBuilder::build", &settings)?;
        if shapes.is_empty() || foreign || depth > deepest || longest == 0 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "no halo exchange of {} field(s) to depth {depth} can be planned: it needs at least one field, all of \
                     the grid of the plan{}, a depth of at most the halo width {deepest}, and messages of at least 1 byte",
                    shapes.len(),
                    if foreign { " (one is of another grid)" } else { "" },
                ),
            ));
        }
        let first_tag = (grid.next_plan_number() % PLANS_WITH_OWN_TAGS) as i32 * TAGS_PER_PLAN + FIRST_TAG;
        let widths = widths.unwrap_or_else(|| grid.halo_to(depth));
        let thinnest = grid.thinnest_blocks();
        let next_alone = |a: usize| thinnest[a].is_none_or(|cells| widths[a][0].max(widths[a][1]) <= cells);
        assert!((0..N).all(next_alone), "halos of {widths:?} would come from farther than the next block");
        let topology = grid.topology();
        let opposite = |direction: [isize; N]| direction.map(|d| -d);
        // Tags number the direction in which a message travels.
        let numbers: BTreeMap<[isize; N], i32> = directions().map(|(number, d)| (d, number)).collect();

        let mut outgoing = Parcels::new(shapes.len());
        let mut incoming = Parcels::new(shapes.len());
        let mut copies = vec![Vec::new(); shapes.len()];
        for (_, direction) in directions::<N>() {
            let axes = direction.iter().filter(|&&d| d != 0).count();
            if pattern == Pattern::Star && axes > 1 {
                continue;
            }
            let Some(rank) = topology.neighbor(direction) else { continue };
            let interiors =
                shapes.iter().map(|shape| Region::from_shape(grid.region_global(shape.centering).shape()));
            if rank == topology.rank() {
                for (interior, copies) in interiors.zip(&mut copies) {
                    copies.push((
                        sent(interior, opposite(direction), widths),
                        received(interior, direction, widths),
                    ));
                }
            } else {
                let interiors: Vec<_> = interiors.collect();
                let boxes = |cells: fn(Region<N>, [isize; N], [[usize; 2]; N]) -> Region<N>| {
                    interiors.iter().map(|&interior| cells(interior, direction, widths)).collect::<Vec<_>>()
                };
                outgoing.add(rank, first_tag + numbers[&direction], &shapes, &boxes(sent));
                incoming.add(rank, first_tag + numbers[&opposite(direction)], &shapes, &boxes(received));
            }
        }
        let copies = copies.into_iter().map(BoxCopy::new).collect::<Result<_, _>>();
        let copied = copies.map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
        let unpacked = incoming.segments.into_iter().map(Incoming::new).collect::<Result<_>>()?;
        let (packed, parcels) = (outgoing.segments, [outgoing.parcels, incoming.parcels]);
        // No parcel has the tag of the direction to the block itself.
        let tag = first_tag + (3_i32.pow(N as u32) - 1) / 2;
        let wish = Wish { transport, ranks_per_node, longest, tag };
        let (link, chosen) = link(grid.world(), topology.comm(), &wish, parcels)?;
        Ok(HaloPlan {
            link,
            packed,
            unpacked,
            copied,
            copy_list: CopyList::new(),
            chosen,
            shapes,
            pattern,
            widths,
            grid,
        })
    }
}

/// Calls `work` with the plans that the first of the fields keeps.
fn first_plans<const N: usize>(fields: &mut impl HaloFields<N>, work: impl FnOnce(&mut Vec<HaloPlan<N>>)) {
    let mut work = Some(work);
    fields.for_each(&mut |field| {
        if let Some(work) = work.take() {
            work(field.plans());
        }
    });
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
            self.pattern,
            self.widths,
            self.shapes.len()
        )?;
        for shape in &self.shapes {
            writeln!(
                f,
                "  field of {} × {}, centered at {:?}",
                shape.components, shape.kind, shape.centering
            )?;
        }
        for (way, parcels) in [("send to", &self.link.outgoing), ("receive from", &self.link.incoming)] {
            for Parcel { rank, tag, bytes, shared } in parcels {
                let how = if *shared { "through shared memory" } else { "by message" };
                writeln!(f, "  {way} rank {rank}: {bytes} bytes {how}, tag {tag}")?;
            }
        }
        if let Some(why) = &self.chosen {
            writeln!(f, "  {why}")?;
        }
        let bytes =
            |(copy, shape): (&BoxCopy<N>, &FieldShape)| copy.len() * shape.components * shape.kind.size();
        let copied: usize = self.copied.iter().zip(&self.shapes).map(bytes).sum();
        writeln!(f, "  copy within the rank: {copied} bytes")?;
        write!(
            f,
            "  {} persistent requests, packed by {} thread(s)",
            self.link.messages().1,
            self.grid.world().threads()
        )
    }
}

impl<const N: usize> fmt::Debug for HaloPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
