//! Iterations of Krylov methods against memory bandwidth, the latency that pipelining hides, and
//! memory per unknown.
//!
//! `cargo xtask bench krylov [--json FILE] [-- [--quick] [CASE]]`; with messages by TCP:
//! `mpirun -n 2 --mca btl tcp,self target/release/deps/krylov-… latency`
//!
//! # Unit and limit
//!
//! Iterations a second, from solves of few and of more iterations, so that the work before the
//! first one is excluded. The limit is what memory allows: the fields that an iteration must read
//! and write, at the speed at which the same threads run a plain loop of two reads and one write
//! over as many points, measured in turn. Fields that fit in caches may exceed it.

mod common;
#[path = "krylov/memory.rs"]
mod memory;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "common/traffic.rs"]
mod traffic;

use std::cell::RefCell;
use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, Times, in_turn, median};
use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;
use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Identity, Jacobi, Krylov};
use traffic::Traffic;

/// Iterations of the two solves whose difference is measured.
const FEW: usize = 5;
const MORE: usize = 25;

/// A method on `−∇·(β∇)`: plain with β = 1, with Jacobi with a variable one.
struct Case {
    name: &'static str,
    method: fn() -> Krylov,
    jacobi: bool,
    /// How many fields an iteration reads and writes, at least.
    traffic: f64,
    /// Total number of fields.
    fields: usize,
}

const CASES: [Case; 7] = [
    Case { name: "cg", method: Krylov::cg, jacobi: false, traffic: 10.0, fields: 5 },
    // The operator reads its couplings too, one for each axis and the shift.
    Case { name: "cg, Jacobi, var.", method: Krylov::cg, jacobi: true, traffic: 16.0, fields: 10 },
    // Every third iteration applies the operator once more.
    Case {
        name: "pipelined cg",
        method: Krylov::pipelined_cg,
        jacobi: false,
        traffic: 13.0 + 2.0 / 3.0,
        fields: 7,
    },
    Case {
        name: "pipelined cg, Jacobi, var.",
        method: Krylov::pipelined_cg,
        jacobi: true,
        traffic: 20.0 + 9.0 / 3.0,
        fields: 13,
    },
    Case { name: "bicgstab", method: Krylov::bicgstab, jacobi: false, traffic: 22.0, fields: 7 },
    Case { name: "minres", method: Krylov::minres, jacobi: false, traffic: 19.0, fields: 11 },
    Case { name: "gmres(20)", method: || Krylov::gmres(20), jacobi: false, traffic: 50.0, fields: 24 },
];

/// A system to be solved again and again.
struct System<'c> {
    case: &'c Case,
    operator: Elliptic<3>,
    jacobi: Jacobi<3>,
    b: Field<f64, 3>,
    x: Field<f64, 3>,
}

