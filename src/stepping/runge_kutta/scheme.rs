//! The Runge–Kutta schemes: their stages as linear combinations.

use parhelion_kernels::Stage;

/// A Runge–Kutta scheme, for [`Grid::runge_kutta`](crate::grid::Grid::runge_kutta).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Forward Euler, order 1; uses 2 arrays per component.
    ForwardEuler,
    /// Strong-stability-preserving scheme of order 2 in 2 stages (Heun): Gottlieb, Shu, SIAM Rev. 43
    /// (2001) 89; 2 arrays.
    SspRk2,
    /// Strong-stability-preserving scheme of order 3 in 3 stages: Shu, Osher, J. Comput. Phys. 77
    /// (1988) 439; 3 arrays.
    SspRk3,
    /// The classical scheme of order 4 in 4 stages; 4 arrays.
    Rk4,
    /// Low-storage scheme of order 3 in 3 stages: Williamson, J. Comput. Phys. 35 (1980) 48, case 7;
    /// 3 arrays.
    LowStorageRk3,
    /// Low-storage scheme of order 4 in 5 stages: Carpenter, Kennedy, NASA TM 109112 (1994); 3
    /// arrays.
    LowStorageRk4,
}

/// One stage. Set 0 has the user's fields, the others are the scheme's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct StageOf {
    /// The set from which the right-hand side is computed.
    pub(super) now: usize,
    /// The set that the stage writes.
    pub(super) output: usize,
    /// For a time step of 1: `gain` and `rate` are proportional to the time step.
    pub(super) coefficients: Stage,
    /// Time of the stage, in time steps since the start of the step.
    pub(super) time: f64,
}

const fn stage(now: usize, output: usize, time: f64, coefficients: Stage) -> StageOf {
    StageOf { now, output, coefficients, time }
}

/// A combination without a register: `start · start + now · y + rate · L`.
const fn combination(start: f64, now: f64, rate: f64) -> Stage {
    Stage { start, now, rate, keep: 0.0, gain: 0.0, add: 0.0 }
}

/// A stage of the classical scheme: `start + rate · L`, with `gain · L` added to the register.
const fn classical(keep: f64, gain: f64, rate: f64) -> Stage {
    Stage { start: 1.0, now: 0.0, rate, keep, gain, add: 0.0 }
}

/// `register ← keep · register + L; y + add · register`.
const fn low_storage(keep: f64, add: f64) -> Stage {
    Stage { start: 0.0, now: 1.0, rate: 0.0, keep, gain: 1.0, add }
}

static FORWARD_EULER: [StageOf; 1] = [stage(0, 1, 0.0, combination(0.0, 1.0, 1.0))];

static SSP_RK2: [StageOf; 2] =
    [stage(0, 1, 0.0, combination(0.0, 1.0, 1.0)), stage(1, 0, 1.0, combination(0.5, 0.5, 0.5))];

static SSP_RK3: [StageOf; 3] = [
    stage(0, 1, 0.0, combination(0.0, 1.0, 1.0)),
    stage(1, 2, 1.0, combination(0.75, 0.25, 0.25)),
    stage(2, 0, 0.5, combination(1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0)),
];

static RK4: [StageOf; 4] = [
    // The start is the state of the first stage itself.
    stage(0, 1, 0.0, Stage { start: 0.0, now: 1.0, ..classical(0.0, 1.0 / 6.0, 0.5) }),
    stage(1, 2, 0.5, classical(1.0, 1.0 / 3.0, 0.5)),
    stage(2, 1, 0.5, classical(1.0, 1.0 / 3.0, 1.0)),
    stage(1, 0, 1.0, Stage { add: 1.0, ..classical(1.0, 1.0 / 6.0, 0.0) }),
];

static LOW_STORAGE_RK3: [StageOf; 3] = [
    stage(0, 1, 0.0, low_storage(0.0, 1.0 / 3.0)),
    stage(1, 0, 1.0 / 3.0, low_storage(-5.0 / 9.0, 15.0 / 16.0)),
    stage(0, 1, 0.75, low_storage(-153.0 / 128.0, 8.0 / 15.0)),
];

static LOW_STORAGE_RK4: [StageOf; 5] = [
    stage(0, 1, 0.0, low_storage(0.0, 1432997174477.0 / 9575080441755.0)),
    stage(
        1,
        0,
        1432997174477.0 / 9575080441755.0,
        low_storage(-567301805773.0 / 1357537059087.0, 5161836677717.0 / 13612068292357.0),
    ),
    stage(
        0,
        1,
        2526269341429.0 / 6820363962896.0,
        low_storage(-2404267990393.0 / 2016746695238.0, 1720146321549.0 / 2090206949498.0),
    ),
    stage(
        1,
        0,
        2006345519317.0 / 3224310063776.0,
        low_storage(-3550918686646.0 / 2091501179385.0, 3134564353537.0 / 4481467310338.0),
    ),
    stage(
        0,
        1,
        2802321613138.0 / 2924317926251.0,
        low_storage(-1275806237668.0 / 842570457699.0, 2277821191437.0 / 14882151754819.0),
    ),
];

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 6] =
        [Self::ForwardEuler, Self::SspRk2, Self::SspRk3, Self::Rk4, Self::LowStorageRk3, Self::LowStorageRk4];

    /// Order of accuracy in time.
    pub fn order(self) -> usize {
        match self {
            Self::ForwardEuler => 1,
            Self::SspRk2 => 2,
            Self::SspRk3 | Self::LowStorageRk3 => 3,
            Self::Rk4 | Self::LowStorageRk4 => 4,
        }
    }

    pub(super) fn stages(self) -> &'static [StageOf] {
        match self {
            Self::ForwardEuler => &FORWARD_EULER,
            Self::SspRk2 => &SSP_RK2,
            Self::SspRk3 => &SSP_RK3,
            Self::Rk4 => &RK4,
            Self::LowStorageRk3 => &LOW_STORAGE_RK3,
            Self::LowStorageRk4 => &LOW_STORAGE_RK4,
        }
    }

    /// Number of sets of fields that stages read and write, including the user's.
    pub(super) fn sets(self) -> usize {
        1 + self.stages().iter().map(|stage| stage.output).max().unwrap_or(0)
    }

    /// Whether the stages accumulate right-hand sides in a register.
    pub(super) fn has_register(self) -> bool {
        self.stages().iter().any(|stage| stage.coefficients.gain != 0.0)
    }
}
