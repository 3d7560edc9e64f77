//! The slow reference of time stepping: one padded array of the whole domain and plain loops.

use num_complex::Complex;
use parhelion::prelude::*;

pub(crate) const SPACING: f64 = 0.5;

/// Numbers for all element types, such that every point, weight and wall has another value.
pub(crate) trait Number: Element {
    /// About 1, different for every `seed`.
    fn number(seed: usize) -> Self;

    /// A derivative at a wall; 0 for integers.
    fn slope(seed: usize) -> Self;

    /// From a real number.
    fn real(value: f64) -> Self;

    /// A length, for the slope to be multiplied with.
    fn length(value: f64) -> Self;

    /// Keeps sums of products small, for integers must not overflow.
    fn tame(self) -> Self;

    fn initial<const N: usize>(component: usize, index: [usize; N]) -> Self {
        Self::number(index.iter().fold(component + 1, |seed, i| 31 * seed + i))
    }
}

/// A number between 0.5 and 1.5 without a short binary expansion.
fn scramble(seed: usize) -> f64 {
    (seed as f64 * 0.754_877_666_246_692_8).fract() + 0.5
}

macro_rules! floats {
    ($($t:ident)*) => {$(
        impl Number for $t {
            fn number(seed: usize) -> Self {
                scramble(seed) as $t
            }
            fn slope(seed: usize) -> Self {
                Self::number(seed) / 7.0
            }
            fn real(value: f64) -> Self {
                value as $t
            }
            fn length(value: f64) -> Self {
                value as $t
            }
            fn tame(self) -> Self {
                self / 3.0
            }
        }
    )*};
}
floats!(f32 f64);

macro_rules! integers {
    ($($t:ident)*) => {$(
        impl Number for $t {
            fn number(seed: usize) -> Self {
                (scramble(seed) * 100.0) as $t - 100
            }
            fn slope(_: usize) -> Self {
                0
            }
            fn real(value: f64) -> Self {
                value as $t
            }
            fn length(value: f64) -> Self {
                value as $t
            }
            fn tame(self) -> Self {
                self % 1009
            }
        }
    )*};
}
integers!(i32 i64);

impl Number for Complex<f64> {
    fn number(seed: usize) -> Self {
        Complex::new(scramble(seed), scramble(3 * seed + 1))
    }
    fn slope(seed: usize) -> Self {
        Self::number(seed) / 7.0
    }
    fn real(value: f64) -> Self {
        Complex::new(value, -2.0 * value)
    }
    fn length(value: f64) -> Self {
        Complex::new(value, 0.0)
    }
    fn tame(self) -> Self {
        self / 3.0
    }
}

/// A rule that gives every neighbor another weight, so that no two may be mistaken for each other.
#[inline(always)]
pub(crate) fn rule<T: Number, const N: usize>(
    radius: usize,
    pattern: Pattern,
    at: impl Fn([isize; N]) -> T,
) -> T {
    let reach = radius as isize;
    let mut sum = T::zero();
    for (number, offset) in Region::new([-reach; N], [reach + 1; N]).indices().enumerate() {
        if pattern == Pattern::Box || offset.iter().filter(|&&o| o != 0).count() <= 1 {
            sum += T::number(number) * at(offset);
        }
    }
    sum.tame()
}

/// The wall at `face`; `turn` shifts which kind stands where.
pub(crate) type Condition<T, const N: usize> = fn(face: Face, turn: usize) -> Boundary<T, N>;

/// Walls that read no more than the outermost point or a mirror image.
pub(crate) fn condition<T: Number, const N: usize>(face: Face, turn: usize) -> Boundary<T, N> {
    let seed = 2 * face.axis + usize::from(face.high) + turn;
    match seed % 7 {
        0 => Boundary::Dirichlet(T::number(seed)),
        1 => Boundary::Neumann(T::slope(seed)),
        2 => Boundary::Reflecting,
        3 => Boundary::Antireflecting,
        4 => Boundary::Extrapolated(0),
        5 => Boundary::HaloValue(T::number(seed)),
        _ => Boundary::function(|x: [f64; N], time| {
            T::real(x.iter().fold(time, |value, coordinate| 0.5 * value + coordinate))
        }),
    }
}

