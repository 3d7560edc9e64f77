//! Runs the examples as a user does: under mpirun, on several ranks × threads, and checks their
//! results.
#![cfg(feature = "hdf5")]

#[path = "examples/first_programs.rs"]
mod first_programs;
#[path = "common/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::time::Duration;

use parhelion::testing::Outcome;
use parhelion_launcher::{Launch, Mpirun};

/// Folder in which `cargo test` builds the examples.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test program knows its own path");
    let folder = test.ancestors().nth(2).expect("…/deps/test");
    let program = folder.join("examples").join(name);
    assert!(program.exists(), "{} is missing: run `cargo build --examples`", program.display());
    program
}

fn run(name: &str, shape: (usize, usize), args: &[&str]) -> Outcome {
    run_in(Path::new("."), name, shape, args)
}

fn run_in(folder: &Path, name: &str, (ranks, threads): (usize, usize), args: &[&str]) -> Outcome {
    let library = mpi::environment::library_version().expect("MPI names itself");
    let mpirun = Mpirun::for_library(&library).expect("there is an mpirun for this MPI");
    let launch = Launch::new(&mpirun, example(name)).args(args).ranks(ranks).threads(threads);
    launch.current_dir(folder).timeout(Duration::from_secs(300)).output().expect("mpirun starts")
}

/// The words after `fingerprint` and `fingerprint of the result`.
fn fingerprints(outcome: &Outcome) -> Vec<String> {
    let words: Vec<&str> = outcome.stdout.split(|c: char| !c.is_alphanumeric()).collect();
    words.into_iter().filter(|word| word.len() == 16).map(str::to_owned).collect()
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for results");
    folder
}

#[test]
fn heat3d_converges_with_order_two_and_the_same_bits() {
    let mut first = None;
    for shape in [(1, 1), (2, 1), (3, 1), (4, 1), (6, 1), (8, 1), (1, 2), (1, 4)] {
        let outcome = run("heat3d", shape, &["--cells", "32"]);
        assert!(outcome.success, "{outcome}");
        let orders: Vec<f64> = outcome
            .stdout
            .split("order ")
            .skip(1)
            .filter_map(|rest| rest.split(';').next()?.parse().ok())
            .collect();
        // 8, 16 and 32 cells: the second order shows once the mode is resolved.
        assert!(orders.len() == 2 && (orders[1] - 2.0).abs() < 0.15, "orders {orders:?}\n{outcome}");
        let bits = fingerprints(&outcome);
        assert_eq!(bits.len(), 3, "{outcome}");
        assert_eq!(first.get_or_insert(bits.clone()), &bits, "bits differ on {shape:?}");
    }
}

#[test]
fn denoise3d_smooths_the_mri_volume_to_the_same_bits_and_files() {
    let folder = folder("denoise3d");
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5");
    let mut first = None;
    for (shape, procs) in [((1, 2), "1x1x1"), ((4, 1), "1x2x2"), ((6, 1), "3x1x2")] {
        let output = folder.join("result.h5");
        let picture = folder.join("result.png");
        let (out, png) = (output.to_string_lossy(), picture.to_string_lossy());
        let args =
            ["--input", input, "--output", &out, "--png", &png, "--steps", "2", "--procs", procs, "--report"];
        let outcome = run("denoise3d", shape, &args);
        assert!(outcome.success, "{outcome}");
        let lines = [
            "million cell updates a second",
            "thread(s) per rank",
            "read t1",
            "exchange image",
            "reduce mean squared gradient",
            "advance perona-malik",
            "write result.h5",
        ];
        for line in lines {
            assert!(
                format!("{}{}", outcome.stdout, outcome.stderr).contains(line),
                "no '{line}' in\n{outcome}"
            );
        }
        let bits = fingerprints(&outcome);
        assert_eq!(bits.len(), 1, "{outcome}");
        let (width, height) = image::image_dimensions(&picture).expect("a picture");
        assert!(width > 600 && height > 500, "the picture has {width} × {height} pixels");
        assert!(output.with_extension("xdmf").exists());
        assert_eq!(first.get_or_insert(bits.clone()), &bits, "bits differ on {shape:?}");
    }
}

