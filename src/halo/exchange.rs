//! One exchange under way.

use super::fields::{Exchanged, HaloFields};
use super::plan::HaloPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::stopwatch::{Call, Kind, Part};

/// A halo exchange under way; made by [`HaloPlan::start`].
///
/// Holds the fields' borrow. Dropping it finishes the exchange, which is as collective as
/// [`finish`](Self::finish); leaking it is harmless (the halos
/// stay stale, and the next start waits for the leaked messages).
#[must_use = "the halos become valid when the exchange is finished"]
pub struct Exchange<'p, F: HaloFields<N>, const N: usize> {
    plan: &'p mut HaloPlan<N>,
    fields: F,
    finished: bool,
    /// As it was counted at the start, if it was.
    measured: Option<Call>,
}

impl<'p, F: HaloFields<N>, const N: usize> Exchange<'p, F, N> {
    pub(super) fn start(plan: &'p mut HaloPlan<N>, mut fields: F) -> Result<Self> {
        plan.check(&mut fields)?;
        let measure = plan.grid.world().measure().clone();
        let timing = measure.start(Kind::Exchange);
        // Messages of a leaked exchange come in before new ones go out.
        let waiting = measure.part(Part::Wait);
        plan.link.begin(plan.grid.topology().comm());
        drop(waiting);
        let packing = measure.part(Part::Pack);
        each(&mut fields, |_, field| field.begin_exchange());
        plan.pack(&mut fields);
        drop(packing);
        plan.link.post();
        plan.copy_within(&mut fields);
        let filled = plan.fill_beyond_walls(&mut fields, false);
        let measured = timing.pause_exchange(plan.bytes_sent(), plan.bytes_shared(), plan.messages_sent());
        let exchange = Self { plan, fields, finished: false, measured };
        filled.map(|()| exchange)
    }

    /// The fields, to read their interiors meanwhile. Reading a halo through them is an error, since
    /// it is stale until the exchange is finished.
    pub fn fields(&self) -> &F {
        &self.fields
    }

    /// Lets MPI progress, between pieces of one's own work; whether all messages have come.
    pub fn progress(&mut self) -> bool {
        self.plan.link.progress()
    }

    /// Lets `work` bring points forward that need no halo from other ranks, and let MPI progress now and then.
    ///
    /// What it changes is neither packed nor received any more; halo cells are not for it to write, except those
    /// beyond walls that mirror its points.
    pub(crate) fn overlapped<R>(&mut self, work: impl FnOnce(&mut F, &mut dyn FnMut()) -> R) -> R {
        let Self { plan, fields, .. } = self;
        work(fields, &mut || {
            plan.link.progress();
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

    /// As [`finish`](Self::finish); gives `work` the fields with their valid halos.
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
        plan.link.wait(plan.grid.topology().comm());
        drop(waiting);
        let unpacking = measure.part(Part::Unpack);
        plan.unpack(&mut self.fields);
        drop(unpacking);
        let mut filled = Ok(());
        if !plan.link.incoming.is_empty() {
            // Now edges and corners next to walls can be made from what came.
            filled = plan.fill_beyond_walls(&mut self.fields, true);
        }
        if filled.is_ok() {
            each(&mut self.fields, |_, field| field.set_halo_valid(plan.widths, plan.pattern));
        }
        let waiting = measure.part(Part::Wait);
        plan.link.wait_sent();
        drop(waiting);
        timing.end();
        filled
    }
}

impl<F: HaloFields<N>, const N: usize> Drop for Exchange<'_, F, N> {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            // An error here would be the same as at `finish`; the halo then stays what it is.
            let _ = self.complete();
        }
    }
}

impl<const N: usize> HaloPlan<N> {
    /// Packs all parcels, in one go.
    fn pack(&mut self, fields: &mut impl HaloFields<N>) {
        let mut outboxes = self.link.outboxes();
        let (segments, mut copies) = (&self.packed, self.copy_list.begin());
        each(fields, |number, field| field.pack(&segments[number], &mut outboxes, &mut copies));
        copies.run(self.grid.world().pool());
    }

    /// Copies between the ends of axes that this rank spans, in one go.
    fn copy_within(&mut self, fields: &mut impl HaloFields<N>) {
        let (boxes, mut copies) = (&self.copied, self.copy_list.begin());
        each(fields, |number, field| field.copy_within(&boxes[number], &mut copies));
        copies.run(self.grid.world().pool());
    }

    /// Unpacks the parcels in one go.
    fn unpack(&mut self, fields: &mut impl HaloFields<N>) {
        let inboxes = self.link.inboxes();
        let (incoming, mut copies) = (&self.unpacked, self.copy_list.begin());
        each(fields, |number, field| field.unpack(&incoming[number], &inboxes, &mut copies));
        copies.run(self.grid.world().pool());
        self.link.release();
    }

    fn fill_beyond_walls(&self, fields: &mut impl HaloFields<N>, received: bool) -> Result<()> {
        let mut filled = Ok(());
        each(fields, |_, field| {
            let walls = field.fill_beyond_walls(self.widths, self.pattern, received);
            filled = filled.clone().and(walls);
        });
        filled
    }

    /// # Errors
    /// When the fields are not those the plan was made for.
    fn check(&self, fields: &mut impl HaloFields<N>) -> Result<()> {
        let (mut shapes, mut foreign) = (Vec::with_capacity(self.shapes.len()), false);
        each(fields, |_, field| {
            shapes.push(field.halo_shape());
            foreign |= !field.on_grid(&self.grid);
        });
        if shapes == self.shapes && !foreign {
            return Ok(());
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "this halo plan is for fields {:?}, but got {shapes:?}{}; make a plan for these fields",
                self.shapes,
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
