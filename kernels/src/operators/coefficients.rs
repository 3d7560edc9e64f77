//! Finite-difference weights on any nodes, for derivatives of any order.
//!
//! After B. Fornberg, *Generation of finite difference formulas on arbitrarily spaced grids*, Math.
//! Comp. 51 (1988) 699–706.

use crate::KernelError;

/// Weights `w` with `Σ w[i]·u(nodes[i]) ≈ u^(derivative)(at)`, exact for polynomials of degree
/// below the number of nodes. Derivative 0 interpolates.
///
/// ```
/// use parhelion_kernels::operators::coefficients::finite_difference;
///
/// assert_eq!(finite_difference(2, 0.0, &[-1.0, 0.0, 1.0])?, [1.0, -2.0, 1.0]);
/// assert_eq!(finite_difference(0, 0.5, &[0.0, 1.0])?, [0.5, 0.5]);
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When there are not more nodes than the order of the derivative, or two nodes are equal, or a
/// number is not finite.
pub fn finite_difference(derivative: usize, at: f64, nodes: &[f64]) -> Result<Vec<f64>, KernelError> {
    if nodes.len() <= derivative {
        return Err(KernelError::new(format!(
            "derivative {derivative} needs at least {} nodes, not {}",
            derivative + 1,
            nodes.len()
        )));
    }
    let twice = nodes.iter().enumerate().any(|(i, x)| nodes[..i].contains(x));
    if twice || !at.is_finite() || nodes.iter().any(|x| !x.is_finite()) {
        return Err(KernelError::new(format!(
            "no finite-difference weights at {at} from the nodes {nodes:?}; give distinct, finite nodes"
        )));
    }
    Ok(weights(derivative, at, nodes))
}

/// Fornberg's recursion: nodes are added one by one; `w[i][d]` is the weight of node `i` in the
/// derivative `d` from the nodes so far.
fn weights(derivative: usize, at: f64, nodes: &[f64]) -> Vec<f64> {
    let mut w = vec![vec![0.0; derivative + 1]; nodes.len()];
    w[0][0] = 1.0;
    let mut products = 1.0; // of the distances of the node added last from those before it
    for i in 1..nodes.len() {
        let (old, new) = (nodes[i - 1] - at, nodes[i] - at);
        let mut product = 1.0;
        for j in 0..i {
            let distance = nodes[i] - nodes[j];
            product *= distance;
            // the order `d − 1` of derivative `d`, times `d`
            let lower = |w: &[f64], d: usize| if d == 0 { 0.0 } else { d as f64 * w[d - 1] };
            if j == i - 1 {
                for d in (0..=derivative.min(i)).rev() {
                    w[i][d] = products * (lower(&w[j], d) - old * w[j][d]) / product;
                }
            }
            for d in (0..=derivative.min(i)).rev() {
                w[j][d] = (new * w[j][d] - lower(&w[j], d)) / distance;
            }
        }
        products = product;
    }
    w.iter().map(|w| w[derivative]).collect()
}

/// Weights of `u(−R), …, u(R)` in a derivative at 0 on a grid of spacing 1, as `(center, low,
/// high)` where `low[k]` and `high[k]` belong to `u(∓(k + 1))`. Even derivatives have `low = high`,
/// odd ones `low = −high` and `center = 0`, both to the last bit.
///
/// # Panics
/// When `derivative > 2·R`.
pub(super) fn central<const R: usize>(derivative: usize) -> (f64, [f64; R], [f64; R]) {
    let nodes: Vec<f64> = (0..=2 * R).map(|i| i as f64 - R as f64).collect();
    let w = weights(derivative, 0.0, &nodes);
    let sign = if derivative.is_multiple_of(2) { 1.0 } else { -1.0 };
    let high: [f64; R] = std::array::from_fn(|k| 0.5 * (w[R + 1 + k] + sign * w[R - 1 - k]));
    // The weights of a derivative add up to 0.
    let pairs: f64 = high.iter().rev().map(|w| (1.0 + sign) * w).sum();
    let center = if derivative == 0 { 1.0 } else { 0.0 - pairs };
    (center, high.map(|w| sign * w), high)
}

