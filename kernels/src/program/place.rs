//! Where and when a rule computes.

/// The place of a block in space and time, for rules that ask for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place<const N: usize> {
    /// Global index of cell 0 of the block.
    pub offset: [isize; N],
    /// Position in space of the cell with the global index 0.
    pub origin: [f64; N],
    /// Distance between neighboring cells.
    pub spacing: [f64; N],
    /// Distance of cells from the origin, in units of the spacing: 0.5 for the centers of cells.
    pub shift: [f64; N],
    /// Number of cells on each periodic axis. Cells beyond its ends are those at the other end.
    pub periods: [Option<isize>; N],
    /// Time of the values that the rule reads.
    pub time: f64,
    /// Steps made before this one.
    pub step: usize,
}

impl<const N: usize> Place<N> {
    /// Positions equal to the indices of the block, at time 0.
    pub const ORIGIN: Self = Self {
        offset: [0; N],
        origin: [0.0; N],
        spacing: [1.0; N],
        shift: [0.0; N],
        periods: [None; N],
        time: 0.0,
        step: 0,
    };

    /// Global index on `axis` of the cell with the index `i` in the block.
    pub fn index(&self, axis: usize, i: isize) -> isize {
        let index = self.offset[axis] + i;
        self.periods[axis].map_or(index, |period| index.rem_euclid(period))
    }

    /// Position on `axis` of the cell with the index `i` in the block.
    pub fn position(&self, axis: usize, i: isize) -> f64 {
        self.origin[axis] + (self.index(axis, i) as f64 + self.shift[axis]) * self.spacing[axis]
    }
}
