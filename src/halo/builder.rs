//! Planning: which boxes of which fields go to which neighbor.

use std::collections::BTreeMap;

use parhelion_kernels::{BoxCopy, CopyList, Pattern, Region};

use super::fields::{HaloField, HaloFields};
use super::kept::KeptPlans;
use super::parcels::{FieldShape, Incoming, ParcelList, received, sent};
use super::plan::{HaloPlan, Routes};
use super::transport::{HaloTransport, LinkSettings, link};
use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Grid, directions};
use crate::messages::LONGEST_MESSAGE;

/// Tags of a plan: one for each direction.
const TAGS_PER_PLAN: i32 = 81;

/// Smaller tags belong to messages outside of plans.
const FIRST_TAG: i32 = 8;

/// Number of plans with different tags. Further plans share tags with older ones, which matters
/// only if both are in use at once. 81 · 404 + 8 stays below the 32767 tags that every MPI has.
const PLANS_WITH_OWN_TAGS: u32 = 404;

/// Builder of a [`HaloPlan`]; made by [`HaloPlan::builder`].
#[derive(Clone, Debug)]
pub struct HaloPlanBuilder<const N: usize> {
    grid: Grid<N>,
    shapes: Vec<FieldShape>,
    foreign: bool,
    pattern: Pattern,
    depth: Option<usize>,
    /// Cells on each side, instead of `depth`: possibly more than the grid's halo, where the fields
    /// have a deeper one, but not more than the thinnest block.
    widths: Option<[[usize; 2]; N]>,
    longest: usize,
    transport: Option<HaloTransport>,
    ranks_per_node: Option<usize>,
}

impl<const N: usize> HaloPlan<N> {
    /// Starts a plan for fields of `grid`. Default: all neighbors, full depth.
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

    /// Calls `work` with a plan for `fields`, whose halos in memory are at least as wide as
    /// `widths`. The grid keeps the plan for the next exchange of this kind, and drops the least
    /// recently used plan if it has too many.
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// As for [`HaloPlanBuilder::build`], and the errors of `work`.
    pub(crate) fn with_kept<F: HaloFields<N>>(
        grid: &Grid<N>,
        fields: &mut F,
        pattern: Pattern,
        widths: [[usize; 2]; N],
        work: impl FnOnce(&mut Self, &mut F) -> Result<()>,
    ) -> Result<()> {
        let mut shapes = Vec::new();
        fields.for_each(&mut |field| shapes.push(field.halo_shape()));
        let kept = KeptPlans::of(grid);
        let serves =
            |plan: &Routes<N>| plan.pattern == pattern && plan.widths == widths && plan.shapes == shapes;
        let mut plan = match kept.take(serves) {
            Some(routes) => Self { routes, grid: grid.clone() },
            None => HaloPlanBuilder { shapes, widths: Some(widths), ..Self::builder(grid).pattern(pattern) }
                .build()?,
        };
        let done = work(&mut plan, fields);
        kept.keep(plan.routes);
        done
    }
}

impl<const N: usize> HaloPlanBuilder<N> {
    /// Adds a field. The plan depends on its element type, centering and number of components only.
    pub fn field(mut self, field: &impl HaloField<N>) -> Self {
        self.foreign |= !field.on_grid(&self.grid);
        self.shapes.push(field.halo_shape());
        self
    }

    /// Exchanges faces only, for star stencils, or all neighbors. Default: all neighbors.
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = pattern;
        self
    }

    /// Number of cells to exchange on every side. Default: the whole halo width.
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Cuts messages into pieces of at most this many bytes. Default: 1 GiB, the largest size that
    /// MPI implementations handle well.
    pub fn longest_message(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Sets how cells get to neighbors on the same node. Overrides the environment variable
    /// `PARHELION_HALO`.
    pub fn transport(mut self, transport: HaloTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Pretends that every `ranks` consecutive ranks form a separate node, so that tests on one
    /// machine get plans with both messages and shared memory.
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
    /// When there is no field, a field is of another grid, or the depth exceeds every halo width.
    /// When `PARHELION_HALO` has no valid value. When `PARHELION_HALO` or
    /// [`transport`](Self::transport) requires shared memory that a rank does not get.
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
        let first_tag =
            (KeptPlans::of(&grid).next_number() % PLANS_WITH_OWN_TAGS) as i32 * TAGS_PER_PLAN + FIRST_TAG;
        let widths = widths.unwrap_or_else(|| grid.halo_to(depth));
        let thinnest = grid.thinnest_blocks();
        let next_alone = |a: usize| thinnest[a].is_none_or(|cells| widths[a][0].max(widths[a][1]) <= cells);
        assert!((0..N).all(next_alone), "halos of {widths:?} would come from farther than the next block");
        let topology = grid.topology();
        let opposite = |direction: [isize; N]| direction.map(|d| -d);
        // Tags number the direction in which a message travels.
        let numbers: BTreeMap<[isize; N], i32> = directions().map(|(number, d)| (d, number)).collect();

        let mut outgoing = ParcelList::new(shapes.len());
        let mut incoming = ParcelList::new(shapes.len());
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
        let unpacked = incoming.parts.into_iter().map(Incoming::new).collect::<Result<_>>()?;
        let (packed, parcels) = (outgoing.parts, [outgoing.parcels, incoming.parcels]);
        // No parcel has the tag of the direction to the block itself.
        let tag = first_tag + (3_i32.pow(N as u32) - 1) / 2;
        let settings = LinkSettings { transport, ranks_per_node, longest, tag };
        let (link, reason) = link(grid.world(), topology.comm(), &settings, parcels)?;
        let copy_list = CopyList::new();
        let routes = Routes { link, packed, unpacked, copied, copy_list, reason, shapes, pattern, widths };
        Ok(HaloPlan { routes, grid })
    }
}
