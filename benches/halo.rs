//! Halo exchange against memory copy and bare `MPI_Sendrecv`, measured in turn with it.
//!
//! `cargo xtask bench halo [--json FILE] [-- [--quick] [CASE]]`
//!
//! # Packing
//!
//! A face of each rank's block is packed into a buffer and unpacked into the halo on the other
//! side. There are two limits. `copy`: contiguous copies of the same bytes into a buffer and out of
//! it, on the same threads. `lines`, for faces across the fastest axis: memory moves whole cache
//! lines, of which such a face uses `width` elements each; this limit loads one element of every
//! line of the face, stores one to every line of the halo, and does the copies besides. It is a
//! yardstick rather than a bound: packing, which does both at once, may beat it.
//!
//! # Exchange
//!
//! A whole exchange, including packing, against `MPI_Sendrecv` of the same bytes with the
//! same neighbors, one direction after the other, and against the same with the unavoidable copies
//! (contiguous, at memory speed): into the message, out of it, and within the rank where an axis
//! ends at its own beginning. `axis a` has halos on that axis alone, with all ranks along it. Where
//! ranks share a node, both ways of the library are measured: messages, and shared memory.

#[path = "common/mod.rs"]
mod common;
#[path = "common/copying.rs"]
mod copying;
#[path = "common/ranks.rs"]
mod ranks;

use std::cell::RefCell;
use std::error::Error;
use std::hint::black_box;

use clap::Parser;
use common::{Options, Report, Row, in_turn};
use copying::{Copying, WORTH_THREADS};
use mpi::point_to_point::send_receive_into;
use mpi::traits::Communicator;
use parhelion::halo::{HaloPlan, HaloTransport};
use parhelion::kernels::{Array, Layout, Packing, Pool};
use parhelion::prelude::*;
use rayon::prelude::*;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

struct Bench {
    options: Options,
    report: Report,
    world: World,
}

/// Where the rows of a face that is thinner than a cache line begin in a buffer.
struct ThinRows(Vec<u32>);

impl ThinRows {
    fn new<const N: usize>(layout: &Layout<N>, cells: Region<N>) -> Outcome<Self> {
        let firsts = cells.with_axis(N - 1, cells.start[N - 1], cells.start[N - 1] + 1);
        let starts = firsts.indices().map(|first| u32::try_from(layout.position(first)));
        Ok(Self(starts.collect::<Result<_, _>>()?))
    }

    /// Loads, or stores to, one element of every row, and so touches its cache line.
    fn touch(&self, pool: &Pool, buffer: &mut [f64], store: bool, alone: bool) {
        let touch = |starts: &[u32], offset: usize, buffer: &mut [f64]| {
            if store {
                starts.iter().for_each(|&start| buffer[start as usize - offset] = 1.0);
            } else {
                let load = |bits, &start| bits ^ buffer[start as usize - offset].to_bits();
                black_box(starts.iter().fold(0, load));
            }
        };
        if alone {
            return touch(&self.0, 0, buffer);
        }
        // Rows ascend, so that each thread gets a part of the buffer.
        let (mut rest, mut offset, mut parts) = (buffer, 0, Vec::new());
        for starts in self.0.chunks(self.0.len().div_ceil(pool.threads())) {
            let end = starts[starts.len() - 1] as usize + 1;
            let (part, after) = rest.split_at_mut(end - offset);
            parts.push((starts, offset, part));
            (rest, offset) = (after, end);
        }
        pool.rayon().install(|| {
            parts.into_par_iter().for_each(|(starts, offset, part)| touch(starts, offset, part));
        });
    }
}

impl Bench {
    fn shape<const N: usize>(&self) -> [usize; N] {
        let cells: [usize; 4] =
            if self.options.quick { [1 << 16, 256, 64, 16] } else { [1 << 24, 4096, 256, 64] };
        [cells[N - 1]; N]
    }

    fn all_periodic<const N: usize>(&self, width: usize) -> parhelion::Result<Grid<N>> {
        Grid::builder(self.shape::<N>()).periodic([true; N]).halo(width).build(&self.world)
    }

