//! Sources and receivers: points at which values are added and recorded at every step.

use parhelion_kernels::{Element, Linear, Region, Visits};

use super::Evolving;
use super::constants::{Clock, clock_of};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Grid};
use crate::world::World;

/// Values sent to the other ranks at a time.
const VALUES_AT_A_TIME: usize = 1 << 16;

type Path<const N: usize> = Box<dyn Fn(f64) -> [f64; N]>;
type Amplitude<T> = Box<dyn Fn(f64) -> T>;

/// Points in space at which a value is added to a field at every step, for
/// [`Evolving::with_sources`](super::Evolving::with_sources).
///
/// Each value is distributed to the surrounding points of the field with multilinear weights, which
/// add up to 1. Next to a wall, the outermost points receive the share of points beyond the wall.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::stepping::Sources;
///
/// let world = World::init()?;
/// let grid = Grid::builder([8]).extent([8.0]).build(&world)?;
/// let mut u = grid.field::<f64>("u");
/// u.set_time(0.0, 1.0);
/// let mut drops = Sources::new();
/// drops.add([2.75], |time| 4.0 * time);                 // between the points at 2.5 and 3.5
/// let stay = |u: Point<'_, f64, 1, 0>, ()| u.center();
/// grid.evolve(u.evolving::<0>().with_sources(&drops), (), 3, stay)?; // 4 · (0 + 1 + 2) are added
/// assert_eq!((u.probe([2])?, u.probe([3])?, u.sum()), (9.0, 3.0, 12.0));
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Default)]
pub struct Sources<T, const N: usize>(Vec<(Path<N>, Amplitude<T>)>);

impl<T: Linear, const N: usize> Sources<T, N> {
    /// Creates an empty set of sources.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a source at `place`, in the coordinates of the grid (slowest axis first). A step from
    /// time `t` to `t + Δt` adds `amplitude(t)` to the new values, without a factor `Δt` or cell
    /// volume. The time is the field's, so set it with [`set_time`](crate::field::Field::set_time).
    /// All ranks must add the same sources.
    pub fn add(&mut self, place: [f64; N], amplitude: impl Fn(f64) -> T + 'static) {
        self.add_moving(move |_| place, amplitude);
    }

    /// Like [`add`](Self::add), for a moving source that is at `path(t)` at time `t`.
    pub fn add_moving(
        &mut self,
        path: impl Fn(f64) -> [f64; N] + 'static,
        amplitude: impl Fn(f64) -> T + 'static,
    ) {
        self.0.push((Box::new(path), Box::new(amplitude)));
    }
}

impl<T, const N: usize> std::fmt::Debug for Sources<T, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sources", self.0.len())
    }
}

/// Points in space at which a field is recorded at every step, for
/// [`Evolving::with_receivers`](super::Evolving::with_receivers).
///
/// Values between the points of the field are interpolated multilinearly. Between a wall and the
/// outermost points, the values of the outermost points are used.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::stepping::Receivers;
///
/// let world = World::init()?;
/// let grid = Grid::builder([8]).extent([8.0]).build(&world)?;
/// let mut u = grid.field::<f64>("u");
/// u.set_time(0.0, 0.5);
/// u.fill_with(|[x]| x);
/// let mut receivers = Receivers::new([[3.25], [6.5]]);
/// let double = |u: Point<'_, f64, 1, 0>, ()| 2.0 * u.center();
/// grid.evolve(u.evolving::<0>().with_receivers(&mut receivers), (), 3, double)?;
/// assert_eq!(receivers.times(), [0.5, 1.0, 1.5]);
/// assert_eq!((receivers.series(0), receivers.series(1)), (&[6.5, 13.0, 26.0][..], &[13.0, 26.0, 52.0][..]));
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Receivers<T, const N: usize> {
    places: Vec<[f64; N]>,
    times: Vec<f64>,
    /// The values of each receiver, step by step.
    series: Vec<Vec<T>>,
    /// For each receiver, the points around it and their weights.
    around: Vec<Vec<([usize; N], f64)>>,
    /// For each step of the call in progress, the values of all points of `around` in turn that this
    /// rank owns, as bits, and 0 for the others.
    heard: Vec<Vec<[u64; 2]>>,
    /// The ends of these steps.
    heard_times: Vec<f64>,
}

