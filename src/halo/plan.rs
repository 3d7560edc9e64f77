//! The plan of an exchange: which boxes go where.

use std::collections::BTreeMap;
use std::fmt;

use parhelion_kernels::{BoxCopy, Packing, Pattern, Region};

use super::exchange::Exchange;
use super::fields::{FieldShape, HaloField, HaloFields};
use super::persistent::{Message, Persistent, Way};
use crate::error::ErrorKind;
use crate::messages::LONGEST_MESSAGE;
use crate::topology::directions;
use crate::{Error, Grid, Result};

/// Segments of a message start at multiples of this, so that any element type may follow another.
const SEGMENT_ALIGN: usize = 64;

/// Messages to different neighbours that use one tag each; a plan takes a range of tags.
const TAGS_PER_PLAN: i32 = 81;

/// Smaller tags are those of messages outside of plans.
const FIRST_TAG: i32 = 8;

/// Plans whose tags differ; further ones share tags with older plans, which matters only if both are
/// under way at once. 81 · 404 + 8 stays below the 32767 tags that every MPI has.
const PLANS_WITH_OWN_TAGS: u32 = 404;

/// The planned halo exchange of one or several fields of a grid.
///
/// Everything that can be computed beforehand is: boxes, buffers, persistent requests. All fields
/// and components share one message per neighbour direction. A plan serves any fields of the
/// same element types, centrings and numbers of components, not only those it was made from.
///
/// For a single field there is [`Field::exchange`](crate::Field::exchange), which keeps its own plans.
/// A plan of one's own exchanges several fields at once:
///
/// ```
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([12, 12]).periodic([true, true]).halo(2).build(&world)?;
/// let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<i32>("v"));
/// let mut plan = HaloPlan::builder(&grid).field(&u).field(&v).pattern(Pattern::Star).build()?;
/// println!("{plan}");                                   // neighbours, bytes, strategy
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
    pub(super) sends: Persistent,
    pub(super) receives: Persistent,
    pub(super) outgoing: Vec<Message>,
    pub(super) incoming: Vec<Message>,
    /// For each field, one packing for each outgoing message, at this offset in the buffer.
    pub(super) packings: Vec<Vec<Segment<N>>>,
    /// For each field, one packing for each incoming message.
    pub(super) unpackings: Vec<Vec<Segment<N>>>,
    /// For each field, copies between ends of axes that this rank spans.
    pub(super) copies: Vec<BoxCopy<N>>,
    pub(super) shapes: Vec<FieldShape>,
    pub(super) pattern: Pattern,
    pub(super) depth: usize,
    pub(super) grid: Grid<N>,
}

/// The place of one field's cells in a message.
pub(super) struct Segment<const N: usize> {
    pub(super) packing: Packing<N>,
    pub(super) bytes: std::ops::Range<usize>,
}

/// How a [`HaloPlan`] is made; from [`HaloPlan::builder`].
#[derive(Clone, Debug)]
pub struct HaloPlanBuilder<const N: usize> {
    grid: Grid<N>,
    shapes: Vec<FieldShape>,
    foreign: bool,
    pattern: Pattern,
    depth: Option<usize>,
    longest: usize,
}