#[test]
fn denoise3d_agrees_with_simpleitk() {
    let Some(python) = python::with(&["SimpleITK", "h5py", "numpy"]) else { return };
    let output = folder("denoise3d-itk").join("result.h5");
    let output = output.to_string_lossy();
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5");
    let parameters = ["--steps", "4", "--time-step", "0.05", "--conductance", "2"];
    let outcome =
        run("denoise3d", (3, 1), &[&["--input", input, "--output", &output], &parameters[..]].concat());
    assert!(outcome.success, "{outcome}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/itk_denoise.py");
    let text = python.run(script, [&[input, "t1"], &parameters[..], &["--compare", &output]].concat());
    let report: serde_json::Value = serde_json::from_str(&text).expect("the script prints JSON");
    let difference = report["compare"]["largest_difference"].as_f64().expect("a number");
    // Rounding explains 1.1e-4 of 255 (tests/reference/README.md).
    assert!(difference <= 3e-4, "denoise3d and ITK differ by {difference}");
}

#[test]
fn heat3d_resumes_from_a_checkpoint_with_the_same_bits() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for checkpoints");
    let path = folder.path().join("heat");
    let path = path.to_string_lossy();
    let cells = ["--cells", "32", "--checkpoint", &path];
    // The time limit is over at once: the run ends after the first checkpoint, of 51 steps.
    let outcome =
        run("heat3d", (4, 1), &[&cells[..], &["--checkpoint-every", "20", "--time-limit", "0"]].concat());
    assert!(outcome.success && outcome.stdout.contains("time limit reached: saved step 20 in "), "{outcome}");
    assert_eq!(fingerprints(&outcome).len(), 2, "the finest grid is not done:\n{outcome}");
    let outcome = run("heat3d", (6, 1), &[&cells[..], &["--restart", "--checkpoint-every", "15"]].concat());
    assert!(outcome.success && outcome.stdout.contains("resumes from step 20 of "), "{outcome}");
    let straight = run("heat3d", (1, 1), &["--cells", "32"]);
    assert_eq!(fingerprints(&outcome), fingerprints(&straight));
    let other = run("heat3d", (2, 1), &[&cells[..], &["--restart", "--time", "0.006"]].concat());
    assert!(!other.success && other.stderr.contains("whose time step is 9.8"), "{other}");
}

#[test]
fn denoise3d_resumes_from_a_checkpoint_with_the_same_bits() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for checkpoints");
    let [path, output] = ["image", "result.h5"].map(|name| folder.path().join(name).display().to_string());
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5");
    let job = ["--input", input, "--output", &output, "--checkpoint", &path, "--steps", "3"];
    let outcome =
        run("denoise3d", (3, 1), &[&job[..], &["--checkpoint-every", "2", "--time-limit", "0"]].concat());
    assert!(outcome.success && outcome.stdout.contains("saved step 1 in "), "{outcome}");
    let outcome = run("denoise3d", (2, 1), &[&job[..], &["--restart"]].concat());
    assert!(outcome.success && outcome.stdout.contains("resumes from step 1 of "), "{outcome}");
    let straight = run("denoise3d", (4, 1), &job);
    assert_eq!(fingerprints(&outcome), fingerprints(&straight));
}

#[test]
fn mistakes_on_the_command_line_are_told_once_and_end_the_job() {
    let outcome = run("denoise3d", (3, 1), &["--output", "x.h5"]);
    assert!(!outcome.success && !outcome.timed_out);
    assert_eq!(
        outcome.stderr.matches("--input").count(),
        outcome.ranks()[0].stderr.matches("--input").count()
    );
    let outcome = run("denoise3d", (2, 1), &["--input", "no such file.h5", "--output", "x.h5"]);
    // All ranks have the error, but the first to exit may end the others before they print it.
    assert!(
        !outcome.success && outcome.ranks().iter().any(|rank| rank.stderr.contains("no such file.h5")),
        "{outcome}"
    );
}