impl<T: Linear, const N: usize> Receivers<T, N> {
    /// Creates receivers at `places`, in the coordinates of the grid (slowest axis first). All
    /// ranks must give the same places.
    pub fn new(places: impl Into<Vec<[f64; N]>>) -> Self {
        let places = places.into();
        let series = vec![Vec::new(); places.len()];
        Self {
            places,
            times: Vec::new(),
            series,
            around: Vec::new(),
            heard: Vec::new(),
            heard_times: Vec::new(),
        }
    }

    /// Returns the times at which values were recorded: the end of each step so far.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Returns the values of one receiver at these [`times`](Self::times), the same on all ranks.
    ///
    /// # Panics
    /// When `receiver` is not less than the number of places.
    pub fn series(&self, receiver: usize) -> &[T] {
        &self.series[receiver]
    }
}

/// The points of a field around `place`, and their weights for multilinear interpolation.
///
/// # Errors
/// When the place is outside the grid, on all ranks.
fn around<const N: usize>(
    grid: &Grid<N>,
    centering: Centering,
    place: [f64; N],
) -> Result<Vec<([usize; N], f64)>> {
    let (shape, periodic) = (grid.shape_global(centering), grid.topology().periodic());
    let mut points = vec![([0; N], 1.0)];
    for a in 0..N {
        let (axis, staggered) = (grid.axis(a), centering.staggered(a));
        let (start, end) = (axis.face(0), axis.face(axis.cells() as isize));
        let Some(cell) = axis.cell_at(place[a]) else {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "a source or receiver at {place:?} is outside of the grid, which reaches from {start} to {end} on axis {a}"
                ),
            ));
        };
        let at = |index: isize| axis.coordinate(index, staggered);
        let low = cell as isize - isize::from(at(cell as isize) > place[a]);
        let part = (place[a] - at(low)) / (at(low + 1) - at(low));
        let on_axis = |index: isize| {
            let n = shape[a] as isize;
            (if periodic[a] { index.rem_euclid(n) } else { index.clamp(0, n - 1) }) as usize
        };
        let sides = [(on_axis(low), 1.0 - part), (on_axis(low + 1), part)];
        let both = |&(index, weight): &([usize; N], f64)| {
            sides.map(|(on_axis, more)| {
                let mut index = index;
                index[a] = on_axis;
                (index, weight * more)
            })
        };
        points = points.iter().flat_map(both).filter(|&(_, weight)| weight != 0.0).collect();
    }
    Ok(points)
}

/// The block of a rank in a pass, and the times of its steps.
#[derive(Clone, Debug)]
pub(super) struct PassBlock<const N: usize> {
    grid: Grid<N>,
    centering: Centering,
    /// The points this rank owns, in the global frame.
    owned: Region<N>,
    /// Largest distance from them at which points are computed.
    beyond: usize,
    steps: usize,
    clock: Clock,
}

impl<const N: usize> PassBlock<N> {
    pub(super) fn of<T: Element>(field: &Field<T, N>, steps: usize, beyond: usize) -> Self {
        let (grid, centering, owned) = (field.grid().clone(), field.centering(), field.region_global());
        Self { grid, centering, owned, beyond, steps, clock: clock_of(field) }
    }

    /// The time after some steps, as [`Field::time`](crate::field::Field::time).
    fn time(&self, number: usize) -> f64 {
        let (start, step, steps) = self.clock;
        start + (steps + number as u64) as f64 * step
    }

