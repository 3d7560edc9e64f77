//! The levels: which grids there are, on which ranks, with which operators.

use super::direct::Direct;
use super::fused;
use super::stages::{Stage, stages};
use super::transfer::Transfer;
use super::transfer::redistribution::{Redistribution, Side};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Decomposition, Grid};
use crate::solvers::elliptic::Elliptic;
use crate::solvers::elliptic::axis::Axis;
use crate::solvers::elliptic::matrix::faces::{DiagonalParts, Faces};
use crate::solvers::elliptic::matrix::separable::Separable;
use crate::solvers::elliptic::matrix::{Discrete, Terms};
use crate::solvers::linear::{LinearOperator, Real};
use crate::world::World;
use parhelion_kernels::Region;

/// Largest number of cells of a system that is solved directly.
const DIRECT: usize = 64;

/// An axis is coarsened while its cells are at most this many times as large as the smallest of all
/// axes. Coupling, and so smoothing, is weak along longer cells.
const ALIKE: f64 = 1.5;

/// One level.
pub(super) struct Level<T: Real, const N: usize> {
    pub(super) operator: Discrete<T, N>,
    pub(super) u: Field<T, N>,
    /// The other array of sweeps that cannot work in place; made if needed.
    pub(super) other: Option<Field<T, N>>,
    pub(super) f: Field<T, N>,
    /// The step of smoothers that remember it; made if needed.
    pub(super) step: Option<Field<T, N>>,
    /// Whether it is the coarsest grid, wherever that is solved.
    pub(super) coarsest: bool,
    pub(super) next: NextLevel<T, N>,
}

/// The step from a level to the next.
pub(super) enum NextLevel<T, const N: usize> {
    /// A coarser grid on the same ranks.
    Coarser(Transfer<T, N>),
    /// The same cells on fewer ranks, which continue; the others have no further levels and wait
    /// for the result.
    OnFewerRanks { gather: Redistribution<N>, scatter: Redistribution<N> },
    /// Nothing: the level is the coarsest and solved directly.
    Coarsest(Direct),
}

/// The axes of all levels, the finest first. The axis along which lines are solved is coarsened
/// whatever the size of its cells.
fn all_axes<const N: usize>(finest: [Axis; N], solved: Option<usize>) -> Vec<[Axis; N]> {
    let mut all = vec![finest];
    loop {
        let axes = &all[all.len() - 1];
        let cells: usize = axes.iter().map(Axis::cells).product();
        if cells <= DIRECT {
            return all;
        }
        let size = |axis: &Axis| axis.spacing * axis.width as f64;
        let pointwise = (0..N).filter(|&a| Some(a) != solved && axes[a].coarsens());
        let smallest = pointwise.map(|a| size(&axes[a])).fold(f64::INFINITY, f64::min);
        let coarser = std::array::from_fn(|a| {
            let alike = Some(a) == solved || size(&axes[a]) <= ALIKE * smallest;
            if axes[a].coarsens() && alike { axes[a].coarsened() } else { axes[a].clone() }
        });
        all.push(coarser);
    }
}

/// The grid of a level, cut as its stage says.
fn grid_of<const N: usize>(
    finest: &Grid<N>,
    world: &World,
    all: &[[Axis; N]],
    stage: &Stage<N>,
    number: usize,
) -> Result<Grid<N>> {
    let axes = &all[number];
    let coarsened = |a: usize| axes[a].width / all[stage.first][a].width;
    let large = axes.iter().map(Axis::cells).product::<usize>() >= fused::WORTH_FUSING;
    let granule = std::array::from_fn(|a| (stage.granule[a] / coarsened(a)).max(1));
    let cut = Decomposition::new(axes.each_ref().map(Axis::cells), stage.procs)?.with_granule(granule)?;
    let wide = (0..N).all(|axis| {
        let mut corner = [0; N];
        (0..cut.procs()[axis]).all(|c| {
            corner[axis] = c;
            cut.block(corner).shape()[axis] >= fused::DEPTH
        })
    });
    Grid::builder(axes.each_ref().map(Axis::cells))
        .spacing(axes.each_ref().map(|axis| axis.spacing * axis.width as f64))
        .origin(finest.origin())
        .periodic(finest.topology().periodic())
        .halo(if large && wide { fused::DEPTH } else { 1 })
        .procs(stage.procs)
        .granule(granule)
        .build(world)
}

impl<T: Real, const N: usize> Level<T, N> {
    fn new(terms: Terms<T, N>, grid: &Grid<N>, coarsest: bool, next: NextLevel<T, N>) -> Self {
        Self {
            operator: Discrete { grid: grid.clone(), terms },
            u: grid.field("correction"),
            other: None,
            f: grid.field("right-hand side"),
            step: None,
            coarsest,
            next,
        }
    }
}

/// Couplings of an operator with constant coefficients on a coarser grid.
fn separable<T: Real, const N: usize>(
    grid: &Grid<N>,
    axes: &[Axis; N],
    [beta, alpha]: [f64; 2],
) -> Terms<T, N> {
    let block = grid.region_global(Centering::Cell);
    let local = Region::from_shape(block.shape()).grown(grid.halo());
    Terms::Separable(Separable::new(axes, beta, alpha, block.start, local))
}

