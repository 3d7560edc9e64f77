//! An exchange in progress.

use super::fields::{Exchanged, HaloFields};
use super::plan::HaloPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::stopwatch::{Call, Kind, Part};

/// A halo exchange in progress; made by [`HaloPlan::start`].
///
/// Holds the borrow of the fields. Dropping it finishes the exchange, which is as collective as
/// [`finish`](Self::finish). Leaking it is harmless: the halos stay stale, and the next start waits
/// for the leaked messages.
#[must_use = "the halos become valid when the exchange is finished"]
pub struct Exchange<'p, F: HaloFields<N>, const N: usize> {
    plan: &'p mut HaloPlan<N>,
    fields: F,
    finished: bool,
    /// The measurement begun at the start, if measuring is on.
    measured: Option<Call>,
}

impl<'p, F: HaloFields<N>, const N: usize> Exchange<'p, F, N> {
    pub(super) fn start(plan: &'p mut HaloPlan<N>, mut fields: F) -> Result<Self> {
        plan.check(&mut fields)?;
        let measure = plan.grid.world().measure().clone();
        let timing = measure.start(Kind::Exchange);
        // Messages of a leaked exchange must arrive before new ones are sent.
        let waiting = measure.part(Part::Wait);
        plan.routes.link.begin(plan.grid.topology().comm());
        drop(waiting);
        let packing = measure.part(Part::Pack);
        each(&mut fields, |_, field| field.begin_exchange());
        plan.pack(&mut fields);
        drop(packing);
        plan.routes.link.post();
        plan.copy_within(&mut fields);
        let filled = plan.fill_beyond_walls(&mut fields, false);
        let measured = timing.pause_exchange(plan.bytes_sent(), plan.bytes_shared(), plan.messages_sent());
        let exchange = Self { plan, fields, finished: false, measured };
        filled.map(|()| exchange)
    }

    /// The fields, to read their interiors during the exchange. Reading a halo through them is an
    /// error, because it is stale until the exchange is finished.
    pub fn fields(&self) -> &F {
        &self.fields
    }

    /// Lets MPI progress, and returns whether all messages have arrived. Call it between pieces of
    /// other work.
    pub fn progress(&mut self) -> bool {
        self.plan.routes.link.progress()
    }

    /// Runs `work` on points that need no halo from other ranks. `work` calls its second argument
    /// now and then to let MPI progress.
    ///
    /// `work` may change owned points, because they are packed already. Of the halo it may write
    /// only the cells beyond walls that mirror its points.
    pub(crate) fn overlapped<R>(&mut self, work: impl FnOnce(&mut F, &mut dyn FnMut()) -> R) -> R {
        let Self { plan, fields, .. } = self;
        work(fields, &mut || {
            plan.routes.link.progress();
        })
    }

    /// Waits for the messages and makes the halos valid.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When a boundary condition cannot be met.
    pub fn finish(mut self) -> Result<()> {
        self.complete()
    }

    /// Like [`finish`](Self::finish), then runs `work` on the fields with valid halos.
    pub(crate) fn finish_with<R>(mut self, work: impl FnOnce(&mut F) -> Result<R>) -> Result<R> {
        self.complete()?;
        work(&mut self.fields)
    }

    fn complete(&mut self) -> Result<()> {
        self.finished = true;
        let plan = &mut *self.plan;
        let measure = plan.grid.world().measure().clone();
        let timing = measure.resume(self.measured);
        let waiting = measure.part(Part::Wait);
        plan.routes.link.wait(plan.grid.topology().comm());
        drop(waiting);
        let unpacking = measure.part(Part::Unpack);
        plan.unpack(&mut self.fields);
        drop(unpacking);
        let mut filled = Ok(());
        if !plan.routes.link.incoming.is_empty() {
            // Edges and corners next to walls are computed from the received cells.
            filled = plan.fill_beyond_walls(&mut self.fields, true);
        }
        if filled.is_ok() {
            each(&mut self.fields, |_, field| field.set_halo_valid(plan.routes.widths, plan.routes.pattern));
        }
        let waiting = measure.part(Part::Wait);
        plan.routes.link.wait_sent();
        drop(waiting);
        timing.end();
        filled
    }
}