    /// Where this rank computes a point, in the local frame: once for each period.
    fn places(&self, point: [usize; N]) -> impl Iterator<Item = [isize; N]> + use<N> {
        let periodic = self.grid.topology().periodic();
        let shape = self.grid.shape_global(self.centering).map(|n| n as isize);
        let region = self.owned.grown([[self.beyond; 2]; N]);
        let start = self.owned.start;
        let periods = Region::new([-1; N], [2; N]).indices();
        periods.filter(move |period| (0..N).all(|a| periodic[a] || period[a] == 0)).filter_map(
            move |period| {
                let point = std::array::from_fn(|a| point[a] as isize + period[a] * shape[a]);
                region.contains(point).then(|| std::array::from_fn(|a| point[a] - start[a]))
            },
        )
    }
}

/// Values that a step adds to points, in the local frame.
type Added<T, const N: usize> = Vec<([isize; N], T)>;

/// Sources of elements that can be spread; the type of a field's values need not say that it can.
pub(super) trait Emit<T, const N: usize>: std::fmt::Debug {
    /// For each step of a pass, what is added to which points.
    fn emit(&self, block: &PassBlock<N>) -> Result<Vec<Added<T, N>>>;
}

impl<T: Linear, const N: usize> Emit<T, N> for Sources<T, N> {
    fn emit(&self, block: &PassBlock<N>) -> Result<Vec<Added<T, N>>> {
        let mut steps = vec![Vec::new(); block.steps];
        for (number, added) in steps.iter_mut().enumerate() {
            for (path, amplitude) in &self.0 {
                let time = block.time(number);
                let value = amplitude(time);
                for (point, weight) in around(&block.grid, block.centering, path(time))? {
                    added.extend(block.places(point).map(|place| (place, value.scaled(weight))));
                }
            }
        }
        Ok(steps)
    }
}

/// Receivers of elements that can be interpolated.
pub(super) trait Listen<T, const N: usize>: std::fmt::Debug {
    /// Begins a call of any number of passes.
    fn begin(&mut self, grid: &Grid<N>, centering: Centering) -> Result<()>;
    /// The points that this rank records, in the local frame.
    fn points(&self, owned: Region<N>) -> Vec<[isize; N]>;
    /// Takes over what a pass recorded.
    fn hear(&mut self, block: &PassBlock<N>, visits: &Visits<T, N>);
    /// Ends the call: adds up the points of each receiver, on all ranks.
    fn conclude(&mut self, world: &World);
}

/// A point of the global frame in the frame of the block that owns it.
fn local<const N: usize>(owned: Region<N>, point: [usize; N]) -> [isize; N] {
    std::array::from_fn(|a| point[a] as isize - owned.start[a])
}

impl<T: Linear, const N: usize> Listen<T, N> for Receivers<T, N> {
    fn begin(&mut self, grid: &Grid<N>, centering: Centering) -> Result<()> {
        self.around =
            self.places.iter().map(|&place| around(grid, centering, place)).collect::<Result<_>>()?;
        self.heard.clear();
        self.heard_times.clear();
        Ok(())
    }

    fn points(&self, owned: Region<N>) -> Vec<[isize; N]> {
        let all = self.around.iter().flatten().map(|&(point, _)| point);
        all.filter(|point| owned.contains(point.map(|i| i as isize)))
            .map(|point| local(owned, point))
            .collect()
    }

    fn hear(&mut self, block: &PassBlock<N>, visits: &Visits<T, N>) {
        for step in 1..=block.steps {
            let bits = |&(point, _): &([usize; N], f64)| {
                let mut bits = [0; 2];
                if let Some(value) = visits.value(step, local(block.owned, point)) {
                    bytemuck::cast_slice_mut(&mut bits)[..size_of::<T>()]
                        .copy_from_slice(bytemuck::bytes_of(&value));
                }
                bits
            };
            self.heard.push(self.around.iter().flatten().map(bits).collect());
            self.heard_times.push(block.time(step));
        }
    }

