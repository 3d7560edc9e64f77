//! The levels: which grids there are, on which ranks, with which operators.

use super::direct::Direct;
use super::rearrange::Rearrange;
use super::transfer::Transfer;
use crate::error::ErrorKind;
use crate::solvers::discrete::{Discrete, Terms};
use crate::solvers::elliptic::Elliptic;
use crate::solvers::faces::{Faces, Parts};
use crate::solvers::line::Line;
use crate::solvers::separable::Separable;
use crate::solvers::{LinearOperator, Real};
use crate::{Centring, Decomposition, Error, Field, Grid, Region, Result, World};

/// Systems of at most so many cells are solved directly.
const DIRECT: usize = 64;

/// An axis is coarsened while its cells are at most so many times as large as the smallest of all axes: coupling, and so
/// smoothing, is weak along the others.
const ALIKE: f64 = 1.5;

/// One level.
pub(super) struct Level<T: Real, const N: usize> {
    pub(super) operator: Discrete<T, N>,
    pub(super) u: Field<T, N>,
    /// The other array of sweeps that cannot work in place.
    pub(super) other: Field<T, N>,
    pub(super) f: Field<T, N>,
    /// The step of smoothers that remember it; made if needed.
    pub(super) step: Option<Field<T, N>>,
    pub(super) below: Below<T, N>,
}

/// What the next level is.
pub(super) enum Below<T, const N: usize> {
    /// A coarser grid on the same ranks.
    Coarser(Transfer<T, N>),
    /// The same cells on each rank alone: there, from here on, every rank does the same without messages.
    Alone { gather: Rearrange<N>, share: Rearrange<N> },
    /// None: this one is solved directly.
    Nothing(Direct),
}

/// How the levels are cut.
struct Shape<const N: usize> {
    /// Levels on all ranks that are coarsened once more on all ranks.
    coarsened: usize,
    procs: [usize; N],
    granule: [usize; N],
}

/// The lines of all levels, the finest first. An axis whose lines are solved is coarsened whatever the size of its cells.
fn all_lines<const N: usize>(finest: [Line; N], solved: Option<usize>) -> Vec<[Line; N]> {
    let mut all = vec![finest];
    loop {
        let lines = all[all.len() - 1];
        let cells: usize = lines.iter().map(Line::cells).product();
        if cells <= DIRECT {
            return all;
        }
        let size = |line: &Line| line.spacing * line.width as f64;
        let pointwise = (0..N).filter(|&a| Some(a) != solved && lines[a].coarsens());
        let smallest = pointwise.map(|a| size(&lines[a])).fold(f64::INFINITY, f64::min);
        let coarser = std::array::from_fn(|a| {
            let alike = Some(a) == solved || size(&lines[a]) <= ALIKE * smallest;
            if lines[a].coarsens() && alike { lines[a].coarsened() } else { lines[a] }
        });
        all.push(coarser);
    }
}