impl<const N: usize> HaloPlan<N> {
    /// Starts to describe an exchange of fields of `grid`: all neighbours, full depth.
    pub fn builder(grid: &Grid<N>) -> HaloPlanBuilder<N> {
        HaloPlanBuilder {
            grid: grid.clone(),
            shapes: Vec::new(),
            foreign: false,
            pattern: Pattern::Box,
            depth: None,
            longest: LONGEST_MESSAGE,
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
        let topology = self.grid.topology();
        std::array::from_fn(|a| {
            [-1, 1].map(|step| {
                let mut direction = [0; N];
                direction[a] = step;
                topology.neighbor(direction).is_some_and(|rank| rank != topology.rank())
            })
        })
    }

    /// Whether it is for this pattern and depth.
    pub(crate) fn serves(&self, pattern: Pattern, depth: usize) -> bool {
        self.pattern == pattern && self.depth == depth
    }

    /// Bytes that this rank sends in one exchange.
    pub fn bytes_sent(&self) -> usize {
        self.outgoing.iter().map(|message| message.bytes.len()).sum()
    }

    /// Messages that this rank sends in one exchange.
    pub fn messages_sent(&self) -> usize {
        self.sends.len()
    }
}

impl<const N: usize> HaloPlanBuilder<N> {
    /// Adds a field; its element type, centring and number of components count, not its values.
    pub fn field(mut self, field: &impl HaloField<N>) -> Self {
        self.foreign |= !field.on_grid(&self.grid);
        self.shapes.push(field.halo_shape());
        self
    }

    /// Exchanges faces only, for star stencils, or all neighbours (the default).
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = pattern;
        self
    }

    /// Exchanges this many cells on every side instead of the whole halo width.
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Cuts messages into pieces of at most this many bytes (1 GiB unless told otherwise, the
    /// most that MPI implementations handle well).
    pub fn longest_message(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Plans the exchange.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same fields and settings.
    ///
    /// # Errors
    /// When there is no field, one of another grid, or the depth exceeds every halo width.
    pub fn build(self) -> Result<HaloPlan<N>> {
        let Self { grid, shapes, foreign, pattern, depth, longest } = self;
        let widest = grid.halo().iter().flatten().copied().max().unwrap_or(0);
        let depth = depth.unwrap_or(widest);
        grid.world().check_same("HaloPlanBuilder::build", &(&shapes, pattern, depth, longest))?;
        if shapes.is_empty() || foreign || depth > widest || longest == 0 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "no halo exchange of {} field(s) to depth {depth} can be planned: it needs at least one field, all of \
                     the grid of the plan{}, a depth of at most the halo width {widest}, and messages of at least 1 byte",
                    shapes.len(),
                    if foreign { " (one is of another grid)" } else { "" },
                ),
            ));
        }
        let first_tag = (grid.next_plan_number() % PLANS_WITH_OWN_TAGS) as i32 * TAGS_PER_PLAN + FIRST_TAG;
        let widths = grid.halo().map(|side| side.map(|width| width.min(depth)));
        let topology = grid.topology();
        let opposite = |direction: [isize; N]| direction.map(|d| -d);
        // Tags number the direction in which a message travels.
        let numbers: BTreeMap<[isize; N], i32> = directions().map(|(number, d)| (d, number)).collect();

        let mut outgoing = Messages::new(shapes.len());
        let mut incoming = Messages::new(shapes.len());
        let mut copies = vec![Vec::new(); shapes.len()];
        for (_, direction) in directions::<N>() {
            let axes = direction.iter().filter(|&&d| d != 0).count();
            if pattern == Pattern::Star && axes > 1 {
                continue;
            }
            let Some(rank) = topology.neighbor(direction) else { continue };
            let interiors =
                shapes.iter().map(|shape| Region::from_shape(grid.region_global(shape.centring).shape()));
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
                outgoing.add(rank, first_tag + numbers[&direction], &shapes, &boxes(sent))?;
                incoming.add(rank, first_tag + numbers[&opposite(direction)], &shapes, &boxes(received))?;
            }
        }
        let copies = copies.into_iter().map(BoxCopy::new).collect::<Result<_, _>>();
        let copies = copies.map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
        let (comm, pool) = (topology.comm(), grid.world().pool());
        let sends = Persistent::new(comm, pool, Way::Send, &outgoing.messages, outgoing.bytes, longest);
        let receives = Persistent::new(comm, pool, Way::Receive, &incoming.messages, incoming.bytes, longest);
        Ok(HaloPlan {
            sends,
            receives,
            outgoing: outgoing.messages,
            incoming: incoming.messages,
            packings: outgoing.segments,
            unpackings: incoming.segments,
            copies,
            shapes,
            pattern,
            depth,
            grid,
        })
    }
}