    fn conclude(&mut self, world: &World) {
        self.times.append(&mut self.heard_times);
        let points: usize = self.around.iter().map(Vec::len).sum();
        for steps in std::mem::take(&mut self.heard).chunks(VALUES_AT_A_TIME.div_ceil(points.max(1))) {
            // One rank owns each point, and the others have 0 there: the sum has the owner's bits.
            let mut bits: Vec<i64> = steps.iter().flatten().flatten().map(|&bits| bits as i64).collect();
            world.all_sum(&mut bits);
            let mut values = bits.chunks_exact(2).map(|bits| -> T {
                bytemuck::pod_read_unaligned(&bytemuck::cast_slice(bits)[..size_of::<T>()])
            });
            for _ in steps {
                for (around, series) in self.around.iter().zip(&mut self.series) {
                    let terms =
                        around.iter().zip(&mut values).map(|(&(_, weight), value)| value.scaled(weight));
                    series.push(terms.fold(T::zero(), |sum, term| sum + term));
                }
            }
        }
    }
}

/// The sources and receivers of a field that a rule advances.
#[derive(Debug)]
pub(super) struct PointsOf<'a, T: Element, const N: usize> {
    pub(super) sources: Option<&'a dyn Emit<T, N>>,
    pub(super) receivers: Option<&'a mut dyn Listen<T, N>>,
    /// The visits of the pass in progress.
    pub(super) visits: Option<Visits<T, N>>,
}

impl<T: Element, const N: usize> PointsOf<'_, T, N> {
    pub(super) fn none() -> Self {
        Self { sources: None, receivers: None, visits: None }
    }

    pub(super) fn any(&self) -> bool {
        self.sources.is_some() || self.receivers.is_some()
    }

    /// Begins any number of passes.
    pub(super) fn begin(&mut self, field: &Field<T, N>) -> Result<()> {
        let receivers = self.receivers.as_mut();
        receivers.map_or(Ok(()), |receivers| receivers.begin(field.grid(), field.centering()))
    }

    /// Prepares a pass.
    pub(super) fn start(&mut self, block: &PassBlock<N>) -> Result<()> {
        if !self.any() {
            return Ok(());
        }
        let added = match self.sources {
            Some(sources) => sources.emit(block)?,
            None => vec![Vec::new(); block.steps],
        };
        let recorded = self.receivers.as_ref().map(|receivers| receivers.points(block.owned));
        self.visits = Some(Visits::new(added, recorded.unwrap_or_default()));
        Ok(())
    }

    /// Ends a pass.
    pub(super) fn finish(&mut self, block: &PassBlock<N>) {
        if let (Some(visits), Some(receivers)) = (self.visits.take(), &mut self.receivers) {
            receivers.hear(block, &visits);
        }
    }

    /// Ends all passes.
    pub(super) fn conclude(&mut self, world: &World) {
        if let Some(receivers) = &mut self.receivers {
            receivers.conclude(world);
        }
    }
}

impl<'a, T: Linear, const N: usize, const R: usize, const STAR: bool> Evolving<'a, T, N, R, STAR> {
    /// Adds `sources` to the new values at every step of [`Grid::evolve`], [`Grid::leapfrog`] or
    /// [`Grid::alternate`]. Several steps can still be made in one pass over memory. Sources do not
    /// change the previous level.
    ///
    /// A source outside the grid is an error of the call that advances the field.
    pub fn with_sources(mut self, sources: &'a Sources<T, N>) -> Self {
        self.points.sources = Some(sources);
        self
    }

    /// Records the new values, including sources, at every step of [`Grid::evolve`],
    /// [`Grid::leapfrog`] or [`Grid::alternate`], and appends them to earlier records. Several
    /// steps can still be made in one pass over memory. The recorded values have the same bits on
    /// any number of ranks and threads, with any blocking.
    ///
    /// A receiver outside the grid is an error of the call that advances the field.
    pub fn with_receivers(mut self, receivers: &'a mut Receivers<T, N>) -> Self {
        self.points.receivers = Some(receivers);
        self
    }
}