/// Coarsens on all ranks while there are more cells than `alone_below`, as far as blocks of whole granules allow.
///
/// # Errors
/// When there are fewer lines along the axis that is `whole` than ranks.
fn shape<const N: usize>(
    grid: &Grid<N>,
    all: &[[Line; N]],
    alone_below: usize,
    whole: Option<usize>,
) -> Result<Shape<N>> {
    let cells = |lines: &[Line; N]| lines.iter().map(Line::cells).product::<usize>();
    let user = grid.decomposition();
    let shape = all[0].map(|line| line.cells());
    let most = if grid.world().size() == 1 {
        all.len() - 1
    } else {
        all.iter().take_while(|lines| cells(lines) > alone_below).count().min(all.len() - 1)
    };
    for coarsened in (1..=most).rev() {
        let granule = std::array::from_fn(|a| all[coarsened][a].width);
        // The blocks of the user's own grid, if they happen to begin at multiples.
        let fits = whole.is_none_or(|axis| user.procs()[axis] == 1)
            && shape == user.shape()
            && (0..N).all(|a| {
                let mut corner = [0; N];
                (0..user.procs()[a]).all(|c| {
                    corner[a] = c;
                    (user.block(corner).start[a] as usize).is_multiple_of(granule[a])
                })
            });
        let same = Decomposition::new(shape, user.procs()).and_then(|cut| cut.with_granule(granule));
        if fits && same.is_ok_and(|same| same_blocks(&same, user)) {
            return Ok(Shape { coarsened, procs: user.procs(), granule });
        }
        let granules =
            std::array::from_fn(|a| if Some(a) == whole { 1 } else { shape[a].div_ceil(granule[a]) });
        let periodic = grid.topology().periodic();
        if let Ok(cut) = Decomposition::for_ranks(granules, user.ranks(), [[1; 2]; N], periodic) {
            return Ok(Shape { coarsened, procs: cut.procs(), granule });
        }
    }
    let lines = std::array::from_fn(|a| if Some(a) == whole { 1 } else { shape[a] });
    let cut = Decomposition::for_ranks(lines, user.ranks(), [[1; 2]; N], grid.topology().periodic());
    let procs = match (cut, whole) {
        (Ok(cut), _) if whole.is_some() || shape != user.shape() => cut.procs(),
        (Err(error), Some(axis)) => {
            let why = format!(
                "multigrid cannot give each of {} ranks whole lines along axis {axis} of {shape:?} points: {error}; use fewer \
                 ranks, or a smoother that solves no lines",
                user.ranks()
            );
            return Err(Error::on_all_ranks(ErrorKind::Geometry, why));
        }
        _ => user.procs(),
    };
    Ok(Shape { coarsened: 0, procs, granule: [1; N] })
}

/// Whether both are cut in the same places.
pub(super) fn same_blocks<const N: usize>(a: &Decomposition<N>, b: &Decomposition<N>) -> bool {
    a.procs() == b.procs()
        && (0..N).all(|axis| {
            let mut corner = [0; N];
            (0..a.procs()[axis]).all(|c| {
                corner[axis] = c;
                a.block(corner) == b.block(corner)
            })
        })
}

/// The grid of these axes.
fn grid_of<const N: usize>(
    finest: &Grid<N>,
    world: &World,
    lines: &[Line; N],
    cut: Option<([usize; N], [usize; N])>,
) -> Result<Grid<N>> {
    let builder = Grid::builder(lines.map(|line| line.cells()))
        .spacing(lines.map(|line| line.spacing * line.width as f64))
        .origin(finest.origin())
        .periodic(finest.topology().periodic())
        .halo(1);
    match cut {
        Some((procs, granule)) => builder.procs(procs).granule(granule).build(world),
        None => builder.build(world),
    }
}

impl<T: Real, const N: usize> Level<T, N> {
    fn new(terms: Terms<T, N>, grid: &Grid<N>, below: Below<T, N>) -> Self {
        Self {
            operator: Discrete { grid: grid.clone(), terms },
            u: grid.field("correction"),
            other: grid.field("correction"),
            f: grid.field("right-hand side"),
            step: None,
            below,
        }
    }
}

/// Couplings of an operator with constant coefficients on a coarser grid.
fn separable<T: Real, const N: usize>(
    grid: &Grid<N>,
    lines: &[Line; N],
    [beta, alpha]: [f64; 2],
) -> Terms<T, N> {
    let block = grid.region_global(Centring::Cell);
    let local = Region::from_shape(block.shape()).grown(grid.halo());
    Terms::Separable(Separable::new(lines, beta, alpha, block.start, local))
}

/// Terms of an operator, and what is needed to coarsen them if they vary.
struct Described<T: Real, const N: usize> {
    terms: Terms<T, N>,
    parts: Option<Parts<T, N>>,
}