#[test]
fn heat3d_resumes_its_outputs_and_pictures_as_if_it_had_never_stopped() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for outputs");
    let run = |shape, name: &str, more: &[&str]| {
        let path = |end: &str| folder.path().join(format!("{name}{end}")).to_string_lossy().into_owned();
        let (series, checkpoint, pictures) = (path(".h5"), path("-check"), path(""));
        let args = ["--cells", "16", "--output-every", "5", "--series", &series, "--png-every", "4"];
        let args = [&args[..], &["--pictures", &pictures, "--checkpoint", &checkpoint], more].concat();
        let outcome = run("heat3d", shape, &args);
        assert!(outcome.success, "{outcome}");
    };
    run((1, 1), "straight", &[]);
    run((3, 1), "again", &["--checkpoint-every", "5", "--time-limit", "0"]);
    run((2, 1), "again", &["--restart"]);
    // 16 cells make 13 steps.
    for step in [0, 4, 8, 12] {
        let picture = |name| std::fs::read(folder.path().join(format!("{name}.{step:06}.png")));
        let [straight, again] = ["straight", "again"].map(|name| picture(name).expect("a picture"));
        assert!(straight.starts_with(b"\x89PNG") && straight == again, "the pictures of step {step} differ");
    }
    let Some(python) = python::with(&["h5py", "numpy"]) else { return };
    let script = folder.path().join("compare.py");
    let text = "import sys, h5py\n\
        a, b = (h5py.File(f'{sys.argv[1]}/{name}.h5') for name in ('straight', 'again'))\n\
        same = all((a[k][()] == b[k][()]).all() for k in ('temperature', 'time'))\n\
        print(a['temperature'].shape, same)\n";
    std::fs::write(&script, text).expect("a script");
    let (script, folder) = (script.to_string_lossy(), folder.path().to_string_lossy());
    assert_eq!(python.run(&script, [&*folder]).trim(), "(3, 16, 16, 16) True");
}

#[test]
fn files_that_could_not_be_written_are_refused_before_anything_is_computed() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for results");
    let missing = folder.path().join("missing");
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5");
    let file = missing.join("file").display().to_string();
    let output = folder.path().join("x.h5").display().to_string();
    let cases: [(&str, &[&str]); 9] = [
        ("heat3d", &["--checkpoint-every", "5", "--checkpoint", &file]),
        ("heat3d", &["--output-every", "5", "--series", &file]),
        ("heat3d", &["--png-every", "5", "--pictures", &file]),
        ("heat3d", &["--output", &file]),
        ("denoise3d", &["--input", input, "--output", &output, "--png", &file]),
        ("denoise3d", &["--input", input, "--output", &file]),
        ("poisson3d", &["--plot", &file]),
        ("implicit_heat2d", &["--output", &file]),
        ("npb_mg", &["--trace", &file]),
    ];
    let hint = format!("there is no directory {0}; create it with `mkdir -p {0}`", missing.display());
    for (name, args) in cases {
        let outcome = run_in(folder.path(), name, (2, 1), args);
        let told = outcome.ranks().iter().any(|rank| rank.stderr.contains(&hint));
        assert!(!outcome.success && told && !outcome.stdout.contains("cells"), "{name} {args:?}: {outcome}");
    }
    let outcome = run_in(folder.path(), "heat3d", (2, 1), &["--png-every", "0"]);
    assert!(!outcome.success && !outcome.stdout.contains("cells"), "{outcome}");
    let files = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(files, 0, "a refused run leaves no files");
}

/// The number after `word` in the output of the first rank.
fn number_after(outcome: &Outcome, word: &str) -> f64 {
    let text = outcome.stdout.split(word).nth(1).unwrap_or_else(|| panic!("no '{word}' in\n{outcome}"));
    let number = text.trim_start().split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
    number.parse().unwrap_or_else(|_| panic!("no number after '{word}' in\n{outcome}"))
}