/// Weights of `u(k + ½)`, k = 0 … R − 1, in the derivative 0 or 1 at 0 on a grid of spacing 1;
/// `u(−k − ½)` has the same weight for derivative 0 and the negative one for derivative 1.
pub(super) fn staggered<const R: usize>(derivative: usize) -> [f64; R] {
    let nodes: Vec<f64> = (0..2 * R).map(|i| i as f64 + 0.5 - R as f64).collect();
    let w = weights(derivative, 0.0, &nodes);
    let sign = if derivative == 0 { 1.0 } else { -1.0 };
    std::array::from_fn(|k| 0.5 * (w[R + k] + sign * w[R - 1 - k]))
}

/// Weights of `u(−R), …, u(R − 1)` in the first derivative at 0: biased to one side.
pub(super) fn biased<const R: usize>() -> Vec<f64> {
    let nodes: Vec<f64> = (0..2 * R).map(|i| i as f64 - R as f64).collect();
    weights(1, 0.0, &nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            // A dozen operations each with a relative error of 1.1e-16, with mild cancellation.
            assert!((f - e).abs() <= 1e-14 * e.abs().max(1.0), "{found:?} instead of {expected:?}");
        }
    }

    /// Fornberg (1988), table 1: centered approximations.
    #[test]
    fn central_weights_are_those_of_the_published_table() {
        let nodes = |r: i32| (-r..=r).map(f64::from).collect::<Vec<_>>();
        let table: [(usize, i32, &[f64]); 14] = [
            (1, 1, &[-1.0 / 2.0, 0.0, 1.0 / 2.0]),
            (1, 2, &[1.0 / 12.0, -2.0 / 3.0, 0.0, 2.0 / 3.0, -1.0 / 12.0]),
            (1, 3, &[-1.0 / 60.0, 3.0 / 20.0, -3.0 / 4.0, 0.0, 3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0]),
            (1, 4, &[1.0 / 280.0, -4.0 / 105.0, 0.2, -0.8, 0.0, 0.8, -0.2, 4.0 / 105.0, -1.0 / 280.0]),
            (2, 1, &[1.0, -2.0, 1.0]),
            (2, 2, &[-1.0 / 12.0, 4.0 / 3.0, -5.0 / 2.0, 4.0 / 3.0, -1.0 / 12.0]),
            (2, 3, &[1.0 / 90.0, -0.15, 1.5, -49.0 / 18.0, 1.5, -0.15, 1.0 / 90.0]),
            (
                2,
                4,
                &[-1.0 / 560.0, 8.0 / 315.0, -0.2, 1.6, -205.0 / 72.0, 1.6, -0.2, 8.0 / 315.0, -1.0 / 560.0],
            ),
            (3, 2, &[-0.5, 1.0, 0.0, -1.0, 0.5]),
            (3, 3, &[1.0 / 8.0, -1.0, 13.0 / 8.0, 0.0, -13.0 / 8.0, 1.0, -1.0 / 8.0]),
            (4, 2, &[1.0, -4.0, 6.0, -4.0, 1.0]),
            (4, 3, &[-1.0 / 6.0, 2.0, -13.0 / 2.0, 28.0 / 3.0, -13.0 / 2.0, 2.0, -1.0 / 6.0]),
            (0, 1, &[0.0, 1.0, 0.0]),
            (0, 2, &[0.0, 0.0, 1.0, 0.0, 0.0]),
        ];
        for (derivative, r, expected) in table {
            assert_close(&finite_difference(derivative, 0.0, &nodes(r)).unwrap(), expected);
        }
    }

    /// Fornberg (1988), table 2: half-way points; table 3: one-sided.
    #[test]
    fn staggered_and_one_sided_weights_are_those_of_the_published_tables() {
        assert_close(&staggered::<1>(1), &[1.0]);
        assert_close(&staggered::<2>(1), &[9.0 / 8.0, -1.0 / 24.0]);
        assert_close(&staggered::<3>(1), &[75.0 / 64.0, -25.0 / 384.0, 3.0 / 640.0]);
        assert_close(&staggered::<4>(1), &[1225.0 / 1024.0, -245.0 / 3072.0, 49.0 / 5120.0, -5.0 / 7168.0]);
        assert_close(&staggered::<1>(0), &[0.5]);
        assert_close(&staggered::<2>(0), &[9.0 / 16.0, -1.0 / 16.0]);
        assert_close(&staggered::<3>(0), &[75.0 / 128.0, -25.0 / 256.0, 3.0 / 256.0]);
        let one_sided = finite_difference(1, 0.0, &[0.0, 1.0, 2.0, 3.0]).unwrap();
        assert_close(&one_sided, &[-11.0 / 6.0, 3.0, -1.5, 1.0 / 3.0]);
        assert_close(&biased::<1>(), &[-1.0, 1.0]);
        assert_close(&biased::<2>(), &[1.0 / 6.0, -1.0, 0.5, 1.0 / 3.0]);
    }

    /// `w_k = 2·(−1)^(k+1)·R!² / (k²·(R−k)!·(R+k)!)` for the second derivative, `k/2` times that
    /// for the first.
    fn check_closed_form<const R: usize>() {
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let second: [f64; R] = std::array::from_fn(|i| {
            let k = i + 1;
            let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
            sign * factorial(R) * factorial(R) / ((k * k) as f64 * factorial(R - k) * factorial(R + k))
        });
        let (center, low, high) = central::<R>(2);
        assert_close(&high, &second);
        assert_eq!(low, high);
        assert_close(&[center], &[-2.0 * second.iter().sum::<f64>()]);
        let (center, low, high) = central::<R>(1);
        assert_close(&high, &std::array::from_fn::<_, R, _>(|i| 0.5 * (i + 1) as f64 * second[i]));
        assert_eq!((center, low), (0.0, high.map(|w| -w)));
    }

    #[test]
    fn central_weights_follow_the_closed_forms_up_to_order_16() {
        check_closed_form::<1>();
        check_closed_form::<2>();
        check_closed_form::<3>();
        check_closed_form::<4>();
        check_closed_form::<5>();
        check_closed_form::<6>();
        check_closed_form::<7>();
        check_closed_form::<8>();
    }

    #[test]
    fn irregular_nodes_differentiate_polynomials_exactly() {
        let nodes = [-1.3, -0.2, 0.1, 0.75, 1.1, 2.0];
        let at = 0.3;
        for derivative in 0..nodes.len() {
            let w = finite_difference(derivative, at, &nodes).unwrap();
            for degree in 0..nodes.len() {
                let sum: f64 = w.iter().zip(nodes).map(|(w, x)| w * x.powi(degree as i32)).sum();
                let falling: f64 = (0..derivative).map(|i| degree as f64 - i as f64).product();
                let exact =
                    if degree < derivative { 0.0 } else { falling * at.powi((degree - derivative) as i32) };
                // rounding: a few units in the last place of the largest term of the sum
                let largest =
                    w.iter().zip(nodes).map(|(w, x)| (w * x.powi(degree as i32)).abs()).fold(1.0, f64::max);
                assert!((sum - exact).abs() < 1e-14 * largest, "{derivative} {degree}: {sum} not {exact}");
            }
        }
    }

    #[test]
    fn too_few_or_equal_nodes_are_refused() {
        let error = finite_difference(2, 0.0, &[0.0, 1.0]).unwrap_err();
        assert!(error.to_string().contains("at least 3 nodes, not 2"), "{error}");
        assert!(finite_difference(1, 0.0, &[0.0, 1.0, 0.0]).unwrap_err().to_string().contains("distinct"));
        assert!(finite_difference(1, f64::NAN, &[0.0, 1.0]).is_err());
        assert!(finite_difference(0, 0.0, &[]).is_err());
    }
}
