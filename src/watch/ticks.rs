//! Round numbers for the scales of pictures.

/// Round numbers from `low` to `high`, about six, with the text of each.
pub(super) fn ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let range = high - low;
    if !range.is_finite() || range <= 0.0 {
        return vec![(low, text(low, 0.0))];
    }
    let rough = range / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|&step| step >= rough);
    let step = step.unwrap_or(rough);
    let first = (low / step - 1e-9).ceil();
    (0..8)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|&value| value <= high + 1e-9 * step)
        .map(|value| (value, text(value, step)))
        .collect()
}

/// A number with enough digits to tell it from others `step` away.
pub(super) fn text(value: f64, step: f64) -> String {
    let size = value.abs().max(step.abs());
    if value == 0.0 || value.abs() < 1e-9 * step {
        return "0".into();
    }
    if !(1e-3..1e5).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = if step > 0.0 { (1.5 - step.log10()).floor().clamp(0.0, 9.0) as usize } else { 4 };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64) -> Vec<String> {
        ticks(low, high).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn numbers_are_round_and_inside() {
        assert_eq!(texts(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(texts(-0.37, 0.41), ["-0.2", "0", "0.2", "0.4"]);
        assert_eq!(texts(0.0, 512.0), ["0", "200", "400"]);
        assert_eq!(texts(0.0, 4e-7), ["0", "1.00e-7", "2.00e-7", "3.00e-7", "4.00e-7"]);
        assert_eq!(texts(3.0, 3.0), ["3"]);
        assert_eq!(texts(f64::NAN, 1.0).len(), 1);
    }

    #[test]
    fn ticks_lie_in_their_range_whatever_it_is() {
        for exponent in -300..300 {
            let (low, high) = (-0.3 * 10_f64.powi(exponent), 1.7 * 10_f64.powi(exponent));
            let ticks = ticks(low, high);
            assert!((2..=8).contains(&ticks.len()), "{exponent}: {ticks:?}");
            assert!(ticks.iter().all(|&(value, _)| value >= low * 1.01 && value <= high * 1.01));
        }
    }
}