#[test]
fn npb_mg_verifies_class_s_with_the_same_bits() {
    let mut first = None;
    for shape in [(1, 1), (1, 3), (2, 1), (2, 2), (4, 1), (8, 1)] {
        let outcome = run("npb_mg", shape, &["--class", "S"]);
        assert!(outcome.success && outcome.stdout.contains(": verified"), "{outcome}");
        // The residual of the right-hand side alone separates errors of the generator from those of
        // the stencils.
        let start = number_after(&outcome, "points: residual");
        assert!((start / 2.4705294220065e-2 - 1.0).abs() < 1e-12, "{outcome}");
        let bits = fingerprints(&outcome);
        assert_eq!(bits.len(), 1, "{outcome}");
        assert_eq!(first.get_or_insert(bits.clone()), &bits, "bits differ on {shape:?}");
    }
}

#[test]
fn implicit_heat2d_reproduces_the_temperatures_of_tealeaf() {
    // From UK-MAC/TeaLeaf_ref, Benchmarks/tea_bm_1.out and tea_bm_2.out.
    for (cells, temperature) in [("10", 157.55084183279294), ("250", 106.27221178646569)] {
        let mut first = None;
        for (shape, solver) in [((1, 2), "cg"), ((3, 1), "cg"), ((4, 1), "mgcg")] {
            let outcome = run("implicit_heat2d", shape, &["--cells", cells, "--solver", solver]);
            assert!(outcome.success, "{outcome}");
            let found = number_after(&outcome, "temperature");
            assert!((found / temperature - 1.0).abs() < 1e-9, "{cells}² by {solver}: {found}\n{outcome}");
            assert!((number_after(&outcome, "mass") / 8401.6 - 1.0).abs() < 1e-12, "{outcome}");
            assert!((number_after(&outcome, "energy") / 3.49 - 1.0).abs() < 1e-11, "{outcome}");
            if solver == "cg" {
                let bits = fingerprints(&outcome);
                assert_eq!(bits.len(), 1, "{outcome}");
                assert_eq!(first.get_or_insert(bits.clone()), &bits, "bits differ on {shape:?}");
            }
        }
    }
    let folder = folder("implicit_heat2d");
    let deck = folder.join("wrong.in");
    std::fs::write(&deck, "*tea\nstate 1 density=-1 energy=1\n*endtea\n").expect("a deck");
    let outcome = run("implicit_heat2d", (2, 1), &["--deck", &deck.to_string_lossy()]);
    assert!(
        !outcome.success && outcome.ranks().iter().any(|rank| rank.stderr.contains("positive density")),
        "{outcome}"
    );
}

#[test]
fn poisson3d_converges_with_order_two_and_the_same_bits() {
    let folder = folder("poisson3d");
    let (plot, output) = (folder.join("convergence.svg"), folder.join("u.h5"));
    let (svg, h5) = (plot.to_string_lossy(), output.to_string_lossy());
    let mut errors = Vec::new();
    for cells in ["20", "40"] {
        let mut first = None;
        for shape in [(1, 2), (3, 1), (4, 1)] {
            let args = ["--exact", "--cells", cells, "--tol", "1e-10", "--plot", &svg, "--output", &h5];
            let outcome = run("poisson3d", shape, &args);
            assert!(outcome.success && outcome.stdout.contains("cells: converged after"), "{outcome}");
            let bits = fingerprints(&outcome);
            assert_eq!(bits.len(), 1, "{outcome}");
            assert_eq!(first.get_or_insert(bits.clone()), &bits, "bits differ on {shape:?}");
            if shape == (1, 2) {
                errors.push(number_after(&outcome, "largest error"));
            }
        }
    }
    let order = (errors[0] / errors[1]).log2();
    assert!((order - 2.0).abs() < 0.05, "errors {errors:?}");
    assert!(std::fs::read_to_string(&plot).is_ok_and(|text| text.contains("<svg")));
    for args in [["--solver", "mgcg32", "--coefficient", "smooth"], ["--walls", "mixed", "--solver", "mg64"]]
    {
        let outcome = run("poisson3d", (2, 1), &[&["--cells", "24"], &args[..]].concat());
        assert!(outcome.success && outcome.stdout.contains("converged after"), "{outcome}");
    }
    let outcome = run("poisson3d", (2, 1), &["--cells", "24", "--levels"]);
    // 24³, 12³, 6³ and 3³ cells
    assert!(outcome.success && outcome.stdout.matches(" × ").count() == 2 * 5, "{outcome}");
    assert!(outcome.stdout.contains("bytes a cell of the finest level"), "{outcome}");
}