    fn packing<const N: usize>(&mut self, width: usize) -> Outcome {
        let grid = self.all_periodic::<N>(width)?;
        let pool = self.world.pool();
        let layout = Layout::new(grid.region_global(Centering::Cell).shape(), grid.halo(), size_of::<f64>())?;
        let cells = layout.interior();
        let array = RefCell::new(Array::<f64, N>::zeros(pool, layout));
        for face in Face::all::<N>() {
            let side = if face.high { "high" } else { "low" };
            let case = format!("pack {N}-D axis {} {side}, width {width}", face.axis);
            if !self.options.wants(&case) {
                continue;
            }
            let (axis, width) = (face.axis, width as isize);
            let (start, end) = (cells.start[axis], cells.end[axis]);
            let low = (cells.with_axis(axis, start, start + width), cells.with_axis(axis, end, end + width));
            let high = (cells.with_axis(axis, end - width, end), cells.with_axis(axis, start - width, start));
            let (face_cells, halo_cells) = if face.high { high } else { low };
            let [pack, unpack] = [face_cells, halo_cells].map(|cells| Packing::new(vec![cells]));
            let (pack, unpack) = (pack?, unpack?);
            let mut buffer = vec![0.0; pack.len()];
            let copying = RefCell::new(Copying::new(pack.len()));
            let thin = axis + 1 == N && N > 1;
            let rows = [face_cells, halo_cells].map(|cells| ThinRows::new(&layout, cells));
            let [face_rows, halo_rows] = rows;
            let (face_rows, halo_rows) = (face_rows?, halo_rows?);
            let alone = pack.len() * size_of::<f64>() < WORTH_THREADS;
            let times = in_turn(
                &self.world,
                &self.options,
                [
                    &mut || {
                        let mut array = array.borrow_mut();
                        pack.pack(pool, array.view(), &mut buffer);
                        unpack.unpack(pool, &buffer, array.view_mut());
                    },
                    &mut || copying.borrow_mut().in_and_out(pool),
                    &mut || {
                        let mut array = array.borrow_mut();
                        copying.borrow_mut().in_and_out(pool);
                        if thin {
                            face_rows.touch(pool, array.buffer_mut(), false, alone);
                            halo_rows.touch(pool, array.buffer_mut(), true, alone);
                        }
                    },
                ],
            );
            // Rows that fill their lines are moved by copies alone.
            let limits: &[_] = if thin { &[(1, "copy"), (2, "lines")] } else { &[(1, "copy")] };
            // Read and written, by the packing and the unpacking.
            let gigabytes = |way| 4.0 * (pack.len() * size_of::<f64>()) as f64 * 1e-9 / times.of(way);
            for &(limit, against) in limits {
                self.report.row(&Row {
                    case: case.clone(),
                    size: kilobytes(pack.len() * size_of::<f64>()),
                    value: gigabytes(0),
                    unit: "GB/s",
                    limit: gigabytes(limit),
                    against,
                    ratio: times.ratio(limit, 0),
                })?;
            }
        }
        Ok(())
    }

    fn exchange<const N: usize>(&mut self, name: &str, grid: &Grid<N>, pattern: Pattern) -> Outcome {
        let width = grid.halo().map(|widths| widths[0]).into_iter().max().unwrap_or(0);
        let case = format!("exchange {N}-D {name}, width {width}");
        if !self.options.wants(&case) {
            return Ok(());
        }
        let field = RefCell::new(grid.field::<f64>("u"));
        let plan = |transport| {
            HaloPlan::builder(grid).field(&*field.borrow()).pattern(pattern).transport(transport).build()
        };
        let (mut shared, mut messages) = (plan(HaloTransport::Auto)?, plan(HaloTransport::Messages)?);
        let bare = RefCell::new(Bare::new(grid, pattern));
        let world = &self.world;
        let failures = RefCell::new(Vec::new());
        let exchange = |plan: &mut HaloPlan<N>| {
            failures.borrow_mut().extend(plan.exchange(&mut *field.borrow_mut()).err());
        };
        let times = in_turn(
            world,
            &self.options,
            [
                &mut || exchange(&mut shared),
                &mut || exchange(&mut messages),
                &mut || bare.borrow_mut().messages(world),
                &mut || {
                    bare.borrow_mut().messages(world);
                    bare.borrow_mut().copies(world.pool());
                },
            ],
        );
        failures.into_inner().pop().map_or(Ok(()), Err)?;
        let bare = bare.into_inner();
        let (sent, copied) = (bare.sent_bytes(), bare.copied_bytes());
        let mut limits = if sent == 0 {
            vec![(1, 3, "messages", "copies")]
        } else {
            vec![(1, 2, "messages", "Sendrecv"), (1, 3, "messages", "Sendrecv + copies")]
        };
        if shared.bytes_shared() > 0 {
            let more = [
                (0, 2, "shared", "Sendrecv"),
                (0, 3, "shared", "Sendrecv + copies"),
                (0, 1, "shared", "messages"),
            ];
            limits.extend(more);
        }
        for (way, limit, name, against) in limits {
            self.report.row(&Row {
                case: if sent == 0 { case.clone() } else { format!("{case}, {name}") },
                size: kilobytes(if sent == 0 { copied } else { sent }),
                value: times.of(way) * 1e6,
                unit: "us",
                limit: times.of(limit) * 1e6,
                against,
                ratio: times.ratio(way, limit),
            })?;
        }
        Ok(())
    }

    fn exchanges<const N: usize>(&mut self, width: usize) -> Outcome {
        if self.world.size() > 1 {
            for axis in 0..N {
                let only = |yes: usize, no| std::array::from_fn(|a| if a == axis { yes } else { no });
                let grid = Grid::builder(self.shape::<N>())
                    .periodic([true; N])
                    .procs(only(self.world.size(), 1))
                    .halo_widths(only(width, 0).map(|width| [width, width]))
                    .build(&self.world)?;
                self.exchange(&format!("axis {axis}"), &grid, Pattern::Star)?;
            }
        }
        let grid = self.all_periodic::<N>(width)?;
        self.exchange("star", &grid, Pattern::Star)?;
        self.exchange("box", &grid, Pattern::Box)
    }