/// Points that a custom wall of [`reading`] reads.
pub(crate) const REACH: usize = 4;

/// The value beyond a custom wall, from everything that it may depend on.
fn custom<T: Number, const N: usize>(
    inside: impl Fn(usize) -> T,
    distance: usize,
    coordinates: [f64; N],
    time: f64,
) -> T {
    let place = coordinates.iter().fold(time, |value, coordinate| 0.5 * value + coordinate);
    let points = (0..REACH).map(|number| T::number(number + distance) * inside(number));
    points.fold(T::real(place), |sum, term| sum + term).tame()
}

/// Walls that read several points, and some others. For fields without integers.
pub(crate) fn reading<T: Number, const N: usize>(face: Face, turn: usize) -> Boundary<T, N> {
    let seed = 2 * face.axis + usize::from(face.high) + turn;
    match seed % 5 {
        0 => Boundary::Extrapolated(1),
        1 => Boundary::custom(REACH, |p| custom(|k| p.inside(k), p.distance(), p.coordinates(), p.time())),
        2 => Boundary::Extrapolated(2),
        3 => Boundary::Extrapolated(0),
        _ => condition(face, turn / 5),
    }
}

/// The whole domain with `pad` points around it.
pub(crate) struct Reference<T, const N: usize> {
    walls: Condition<T, N>,
    shape: [usize; N],
    pad: usize,
    periodic: [bool; N],
    centering: Centering,
    values: Vec<T>,
}

impl<T: Number, const N: usize> Reference<T, N> {
    pub(crate) fn new(
        shape: [usize; N],
        periodic: [bool; N],
        centering: Centering,
        pad: usize,
        initial: impl Fn([usize; N]) -> T,
    ) -> Self {
        let points = shape.iter().map(|n| n + 2 * pad).product();
        let values = vec![T::zero(); points];
        let mut this = Self { walls: condition, shape, pad, periodic, centering, values };
        for index in this.padded() {
            if this.owned(index) {
                this.set(index, initial(index.map(|i| i as usize)));
            }
        }
        this
    }

    /// The same with other walls.
    pub(crate) fn with_walls(self, walls: Condition<T, N>) -> Self {
        Self { walls, ..self }
    }

    pub(crate) fn get(&self, index: [isize; N]) -> T {
        self.values[self.position(index)]
    }

    fn set(&mut self, index: [isize; N], value: T) {
        let position = self.position(index);
        self.values[position] = value;
    }

    fn position(&self, index: [isize; N]) -> usize {
        (0..N).fold(0, |position, a| {
            let along = (index[a] + self.pad as isize) as usize;
            assert!(along < self.shape[a] + 2 * self.pad);
            position * (self.shape[a] + 2 * self.pad) + along
        })
    }

    fn owned(&self, index: [isize; N]) -> bool {
        (0..N).all(|a| index[a] >= 0 && index[a] < self.shape[a] as isize)
    }

    /// Every index, pads included.
    fn padded(&self) -> impl Iterator<Item = [isize; N]> + use<T, N> {
        let (shape, pad) = (self.shape, self.pad);
        (0..self.values.len()).map(move |mut position| {
            let mut index = [0; N];
            for a in (0..N).rev() {
                index[a] = (position % (shape[a] + 2 * pad)) as isize - pad as isize;
                position /= shape[a] + 2 * pad;
            }
            index
        })
    }