/// Another run's solution as the right-hand side: of the eigenvector sin πz sin πy sin πx, solved
/// twice.
#[test]
fn poisson3d_solves_for_a_right_hand_side_from_a_file_and_draws_it() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for outputs");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [first, second, png, svg] = ["first.h5", "second.h5", "u.png", "convergence.svg"].map(path);
    let args = ["--exact", "--cells", "16", "--tol", "1e-12", "--output", &first];
    let outcome = run("poisson3d", (2, 1), &args);
    assert!(outcome.success, "{outcome}");
    let args = ["--input", &first, "--dataset", "u", "--tol", "1e-12"];
    let mut bits = None;
    for (shape, solver) in [((1, 2), "pipelined-cg"), ((3, 1), "pipelined-cg"), ((4, 1), "mg64")] {
        let more = ["--solver", solver, "--output", &second, "--png", &png, "--plot", &svg];
        let outcome = run("poisson3d", shape, &[&args[..], &more].concat());
        assert!(outcome.success && outcome.stdout.contains("16 × 16 × 16 cells: converged"), "{outcome}");
        if solver == "pipelined-cg" {
            let found = fingerprints(&outcome);
            assert_eq!(bits.get_or_insert(found.clone()), &found, "bits differ on {shape:?}");
        }
        let (width, height) = image::image_dimensions(&png).expect("a picture");
        assert!(width > 400 && height > 400, "the picture has {width} × {height} pixels");
        assert!(
            std::fs::read_to_string(&svg).is_ok_and(|text| text.contains("<svg") && text.contains("factor"))
        );
        // The eigenvalue of the discrete operator, 3 · 4/h² sin²(π/2n).
        let Some(python) = python::with(&["h5py", "numpy"]) else { return };
        let script = path("compare.py");
        let text = "import sys, h5py, numpy as np\n\
            f, u = (h5py.File(name)['u'][()] for name in sys.argv[1:])\n\
            want = 12 * 256 * np.sin(np.pi / 32) ** 2\n\
            print(abs(want * u / f - 1).max() < 1e-10)\n";
        std::fs::write(&script, text).expect("a script");
        assert_eq!(python.run(&script, [&*first, &*second]).trim(), "True", "{solver}");
    }
}

#[test]
fn a_solve_that_does_not_converge_ends_with_an_error() {
    let told = |name: &str, args: &[&str], what: &str| {
        let outcome = run(name, (2, 1), args);
        let tells = outcome.ranks().iter().any(|rank| rank.stderr.contains(what));
        assert!(!outcome.success && !outcome.timed_out && tells, "{outcome}");
    };
    let few = ["--cells", "16", "--solver", "cg", "--max-iterations", "3"];
    told("poisson3d", &few, "has not converged after 3 iteration(s)");
    let deck = folder("implicit_heat2d").join("few.in");
    let text = "*tea\nstate 1 density=100 energy=0.0001\nstate 2 density=0.1 energy=25 geometry=rectangle xmin=0 xmax=1 ymin=1 \
        ymax=2\nx_cells=20\ny_cells=20\nend_step=1\ntl_max_iters=2\n*endtea\n";
    std::fs::write(&deck, text).expect("a deck");
    let args = ["--deck", &*deck.to_string_lossy(), "--solver", "cg"];
    told("implicit_heat2d", &args, "step 1: the solve has not converged after 2 iteration(s)");
    told(
        "poisson3d",
        &["--exact", "--walls", "periodic"],
        "--exact knows the solution for --walls dirichlet",
    );
    told(
        "poisson3d",
        &["--exact", "--coefficient", "jump"],
        "--exact knows the solution for --walls dirichlet",
    );
}