    /// Four fields in one message for each neighbor, against one exchange after the other.
    fn several(&mut self) -> Outcome {
        let edge = if self.options.quick { [16, 32] } else { [32, 256] };
        let case = "4 fields of f64 at once, box";
        for edge in edge.into_iter().filter(|_| self.options.wants(case)) {
            let grid = Grid::builder([edge; 3]).periodic([true; 3]).build(&self.world)?;
            let fields = RefCell::new([(); 4].map(|()| grid.field::<f64>("u")));
            let mut builder = HaloPlan::builder(&grid);
            for field in fields.borrow().iter() {
                builder = builder.field(field);
            }
            let mut together = builder.build()?;
            let mut one = HaloPlan::builder(&grid).field(&fields.borrow()[0]).build()?;
            let failures = RefCell::new(Vec::new());
            let note = |done: parhelion::Result<()>| failures.borrow_mut().extend(done.err());
            let times = in_turn(
                &self.world,
                &self.options,
                [
                    &mut || {
                        let [a, b, c, d] = &mut *fields.borrow_mut();
                        note(together.exchange((a, b, c, d)));
                    },
                    &mut || fields.borrow_mut().iter_mut().for_each(|field| note(one.exchange(field))),
                ],
            );
            failures.into_inner().pop().map_or(Ok(()), Err)?;
            self.report.row(&Row {
                case: case.into(),
                size: format!("{edge}^3"),
                value: times.of(0) * 1e6,
                unit: "us",
                limit: times.of(1) * 1e6,
                against: "one by one",
                ratio: times.ratio(0, 1),
            })?;
        }
        Ok(())
    }
}

/// Moves the bytes of an exchange without the library.
struct Bare {
    /// For each message: the rank it goes to, the rank one comes from, what is sent, what is
    /// received.
    messages: Vec<(i32, i32, Vec<u8>, Vec<u8>)>,
    /// What is copied into and out of messages.
    packed: Copying,
    /// What is copied within the rank.
    local: Copying,
}

impl Bare {
    fn new<const N: usize>(grid: &Grid<N>, pattern: Pattern) -> Self {
        let (topology, shape) = (grid.topology(), grid.region_global(Centering::Cell).shape());
        let (mut messages, mut packed, mut local) = (Vec::new(), 0, 0);
        for direction in Region::new([-1; N], [2; N]).indices() {
            let axes = direction.iter().filter(|&&d| d != 0).count();
            if axes == 0 || axes > 1 && pattern == Pattern::Star {
                continue;
            }
            let extents = (0..N).map(|a| if direction[a] == 0 { shape[a] } else { grid.halo()[a][0] });
            let cells: usize = extents.product();
            let peers = [direction, direction.map(|d| -d)].map(|d| topology.neighbor(d));
            let [Some(to), Some(from)] = peers.map(|peer| peer.filter(|_| cells > 0)) else { continue };
            if to == topology.rank() {
                local += cells;
            } else {
                let bytes = vec![1; cells * size_of::<f64>()];
                messages.push((to as i32, from as i32, bytes.clone(), bytes));
                packed += cells;
            }
        }
        Self { messages, packed: Copying::new(packed), local: Copying::new(local) }
    }

    fn messages(&mut self, world: &World) {
        let comm = world.communicator();
        for (to, from, sent, received) in &mut self.messages {
            let (to, from) = (comm.process_at_rank(*to), comm.process_at_rank(*from));
            send_receive_into(&sent[..], &to, &mut received[..], &from);
        }
    }

    fn copies(&mut self, pool: &Pool) {
        self.packed.in_and_out(pool);
        self.local.directly(pool);
    }

    fn sent_bytes(&self) -> usize {
        self.messages.iter().map(|(_, _, sent, _)| sent.len()).sum()
    }

    fn copied_bytes(&self) -> usize {
        size_of_val(&self.local.to[..])
    }
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 * 1e-3)
}

fn main() -> Outcome {
    let options = Options::parse();
    let world = World::init()?;
    let report = Report::new("halo", &options, (world.size(), world.threads()), world.rank() == 0)?;
    let mut bench = Bench { options, report, world };
    let widths: &[usize] = if bench.options.quick { &[1] } else { &[1, 2, 4] };

    bench.report.head("packing and unpacking, bytes read and written: ratio 1 is the limit");
    for &width in widths {
        bench.packing::<1>(width)?;
        bench.packing::<2>(width)?;
        bench.packing::<3>(width)?;
        bench.packing::<4>(width)?;
    }
    bench.report.head("exchange of one f64 field, bytes that a rank sends (or copies, if it is alone): ratio 1 is the limit, more is slower");
    for &width in widths {
        bench.exchanges::<1>(width)?;
        bench.exchanges::<2>(width)?;
        bench.exchanges::<3>(width)?;
        bench.exchanges::<4>(width)?;
    }
    if !bench.options.quick {
        bench.exchanges::<3>(6)?; // a deep halo, exchanged once every few steps
    }
    bench.report.head("several fields: ratio below 1 is the gain");
    bench.several()
}