/// Terms of an operator, and what is needed to coarsen them if they vary.
struct LevelTerms<T: Real, const N: usize> {
    terms: Terms<T, N>,
    parts: Option<DiagonalParts<T, N>>,
}

/// Copies couplings to another precision and to a grid cut differently, if this rank has a part
/// of that.
fn rearranged<S: Real, T: Real, const N: usize>(
    faces: &Faces<S, N>,
    parts: &DiagonalParts<S, N>,
    grid: Option<&Grid<N>>,
    redistribution: &Redistribution<N>,
) -> Result<Option<LevelTerms<T, N>>> {
    let moved_field = |from: &Field<S, N>| {
        let mut to = grid.map(|grid| grid.field(from.name()));
        redistribution.run(Some(from), to.as_mut(), 1.0);
        to
    };
    let mut moved = grid.map(Faces::new).transpose()?;
    for (a, from) in faces.below.iter().enumerate() {
        redistribution.run(Some(from), moved.as_mut().map(|faces| &mut faces.below[a]), 1.0);
    }
    let walls = parts.walls.each_ref().map(|wall| wall.as_ref().map(moved_field));
    let (Some(mut moved), Some(alpha)) = (moved, moved_field(&parts.alpha)) else { return Ok(None) };
    let parts = DiagonalParts { alpha, walls: walls.map(Option::flatten) };
    parts.add_up(&mut moved)?;
    Ok(Some(LevelTerms { terms: Terms::Faces(Box::new(moved)), parts: Some(parts) }))
}

/// The levels that this rank has a part of, the finest first, and the redistributions to the first
/// and back. No line along the axis `solved` is cut.
///
/// # Collective
/// Over all ranks of the operator's grid.
pub(super) fn build<T: Real, const N: usize>(
    elliptic: &Elliptic<N>,
    cells_per_rank: usize,
    solved: Option<usize>,
) -> Result<(Vec<Level<T, N>>, [Redistribution<N>; 2])> {
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
    let all = all_axes(elliptic.axes.clone(), solved);
    let plan = stages(user.decomposition(), user.topology().periodic(), &all, (cells_per_rank, solved))?;
    let constants = elliptic.constants.unwrap_or([1.0, 0.0]);
    let rediscretized = |grid: &Grid<N>, axes: &[Axis; N]| LevelTerms {
        terms: separable(grid, axes, constants),
        parts: None,
    };
    let mut grid = grid_of(user, world, &all, &plan[0], 0)?;
    let redistributions = Redistribution::of_unknowns(user, elliptic.frame, &grid);
    let mut described = match &elliptic.discrete.terms {
        Terms::Faces(faces) => rearranged(faces, &elliptic.parts(faces)?, Some(&grid), &redistributions[0])?,
        Terms::Separable(_) | Terms::Nodal(_) => Some(rediscretized(&grid, &all[0])),
    };
    let mut levels = Vec::new();
    for (stage, next) in plan.iter().zip(plan.iter().skip(1).map(Some).chain([None])) {
        for number in stage.first..=stage.last {
            let Some(LevelTerms { terms, parts }) = described else { return Ok((levels, redistributions)) };
            let axes = &all[number];
            let coarsest = number + 1 == all.len();
            let (next, next_grid) = if number < stage.last {
                let coarser = grid_of(user, grid.world(), &all, stage, number + 1)?;
                let averages = Transfer::<T, N>::averages(&terms);
                let coarse_block = coarser.region_global(Centering::Cell);
                let transfer = Transfer::new(&grid, axes, &all[number + 1], averages, coarse_block);
                described = Some(match (&terms, &parts) {
                    (Terms::Faces(faces), Some(parts)) => {
                        let (faces, parts) = transfer.coarsen(faces, parts, &coarser)?;
                        LevelTerms { terms: Terms::Faces(Box::new(faces)), parts: Some(parts) }
                    }
                    _ => rediscretized(&coarser, &all[number + 1]),
                });
                (NextLevel::Coarser(transfer), Some(coarser))
            } else if let Some(next) = next {
                let fewer = match grid.world().fewer(next.ranks()) {
                    Some(world) => Some(grid_of(user, &world, &all, next, number)?),
                    None => None,
                };
                let few = Side::Cut(next.decomposition(axes)?, grid.world().size());
                let all_ranks = Side::Cut(*grid.decomposition(), grid.world().size());
                let gather = Redistribution::between(&grid, &all_ranks, &few);
                let scatter = Redistribution::between(&grid, &few, &all_ranks);
                described = match (&terms, &parts) {
                    (Terms::Faces(faces), Some(parts)) => rearranged(faces, parts, fewer.as_ref(), &gather)?,
                    _ => fewer.as_ref().map(|grid| rediscretized(grid, axes)),
                };
                (NextLevel::OnFewerRanks { gather, scatter }, fewer)
            } else {
                let operator = Discrete { grid: grid.clone(), terms };
                let direct = Direct::new(&operator, elliptic.is_singular())?;
                levels.push(Level::new(operator.terms, &grid, coarsest, NextLevel::Coarsest(direct)));
                return Ok((levels, redistributions));
            };
            levels.push(Level::new(terms, &grid, coarsest, next));
            match next_grid {
                Some(next) => grid = next,
                None => return Ok((levels, redistributions)),
            }
        }
    }
    Ok((levels, redistributions))
}
