//! One exchange under way.

use super::fields::{Exchanged, HaloFields};
use super::plan::HaloPlan;
use crate::error::ErrorKind;
use crate::measure::{Call, Kind, Part};
use crate::{Error, Result};

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
        plan.receives.wait();
        plan.sends.wait();
        plan.receives.start();
        let packing = measure.part(Part::Pack);
        let (buffer, packings) = (plan.sends.buffer_mut(), &plan.packings);
        each(&mut fields, |number, field| {
            field.begin_exchange();
            for segment in &packings[number] {
                field.pack(&segment.packing, &mut buffer[segment.bytes.clone()]);
            }
        });
        drop(packing);
        plan.sends.start();
        let mut filled = Ok(());
        each(&mut fields, |number, field| {
            field.copy_within(&plan.copies[number]);
            let walls = field.fill_beyond_walls(plan.depth, plan.pattern);
            filled = filled.clone().and(walls);
        });
        let measured = timing.pause_exchange(plan.bytes_sent(), plan.messages_sent());
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
        // Both are asked, whatever the first says.
        let (sent, received) = (self.plan.sends.test(), self.plan.receives.test());
        sent && received
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

    fn complete(&mut self) -> Result<()> {
        self.finished = true;
        let plan = &mut *self.plan;
        let measure = plan.grid.world().measure().clone();
        let timing = measure.resume(self.measured);
        let waiting = measure.part(Part::Wait);
        plan.receives.wait();
        drop(waiting);
        let (buffer, unpackings) = (plan.receives.buffer(), &plan.unpackings);
        let remote = !plan.incoming.is_empty();
        let mut filled = Ok(());
        each(&mut self.fields, |number, field| {
            let unpacking = measure.part(Part::Unpack);
            for segment in &unpackings[number] {
                field.unpack(&segment.packing, &buffer[segment.bytes.clone()]);
            }
            drop(unpacking);
            if remote {
                // Now the rows that touch a wall are complete up to the corners.
                let walls = field.fill_beyond_walls(plan.depth, plan.pattern);
                filled = filled.clone().and(walls);
            }
            if filled.is_ok() {
                field.set_halo_valid(plan.depth, plan.pattern);
            }
        });
        let waiting = measure.part(Part::Wait);
        plan.sends.wait();
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
fn each<const N: usize>(
    fields: &mut impl HaloFields<N>,
    mut visit: impl FnMut(usize, &mut dyn Exchanged<N>),
) {
    let mut number = 0;
    fields.for_each(&mut |field| {
        visit(number, field);
        number += 1;
    });
}
