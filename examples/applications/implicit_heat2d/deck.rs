//! TeaLeaf's input decks: `name=value` words between `*tea` and `*endtea`.

use std::str::FromStr;

/// The deck of TeaLeaf's benchmarks at 250² cells; the others differ in the number of cells only.
pub(crate) const BENCHMARK: &str = "\
*tea
state 1 density=100.0 energy=0.0001
state 2 density=0.1 energy=25.0 geometry=rectangle xmin=0.0 xmax=1.0 ymin=1.0 ymax=2.0
state 3 density=0.1 energy=0.1 geometry=rectangle xmin=1.0 xmax=6.0 ymin=1.0 ymax=2.0
state 4 density=0.1 energy=0.1 geometry=rectangle xmin=5.0 xmax=6.0 ymin=1.0 ymax=8.0
state 5 density=0.1 energy=0.1 geometry=rectangle xmin=5.0 xmax=10.0 ymin=7.0 ymax=8.0
x_cells=250
y_cells=250
xmin=0.0
ymin=0.0
xmax=10.0
ymax=10.0
initial_timestep=0.004
end_step=10
tl_max_iters=10000
tl_use_cg
tl_eps=1.0e-15
*endtea
";

/// The state of a part of the domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) density: f64,
    pub(crate) energy: f64,
    /// Its extent, `[low, high]` along y and x; default: everywhere.
    rectangle: Option<[[f64; 2]; 2]>,
}

/// A problem. Axes are y, x.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deck {
    pub(crate) cells: [usize; 2],
    pub(crate) low: [f64; 2],
    pub(crate) high: [f64; 2],
    pub(crate) time_step: f64,
    pub(crate) steps: usize,
    pub(crate) tolerance: f64,
    pub(crate) max_iterations: usize,
    /// Whether K is 1/ρ instead of ρ.
    pub(crate) conductivity_is_reciprocal: bool,
    states: Vec<State>,
}

impl Deck {
    /// The last state that covers the cell around this place. A cell that merely touches a
    /// rectangle is not in it.
    pub(crate) fn state_at(&self, place: [f64; 2], spacing: [f64; 2]) -> State {
        let covers = |state: &&State| {
            state.rectangle.is_none_or(|sides| {
                (0..2).all(|a| {
                    let (half, touch) = (0.5 * spacing[a], 0.01 * spacing[a]);
                    place[a] + half >= sides[a][0] + touch && place[a] - half < sides[a][1] - touch
                })
            })
        };
        *self.states.iter().rev().find(covers).unwrap_or(&self.states[0])
    }
}

impl FromStr for Deck {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut deck = Deck {
            cells: [10, 10],
            low: [0.0; 2],
            high: [10.0; 2],
            time_step: 0.1,
            steps: usize::MAX,
            tolerance: 1e-15,
            max_iterations: 10_000,
            conductivity_is_reciprocal: false,
            states: Vec::new(),
        };
        let mut end_time = f64::INFINITY;
        let lines = text.lines().map(|line| line.split('!').next().unwrap_or_default().trim());
        let lines = lines.skip_while(|line| *line != "*tea").skip(1).take_while(|line| *line != "*endtea");
        for line in lines.filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("state") {
                deck.states.push(state(rest)?);
                continue;
            }
            for word in line.split_whitespace() {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                match name {
                    "x_cells" => deck.cells[1] = number(name, value)?,
                    "y_cells" => deck.cells[0] = number(name, value)?,
                    "xmin" => deck.low[1] = number(name, value)?,
                    "ymin" => deck.low[0] = number(name, value)?,
                    "xmax" => deck.high[1] = number(name, value)?,
                    "ymax" => deck.high[0] = number(name, value)?,
                    "initial_timestep" => deck.time_step = number(name, value)?,
                    "end_step" => deck.steps = number(name, value)?,
                    "end_time" => end_time = number(name, value)?,
                    "tl_eps" => deck.tolerance = number(name, value)?,
                    "tl_max_iters" => deck.max_iterations = number(name, value)?,
                    "tl_coefficient_density" => deck.conductivity_is_reciprocal = false,
                    "tl_coefficient_inverse_density" => deck.conductivity_is_reciprocal = true,
                    // TeaLeaf's settings of solvers and output are ignored.
                    _ => {}
                }
            }
        }
        deck.steps = deck.steps.min((end_time / deck.time_step).round() as usize);
        match deck.states.first() {
            Some(ambient) if ambient.rectangle.is_none() && deck.time_step > 0.0 => Ok(deck),
            _ => Err("a deck needs `*tea`, a first state without a rectangle, a positive initial_timestep and `*endtea`".into()),
        }
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .trim()
        .parse()
        .map_err(|_| format!("the deck says {name}={value}, which is not a number of the right kind"))
}

/// Parses the rest after the word `state`.
fn state(line: &str) -> Result<State, String> {
    let mut state = State { density: f64::NAN, energy: f64::NAN, rectangle: None };
    let mut sides = [[f64::NEG_INFINITY, f64::INFINITY]; 2];
    for (name, value) in line.split_whitespace().filter_map(|word| word.split_once('=')) {
        match name {
            "density" => state.density = number(name, value)?,
            "energy" => state.energy = number(name, value)?,
            "xmin" => sides[1][0] = number(name, value)?,
            "xmax" => sides[1][1] = number(name, value)?,
            "ymin" => sides[0][0] = number(name, value)?,
            "ymax" => sides[0][1] = number(name, value)?,
            "geometry" if value == "rectangle" => state.rectangle = Some(sides),
            "geometry" => return Err(format!("states of geometry {value} are not known; only rectangle is")),
            _ => return Err(format!("'{name}' means nothing in a state")),
        }
    }
    if !(state.density > 0.0 && state.energy.is_finite()) {
        return Err(format!("state{line} needs a positive density and an energy"));
    }
    state.rectangle = state.rectangle.map(|_| sides);
    Ok(state)
}