    /// One step from the values of this time, with the walls of `turn`.
    pub(crate) fn step(&mut self, turn: usize, time: f64, rule: impl Fn(&dyn Fn([isize; N]) -> T) -> T) {
        let periodic = self.periodic;
        for axis in (0..N).filter(|&axis| !periodic[axis]) {
            self.set_points_on_walls(axis, turn);
        }
        for axis in (0..N).filter(|&axis| !periodic[axis]) {
            self.fill_beyond_walls(axis, turn, time);
        }
        // At last, so that what stands beyond walls is repeated as well.
        for axis in (0..N).filter(|&axis| periodic[axis]) {
            self.repeat(axis);
        }
        let mut next = self.values.clone();
        for index in self.padded().filter(|&index| self.owned(index)) {
            let at = |offset: [isize; N]| self.get(std::array::from_fn(|a| index[a] + offset[a]));
            next[self.position(index)] = rule(&at);
        }
        self.values = next;
        // Nobody sees values on walls other than those of the walls.
        for axis in (0..N).filter(|&axis| !periodic[axis]) {
            self.set_points_on_walls(axis, turn);
        }
    }

    fn set_points_on_walls(&mut self, axis: usize, turn: usize) {
        if !self.centering.staggered(axis) {
            return;
        }
        let last = self.shape[axis] as isize - 1;
        for (face, wall) in [(Face::low(axis), 0), (Face::high(axis), last)] {
            let value = match (self.walls)(face, turn) {
                Boundary::Dirichlet(value) => value,
                Boundary::Antireflecting => T::zero(),
                _ => continue,
            };
            // The pads that this sets as well are filled again afterwards.
            for index in self.padded().filter(|index| index[axis] == wall) {
                self.set(index, value);
            }
        }
    }

    fn fill_beyond_walls(&mut self, axis: usize, turn: usize, time: f64) {
        let (n, staggered) = (self.shape[axis] as isize, self.centering.staggered(axis));
        for index in self.padded() {
            let high = index[axis] >= n;
            if index[axis] >= 0 && !high {
                continue;
            }
            let mut image = index;
            image[axis] = match (high, staggered) {
                (false, false) => -1 - index[axis],
                (false, true) => -index[axis],
                (true, false) => 2 * n - 1 - index[axis],
                (true, true) => 2 * (n - 1) - index[axis],
            };
            let inside = self.get(image);
            // Points from the outermost one, and the point that lies `number` inside of it.
            let distance = if high { index[axis] - (n - 1) } else { -index[axis] } as usize;
            let within = |number: usize| {
                let mut within = index;
                within[axis] = if high { n - 1 - number as isize } else { number as isize };
                self.get(within)
            };
            let shift = |a| if self.centering.staggered(a) { 0.0 } else { 0.5 };
            let place = |index: [isize; N]| std::array::from_fn(|a| (index[a] as f64 + shift(a)) * SPACING);
            let value = match (self.walls)(Face { axis, high }, turn) {
                Boundary::Dirichlet(value) => value + value - inside,
                Boundary::Neumann(slope) => {
                    let distance = (index[axis] - image[axis]).abs() as f64 * SPACING;
                    inside + slope * T::length(distance)
                }
                Boundary::Antireflecting => T::zero() - inside,
                Boundary::Function(value) => value(place(index), time),
                Boundary::HaloValue(value) => value,
                Boundary::Extrapolated(0) => within(0),
                Boundary::Extrapolated(1) => within(0) + (within(0) - within(1)) * T::length(distance as f64),
                Boundary::Extrapolated(_) => {
                    let (slope, next) = (within(0) - within(1), within(1) - within(2));
                    let half = (distance * (distance + 1)) as f64 / 2.0;
                    within(0) + slope * T::length(distance as f64) + (slope - next) * T::length(half)
                }
                Boundary::Custom { .. } => custom(within, distance, place(index), time),
                _ => inside,
            };
            self.set(index, value);
        }
    }

    fn repeat(&mut self, axis: usize) {
        let n = self.shape[axis] as isize;
        for index in self.padded().filter(|index| index[axis] < 0 || index[axis] >= n) {
            let mut image = index;
            image[axis] = index[axis].rem_euclid(n);
            self.set(index, self.get(image));
        }
    }
}