impl<F: HaloFields<N>, const N: usize> Drop for Exchange<'_, F, N> {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            // `finish` would return the same error. The halo then stays stale.
            let _ = self.complete();
        }
    }
}

impl<const N: usize> HaloPlan<N> {
    /// Starts to exchange the halos of `fields`: sends messages, and fills the parts that need
    /// none.
    ///
    /// `fields` is `&mut field` or a tuple of those, in the order in which they were added to the
    /// plan. The [`Exchange`] borrows the fields until it is finished. Dropping it finishes it.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields differ from those the plan was made for.
    pub fn start<F: HaloFields<N>>(&mut self, fields: F) -> Result<Exchange<'_, F, N>> {
        Exchange::start(self, fields)
    }

    /// Fills the halos of `fields`: [`start`](Self::start) and [`finish`](Exchange::finish).
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields differ from those the plan was made for.
    pub fn exchange<F: HaloFields<N>>(&mut self, fields: F) -> Result<()> {
        self.start(fields)?.finish()
    }

    /// Packs all parcels in one pass.
    fn pack(&mut self, fields: &mut impl HaloFields<N>) {
        let mut outboxes = self.routes.link.outboxes();
        let (parts, mut copies) = (&self.routes.packed, self.routes.copy_list.begin());
        each(fields, |number, field| field.pack(&parts[number], &mut outboxes, &mut copies));
        copies.run(self.grid.world().pool());
    }

    /// Copies between the ends of axes that this rank spans, in one pass.
    fn copy_within(&mut self, fields: &mut impl HaloFields<N>) {
        let (boxes, mut copies) = (&self.routes.copied, self.routes.copy_list.begin());
        each(fields, |number, field| field.copy_within(&boxes[number], &mut copies));
        copies.run(self.grid.world().pool());
    }

    /// Unpacks all parcels in one pass.
    fn unpack(&mut self, fields: &mut impl HaloFields<N>) {
        let inboxes = self.routes.link.inboxes();
        let (incoming, mut copies) = (&self.routes.unpacked, self.routes.copy_list.begin());
        each(fields, |number, field| field.unpack(&incoming[number], &inboxes, &mut copies));
        copies.run(self.grid.world().pool());
        self.routes.link.release();
    }

    fn fill_beyond_walls(&self, fields: &mut impl HaloFields<N>, received: bool) -> Result<()> {
        let mut filled = Ok(());
        each(fields, |_, field| {
            let walls = field.fill_beyond_walls(self.routes.widths, self.routes.pattern, received);
            filled = filled.clone().and(walls);
        });
        filled
    }

    /// # Errors
    /// When the fields differ from those the plan was made for.
    fn check(&self, fields: &mut impl HaloFields<N>) -> Result<()> {
        let (mut shapes, mut foreign) = (Vec::with_capacity(self.routes.shapes.len()), false);
        each(fields, |_, field| {
            shapes.push(field.halo_shape());
            foreign |= !field.on_grid(&self.grid);
        });
        if shapes == self.routes.shapes && !foreign {
            return Ok(());
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "this halo plan is for fields {:?}, but got {shapes:?}{}; make a plan for these fields",
                self.routes.shapes,
                if foreign { ", some of another grid" } else { "" }
            ),
        ))
    }
}

/// Calls `visit` with the number of every field and the field.
fn each<'a, const N: usize>(
    fields: &'a mut impl HaloFields<N>,
    mut visit: impl FnMut(usize, &'a mut dyn Exchanged<N>),
) {
    let mut number = 0;
    fields.for_each(&mut |field| {
        visit(number, field);
        number += 1;
    });
}