impl<'c> System<'c> {
    fn new(world: &World, case: &'c Case, n: usize) -> parhelion::Result<Self> {
        let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
        let mut builder =
            Face::all::<3>().fold(Elliptic::builder(&grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
        if case.jacobi {
            builder = builder.coefficient_at(|[z, y, x]| 1.0 + 0.5 * (6.0 * z).sin() * (5.0 * y).cos() * x);
        }
        let operator = builder.build()?;
        let (mut b, x) = (grid.field("b"), grid.field("x"));
        b.fill_with(|[z, y, x]| 1.0 + (40.0 * z).sin() * (23.0 * y).cos() + (17.0 * x * y).sin());
        Ok(Self { jacobi: Jacobi::new(&operator)?, case, operator, b, x })
    }

    fn run(&mut self, iterations: usize) -> parhelion::Result<()> {
        let Self { case, operator, jacobi, b, x } = self;
        x.fill(0.0);
        let method = (case.method)().tolerance(0.0).max_iterations(iterations);
        let outcome = if case.jacobi {
            method.solve(operator, jacobi, b, x)?
        } else {
            method.solve(operator, &mut Identity, b, x)?
        };
        if outcome.iterations() == iterations { Ok(()) } else { Err(parhelion::Error::other(outcome)) }
    }
}

/// Solves a system again until something fails.
struct Runner<'s, 'c> {
    system: RefCell<&'s mut System<'c>>,
    failed: RefCell<parhelion::Result<()>>,
}

impl<'s, 'c> Runner<'s, 'c> {
    fn new(system: &'s mut System<'c>) -> Self {
        Self { system: RefCell::new(system), failed: RefCell::new(Ok(())) }
    }

    fn run(&self, iterations: usize) {
        let done = self.system.borrow_mut().run(iterations);
        let mut failed = self.failed.borrow_mut();
        if failed.is_ok() {
            *failed = done;
        }
    }
}

/// Seconds of an iteration in each round, from solves of few and of more.
fn seconds(times: &Times<3>) -> impl Iterator<Item = f64> {
    times.0.iter().map(|round| (round[1] - round[0]) / (MORE - FEW) as f64)
}

fn bandwidth(world: &World, options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    report.head("iterations a second; the limit is memory bandwidth, measured in turn");
    for n in if options.quick { [24, 32] } else { [64, 160] } {
        for case in CASES.iter().filter(|case| options.wants(case.name)) {
            let mut system = System::new(world, case, n)?;
            let points = system.b.region_local().len();
            let mut traffic = Traffic::new(world.pool(), points)?;
            let runner = Runner::new(&mut system);
            let times = in_turn(
                world,
                options,
                [&mut || runner.run(FEW), &mut || runner.run(MORE), &mut || traffic.accumulate(world.pool())],
            );
            runner.failed.into_inner()?;
            let limits = || times.0.iter().map(|round| round[2] / 3.0 * case.traffic);
            let limit = median(limits());
            report.row(&Row {
                case: format!("{}, {:.1} fields", case.name, case.traffic),
                size: format!("{n}x{n}x{n}"),
                value: 1.0 / median(seconds(&times)),
                unit: "1/s",
                limit: 1.0 / limit,
                against: "bandwidth",
                ratio: median(seconds(&times).zip(limits()).map(|(time, limit)| limit / time)),
            })?;
        }
    }
    Ok(())
}

fn latency(world: &World, options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    if !options.wants("latency") {
        return Ok(());
    }
    report
        .head("latency: pipelined iterations a second, whole solves, against ordinary ones: above 1 it pays");
    let [plain, _, pipelined, ..] = &CASES;
    for n in if options.quick { vec![8, 16] } else { vec![8, 16, 32, 64, 128] } {
        let mut systems = [System::new(world, plain, n)?, System::new(world, pipelined, n)?];
        let [plain, pipelined] = systems.each_mut().map(Runner::new);
        let times = in_turn(world, options, [&mut || plain.run(MORE), &mut || pipelined.run(MORE)]);
        plain.failed.into_inner()?;
        pipelined.failed.into_inner()?;
        report.row(&Row {
            case: "latency, pipelined cg".into(),
            size: format!("{n}x{n}x{n}"),
            value: MORE as f64 / times.of(1),
            unit: "1/s",
            limit: MORE as f64 / times.of(0),
            against: "cg",
            ratio: times.ratio(0, 1),
        })?;
    }
    // A sum over very few points is little more than a message.
    let grid = Grid::builder([world.size() * 2, 2, 2]).build(world)?;
    let u = grid.field::<f64>("u");
    let sum = in_turn(world, options, [&mut || assert!(u.sum() == 0.0)]);
    report.say(format_args!("a sum over the ranks that is waited for takes {:.1} us", 1e6 * sum.of(0)));
    Ok(())
}

fn storage(world: &World, options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    if !options.wants("memory") {
        return Ok(());
    }
    report.head("memory: bytes per unknown at the peak of a solve; the limit is 8 for each field");
    // Smaller systems fit into memory that the process already has.
    let n = 128;
    for case in &CASES {
        let mut failed = Ok(());
        let grown = memory::growth(|| {
            failed = System::new(world, case, n).and_then(|mut system| system.run(MORE));
        });
        failed?;
        let Some(bytes) = grown else {
            report.say("the system does not tell how much memory a process uses");
            return Ok(());
        };
        let (mine, mut all) = (bytes as u64, 0);
        world.communicator().all_reduce_into(&mine, &mut all, SystemOperation::sum());
        let bytes = all as f64 / (n * n * n) as f64;
        let limit = (8 * case.fields) as f64;
        report.row(&Row {
            case: format!("memory, {}, {} fields", case.name, case.fields),
            size: format!("{n}x{n}x{n}"),
            value: bytes,
            unit: "B",
            limit,
            against: "fields",
            ratio: limit / bytes,
        })?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report = Report::new("krylov", &options, (world.size(), world.threads()), world.rank() == 0)?;
    bandwidth(&world, &options, &mut report)?;
    latency(&world, &options, &mut report)?;
    storage(&world, &options, &mut report)
}