/// The same couplings in another precision and on a grid cut differently.
fn rearranged<S: Real, T: Real, const N: usize>(
    faces: &Faces<S, N>,
    parts: &Parts<S, N>,
    grid: &Grid<N>,
    way: &Rearrange<N>,
) -> Result<Described<T, N>> {
    let moved_field = |from: &Field<S, N>| {
        let mut to = grid.field(from.name());
        way.run(from, &mut to, 1.0);
        to
    };
    let mut moved = Faces::new(grid)?;
    for (from, to) in faces.below.iter().zip(&mut moved.below) {
        way.run(from, to, 1.0);
    }
    let walls = parts.walls.each_ref().map(|wall| wall.as_ref().map(moved_field));
    let parts = Parts { alpha: moved_field(&parts.alpha), walls };
    parts.add_up(&mut moved)?;
    Ok(Described { terms: Terms::Faces(Box::new(moved)), parts: Some(parts) })
}

/// All levels for an operator, the finest first, and the ways to the first and back. No line along the axis `solved` is cut.
///
/// # Collective
/// Over all ranks of the operator's grid.
pub(super) fn build<T: Real, const N: usize>(
    elliptic: &Elliptic<N>,
    alone_below: usize,
    solved: Option<usize>,
) -> Result<(Vec<Level<T, N>>, [Rearrange<N>; 2])> {
    let user = &elliptic.discrete.grid;
    let world = user.world();
    let in_order = user.topology().rank() == world.rank();
    world.agree(if in_order {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::Geometry,
            "multigrid needs a grid whose ranks are those of the world; build the grid without reorder(true)",
        ))
    })?;
    let all = all_lines(elliptic.lines, solved);
    let Shape { coarsened, procs, granule } = shape(user, &all, alone_below, solved)?;
    let mut levels = Vec::new();
    let mut grid = grid_of(user, world, &all[0], Some((procs, granule)))?;
    let ways = Rearrange::of_unknowns(user, elliptic.frame, &grid);
    let again = |grid: &Grid<N>, lines: &[Line; N]| Described {
        terms: separable(grid, lines, elliptic.constants.unwrap_or([1.0, 0.0])),
        parts: None,
    };
    let mut described = match &elliptic.discrete.terms {
        Terms::Faces(faces) => rearranged(faces, &elliptic.parts(faces)?, &grid, &ways[0])?,
        Terms::Separable(_) | Terms::Nodal(_) => again(&grid, &all[0]),
    };
    let mut alone = world.size() == 1;
    let mut number = 0;
    loop {
        let lines = all[number];
        let Described { terms, parts } = described;
        if !alone && number == coarsened {
            let single = grid_of(user, &world.alone(), &lines, None)?;
            let (gather, share) = (Rearrange::new(&grid, &single), Rearrange::sharing(&grid));
            described = match (&terms, &parts) {
                (Terms::Faces(faces), Some(parts)) => rearranged(faces, parts, &single, &gather)?,
                _ => again(&single, &lines),
            };
            levels.push(Level::new(terms, &grid, Below::Alone { gather, share }));
            (grid, alone) = (single, true);
            continue;
        }
        if number + 1 == all.len() {
            let operator = Discrete { grid: grid.clone(), terms };
            let direct = Direct::new(&operator, elliptic.is_singular())?;
            levels.push(Level::new(operator.terms, &grid, Below::Nothing(direct)));
            return Ok((levels, ways));
        }
        let coarser = all[number + 1];
        let cut = (!alone).then(|| (procs, std::array::from_fn(|a| (granule[a] / coarser[a].width).max(1))));
        let next_grid = grid_of(user, grid.world(), &coarser, cut)?;
        let averages = Transfer::<T, N>::averages(&terms);
        let coarse_block = next_grid.region_global(Centring::Cell);
        let transfer = Transfer::new(&grid, &lines, &coarser, averages, coarse_block);
        described = match (&terms, &parts) {
            (Terms::Faces(faces), Some(parts)) => {
                let (faces, parts) = transfer.coarsen(faces, parts, &next_grid)?;
                Described { terms: Terms::Faces(Box::new(faces)), parts: Some(parts) }
            }
            _ => again(&next_grid, &coarser),
        };
        levels.push(Level::new(terms, &grid, Below::Coarser(transfer)));
        grid = next_grid;
        number += 1;
    }
}