/// The cells that a block sends to its neighbour in `direction`: as many as that one's halo is wide on
/// its opposite side.
fn sent<const N: usize>(interior: Region<N>, direction: [isize; N], widths: [[usize; 2]; N]) -> Region<N> {
    (0..N).fold(interior, |cells, a| {
        let [low, high] = widths[a].map(|width| width as isize);
        match direction[a] {
            -1 => cells.with_axis(a, interior.start[a], interior.start[a] + high),
            1 => cells.with_axis(a, interior.end[a] - low, interior.end[a]),
            _ => cells,
        }
    })
}

/// The halo cells that a block receives from its neighbour in `direction`.
fn received<const N: usize>(
    interior: Region<N>,
    direction: [isize; N],
    widths: [[usize; 2]; N],
) -> Region<N> {
    (0..N).fold(interior, |cells, a| {
        let [low, high] = widths[a].map(|width| width as isize);
        match direction[a] {
            -1 => cells.with_axis(a, interior.start[a] - low, interior.start[a]),
            1 => cells.with_axis(a, interior.end[a], interior.end[a] + high),
            _ => cells,
        }
    })
}

/// The messages of one way while they are collected.
struct Messages<const N: usize> {
    messages: Vec<Message>,
    /// For each field, its segments.
    segments: Vec<Vec<Segment<N>>>,
    bytes: usize,
}

impl<const N: usize> Messages<N> {
    fn new(fields: usize) -> Self {
        Self { messages: Vec::new(), segments: (0..fields).map(|_| Vec::new()).collect(), bytes: 0 }
    }

    /// Adds a message with one box of cells of each field; none if all boxes are empty.
    fn add(&mut self, rank: usize, tag: i32, shapes: &[FieldShape], boxes: &[Region<N>]) -> Result<()> {
        let start = self.bytes;
        for ((shape, cells), segments) in shapes.iter().zip(boxes).zip(&mut self.segments) {
            if cells.is_empty() {
                continue;
            }
            let packing = Packing::new(vec![*cells]);
            let packing = packing.map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
            let begin = self.bytes.next_multiple_of(SEGMENT_ALIGN);
            let end = begin + packing.len() * shape.components * shape.kind.size();
            segments.push(Segment { packing, bytes: begin..end });
            self.bytes = end;
        }
        if self.bytes > start {
            self.bytes = self.bytes.next_multiple_of(SEGMENT_ALIGN);
            self.messages.push(Message { rank, tag, bytes: start..self.bytes });
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Display for HaloPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topology = self.grid.topology();
        writeln!(
            f,
            "halo plan of rank {} at {:?} in {:?}: {:?} pattern, depth {}, {} field(s)",
            topology.rank(),
            topology.coordinates(),
            topology.procs(),
            self.pattern,
            self.depth,
            self.shapes.len()
        )?;
        for shape in &self.shapes {
            writeln!(f, "  field of {} × {}, centred at {:?}", shape.components, shape.kind, shape.centring)?;
        }
        for (way, messages) in [("send to", &self.outgoing), ("receive from", &self.incoming)] {
            for message in messages {
                writeln!(
                    f,
                    "  {way} rank {}: {} bytes, tag {}",
                    message.rank,
                    message.bytes.len(),
                    message.tag
                )?;
            }
        }
        let copied: usize =
            self.copies.iter().zip(&self.shapes).map(|(c, s)| c.len() * s.components * s.kind.size()).sum();
        writeln!(f, "  copy within the rank: {copied} bytes")?;
        write!(
            f,
            "  {} persistent requests, packed by {} thread(s)",
            self.sends.len() + self.receives.len(),
            self.grid.world().threads()
        )
    }
}

impl<const N: usize> fmt::Debug for HaloPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
