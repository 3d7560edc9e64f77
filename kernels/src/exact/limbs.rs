//! A fixed-point number wide enough for every sum of doubles.

/// Number of limbs. 67·32 bits cover 2^-1074 ..= 2^1023 and, with the 31 spare bits of the last
/// limb, sums of more than 2^64 values of any size.
pub(super) const LIMBS: usize = 67;
/// Payload bits of a limb; the upper half of its 64 bits takes carries that are not propagated yet.
const BITS: u32 = 32;
const MASK: i64 = (1 << BITS) - 1;
/// Exponent of the lowest bit.
pub(super) const MIN_EXPONENT: i32 = -1074;
/// Position of the highest bit of a finite double, 2^1023.
const HIGHEST: u32 = (1023 - MIN_EXPONENT) as u32;
/// Number of additions (below 2^32 in magnitude per limb) after which carries are propagated.
const MAX_PENDING: u32 = 1 << 30;

/// The number `Σ limb[i]·2^(32i - 1074)`.
#[derive(Clone, Debug)]
pub(super) struct Limbs {
    limbs: [i64; LIMBS],
    /// Additions since carries were last propagated; limb magnitudes are below `(pending+1)·2^32`.
    pending: u32,
}

impl Limbs {
    pub(super) const ZERO: Self = Self { limbs: [0; LIMBS], pending: 0 };

    /// Adds `value·2^exponent` for an exponent between −1074 and 971.
    #[inline]
    pub(super) fn add_scaled(&mut self, value: i64, exponent: i32) {
        if self.pending == MAX_PENDING {
            self.normalize();
        }
        self.pending += 1;
        let position = (exponent - MIN_EXPONENT) as u32;
        let first = (position / BITS) as usize;
        let shifted = i128::from(value) << (position % BITS);
        let limbs = &mut self.limbs[first..first + 3];
        limbs[0] += shifted as i64 & MASK;
        limbs[1] += (shifted >> BITS) as i64 & MASK;
        limbs[2] += (shifted >> (2 * BITS)) as i64;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.normalize();
        let mut other = other.clone();
        other.normalize();
        for (mine, theirs) in self.limbs.iter_mut().zip(other.limbs) {
            *mine += theirs;
        }
        self.pending = 1;
    }

    /// Propagates carries. Afterwards every limb is in `0..2^32`, except the last, which carries
    /// the sign.
    fn normalize(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs[..LIMBS - 1] {
            let sum = limb.wrapping_add(carry);
            *limb = sum & MASK;
            carry = sum >> BITS;
        }
        self.limbs[LIMBS - 1] = self.limbs[LIMBS - 1].wrapping_add(carry);
        self.pending = 0;
    }

    /// The limbs with all carries propagated. Limbs of up to 2^30 numbers may be added.
    pub(super) fn words(&self) -> [i64; LIMBS] {
        let mut normal = self.clone();
        normal.normalize();
        normal.limbs
    }

    /// The number with these limbs.
    pub(super) fn from_words(limbs: [i64; LIMBS]) -> Self {
        let mut number = Self { limbs, pending: 0 };
        number.normalize();
        number
    }

    /// The nearest double, ties to even; zero is `+0.0`.
    pub(super) fn to_f64(&self) -> f64 {
        let mut magnitude = self.clone();
        magnitude.normalize();
        let negative = magnitude.limbs[LIMBS - 1] < 0;
        if negative {
            magnitude.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            magnitude.normalize();
        }
        let bits = magnitude.magnitude_bits();
        f64::from_bits(bits | u64::from(negative) << 63)
    }

    /// The bits of the double nearest to this normalized, non-negative number.
    fn magnitude_bits(&self) -> u64 {
        let Some(top) = self.limbs.iter().rposition(|&limb| limb != 0) else { return 0 };
        // Position of the highest set bit; bit 0 has the weight 2^-1074.
        let highest = top as u32 * BITS + self.limbs[top].ilog2();
        if highest > HIGHEST {
            return f64::INFINITY.to_bits();
        }
        let Some(dropped) = highest.checked_sub(52) else {
            // A subnormal number: its bits count units of 2^-1074.
            return self.bits_from(0);
        };
        let mantissa = self.bits_from(dropped) & ((1 << 53) - 1);
        let half = dropped > 0 && self.bits_from(dropped - 1) & 1 == 1;
        let round_up = half && (mantissa & 1 == 1 || self.any_below(dropped - 1));
        // `dropped + 1` is the biased exponent, and the mantissa's leading bit adds 1 to `dropped`.
        // A mantissa rounded up to 2^53 carries into the exponent by itself (and, above the largest
        // finite value, gives the bits of infinity).
        (u64::from(dropped) << 52) + mantissa + u64::from(round_up)
    }

    /// At least 53 bits from `position` upwards.
    fn bits_from(&self, position: u32) -> u64 {
        let first = (position / BITS) as usize;
        let limb = |i: usize| self.limbs[i] as u128;
        let bits = limb(first) | limb(first + 1) << BITS | limb(first + 2) << (2 * BITS);
        (bits >> (position % BITS)) as u64
    }

    /// Whether any bit below `position` is set.
    fn any_below(&self, position: u32) -> bool {
        let (whole, bits) = ((position / BITS) as usize, position % BITS);
        self.limbs[..whole].iter().any(|&limb| limb != 0) || self.limbs[whole] & ((1 << bits) - 1) != 0
    }
}
