//! The first programs of the README and of `examples/`.

use crate::{number_after, run_in};

/// Returns what a program prints. Output and picture must be the same on all shapes.
fn prints(name: &str, args: &[&str], picture: Option<&str>) -> parhelion::testing::Outcome {
    let mut first = None;
    for shape in [(1, 2), (2, 1), (3, 1)] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for results");
        let outcome = run_in(folder.path(), name, shape, args);
        assert!(outcome.success, "{outcome}");
        let drawn = picture.map(|file| std::fs::read(folder.path().join(file)).expect("a picture"));
        let (same, same_drawn) = first.get_or_insert_with(|| (outcome.clone(), drawn.clone()));
        assert_eq!(same.stdout, outcome.stdout, "{name} on {shape:?}");
        assert!(*same_drawn == drawn, "the picture of {name} differs on {shape:?}");
    }
    first.expect("there is a shape").0
}

#[test]
fn the_first_program_of_the_readme_is_an_example() {
    let readme = include_str!("../../README.md");
    let program = readme.split("```rust\n").nth(1).and_then(|rest| rest.split_once("\n```\n"));
    let program = program.expect("README.md begins with a program").0;
    // The comments at the top of the example are text in the README.
    let example = include_str!("../../examples/heat.rs").split_once("\n\n").expect("comments, then code").1;
    assert_eq!(program, example.trim_end(), "README.md and examples/heat.rs differ");
}

#[test]
fn heat_cools_as_in_infinite_space() {
    let outcome = prints("heat", &[], Some("heat.png"));
    let time = 200.0 * 0.1 / (64.0 * 64.0);
    let exact = (1.0_f64 + 160.0 * time).powf(-1.5);
    // The walls are far away. The hottest cell is half a cell from the center, and cells are 1/64
    // wide.
    assert!((number_after(&outcome, "hottest cell") - exact).abs() < 3e-3, "{exact} expected\n{outcome}");
}

#[test]
fn poisson_finds_the_exact_solution() {
    let outcome = prints("poisson", &[], None);
    assert!(outcome.stdout.contains("converged after"), "{outcome}");
    // The discrete eigenvalue 4/h² sin²(πh/2) is smaller than π² by the relative π²h²/12.
    let expected = (std::f64::consts::PI / 256.0).powi(2) / 12.0;
    assert!((number_after(&outcome, "largest error") / expected - 1.0).abs() < 0.1, "{outcome}");
}

#[test]
fn wave_stands_as_the_exact_one() {
    let outcome = prints("wave", &[], None);
    let lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.contains("computed")).collect();
    assert_eq!(lines.len(), 10, "{outcome}");
    for line in lines {
        let number = |word| line.split(word).nth(1)?.split(',').next()?.trim().parse::<f64>().ok();
        let [computed, exact] = ["computed", "exact"].map(|word| number(word).expect("a number"));
        assert!((computed - exact).abs() < 2e-4, "{line}");
    }
}

#[test]
fn sod_has_the_densities_between_the_waves() {
    let outcome = prints("sod", &[], None);
    let lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.contains("computed")).collect();
    assert_eq!(lines.len(), 4, "{outcome}");
    for line in lines {
        let number = |word| line.split(word).nth(1)?.split(',').next()?.trim().parse::<f64>().ok();
        let [computed, exact] = ["computed", "exact"].map(|word| number(word).expect("a number"));
        assert!((computed - exact).abs() < 1e-3, "{line}");
    }
}

/// A loop over plain arrays, written from the equations.
fn gray_scott_means(steps: usize) -> [f64; 2] {
    const N: usize = 192;
    let square = |j: usize, i: usize| {
        (80..100).contains(&j) && (70..90).contains(&i) || (112..120).contains(&j) && (120..128).contains(&i)
    };
    let start = |inside, outside| -> Vec<f64> {
        (0..N * N).map(|k| if square(k / N, k % N) { inside } else { outside }).collect()
    };
    let (mut u, mut v) = (start(0.5, 1.0), start(0.25, 0.0));
    for _ in 0..steps {
        let laplacian = |c: &[f64], j: usize, i: usize| {
            let at = |dj: usize, di: usize| c[(j + dj) % N * N + (i + di) % N];
            at(N - 1, 0) + at(1, 0) + at(0, N - 1) + at(0, 1) - 4.0 * at(0, 0)
        };
        let next = |k: usize| {
            let (reaction, [du, dv]) = (u[k] * v[k] * v[k], [&u, &v].map(|c| laplacian(c, k / N, k % N)));
            (
                u[k] + 0.16 * du - reaction + 0.035 * (1.0 - u[k]),
                v[k] + 0.08 * dv + reaction - (0.035 + 0.065) * v[k],
            )
        };
        (u, v) = (0..N * N).map(next).unzip();
    }
    [u, v].map(|c| c.iter().sum::<f64>() / (N * N) as f64)
}

#[test]
fn gray_scott_agrees_with_a_plain_loop() {
    let outcome = prints("gray_scott", &["400"], Some("gray_scott.png"));
    let last = outcome.stdout.split("step 400: mean of ").nth(1).unwrap_or_else(|| panic!("{outcome}"));
    let numbers = last.split(['u', 'v', ',', ' ', '\n']).filter_map(|word| word.parse::<f64>().ok());
    let numbers: Vec<f64> = numbers.take(2).collect();
    let expected = gray_scott_means(400);
    // Sums of 192² numbers in another order.
    assert_eq!(numbers.len(), 2, "{outcome}");
    assert!(numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{expected:?}\n{outcome}");
}
