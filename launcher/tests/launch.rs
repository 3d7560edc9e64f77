//! Small real programs under every `mpirun` that is installed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use parhelion_launcher::{Binding, Cores, Launch, Mpirun, Vendor};

/// Longer than any of these jobs takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `test` with each vendor's `mpirun` found here; at least one must be.
fn with_each_mpirun(test: impl Fn(&Mpirun)) {
    let vendors = [Vendor::OpenMpi, Vendor::Mpich, Vendor::IntelMpi];
    let found: Vec<_> = vendors.into_iter().filter_map(|vendor| Mpirun::find_vendor(vendor).ok()).collect();
    assert!(!found.is_empty(), "these tests need an mpirun: {}", Mpirun::find().unwrap_err());
    for mpirun in &found {
        println!("{mpirun}");
        test(mpirun);
    }
}

fn shell(mpirun: &Mpirun, script: &str) -> Launch {
    Launch::new(mpirun, "sh").args(["-c", script]).timeout(LIMIT)
}

/// The rank, as a shell script of either vendor sees it.
const RANK: &str = "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}";

/// Waits up to 5 s for no process to have `needle` among its arguments, and says whether that came.
fn vanishes(needle: &str) -> bool {
    let runs = || {
        fs::read_dir("/proc").unwrap().flatten().any(|process| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            line.split(|&byte| byte == 0).any(|argument| argument == needle.as_bytes())
        })
    };
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        if !runs() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn each_rank_has_its_own_output() {
    with_each_mpirun(|mpirun| {
        let script = format!("echo out {RANK}; echo err {RANK} >&2");
        for ranks in [1, 2, 3, 8] {
            let outcome = shell(mpirun, &script).ranks(ranks).output().unwrap();
            assert!(outcome.success && !outcome.timed_out, "{outcome}");
            assert_eq!(outcome.ranks().len(), ranks);
            for (rank, output) in outcome.ranks().iter().enumerate() {
                assert_eq!(output.stdout, format!("out {rank}\n"), "{outcome}");
                assert_eq!(output.stderr, format!("err {rank}\n"), "{outcome}");
            }
            // no warnings of mpirun either
            assert_eq!(outcome.launcher, "", "{outcome}");
            assert_eq!(outcome.stdout.lines().count(), ranks);
        }
    });
}

#[test]
fn much_output_arrives_whole() {
    // 20,000 short lines are more than Open MPI's tagged output keeps; 1 MB is more than a pipe
    // holds
    let script =
        "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; head -c 1000000 /dev/zero | tr '\\0' x";
    let expected: String = (0..20000)
        .map(|i| format!("{i}\n"))
        .chain([String::from_utf8(vec![b'x'; 1_000_000]).unwrap()])
        .collect();
    with_each_mpirun(|mpirun| {
        let outcome = shell(mpirun, script).ranks(2).output().unwrap();
        assert!(outcome.success, "{}", outcome.launcher);
        assert!(outcome.ranks().iter().all(|rank| rank.stdout == expected));
    });
}

#[test]
fn arguments_arrive_unchanged() {
    let odd = ["", "two words", "it's", "$HOME `x` \\", "--", "-n", "ünïcode\nline"];
    with_each_mpirun(|mpirun| {
        let launch =
            Launch::new(mpirun, "sh").args(["-c", r#"printf '<%s>' "$@""#, "sh"]).args(odd).timeout(LIMIT);
        let expected: String = odd.iter().map(|arg| format!("<{arg}>")).collect();
        let outcome = launch.output().unwrap();
        assert_eq!(outcome.ranks()[0].stdout, expected, "{outcome}");
        // and what Display shows runs the same in a shell
        let pasted = Command::new("sh").args(["-c", &launch.to_string()]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&pasted.stdout), expected, "{launch}");
    });
}

#[test]
fn environment_threads_and_folder_reach_the_ranks() {
    let folder = fs::canonicalize(std::env::temp_dir()).unwrap();
    with_each_mpirun(|mpirun| {
        let launch = shell(mpirun, "echo $PARHELION_THREADS $GREETING; pwd -P").ranks(2).threads(3);
        let outcome = launch.env("GREETING", "good day").current_dir(&folder).output().unwrap();
        assert!(outcome.success, "{outcome}");
        for rank in outcome.ranks() {
            assert_eq!(rank.stdout, format!("3 good day\n{}\n", folder.display()), "{outcome}");
        }
    });
}

#[test]
fn the_time_limit_ends_every_process_and_keeps_what_was_written() {
    with_each_mpirun(|mpirun| {
        // the ranks ignore the polite signal, and leave a child in the background
        let unique = format!("300.{}{}", std::process::id(), mpirun.vendor() as u8);
        let script = format!("trap '' TERM INT; echo before; sleep {unique} & sleep {unique}; echo after");
        // ample for the ranks to start, however slow this machine is just now
        let start = shell(mpirun, "true").ranks(3).output().unwrap().elapsed;
        let limit = Duration::from_secs(1) + 5 * start;
        let outcome = shell(mpirun, &script).ranks(3).timeout(limit).output().unwrap();
        assert!(outcome.timed_out && !outcome.success && outcome.status.is_none(), "{outcome}");
        assert!(outcome.elapsed >= limit && outcome.elapsed < limit + Duration::from_secs(10), "{outcome}");
        assert!(outcome.ranks().iter().all(|rank| rank.stdout == "before\n"), "{outcome}");
        assert!(outcome.to_string().contains("killed at its time limit"), "{outcome}");
        assert!(vanishes(&unique), "a rank of {mpirun} outlived the job");
    });
}

#[test]
fn run_reports_the_time_limit_as_an_error_with_the_command() {
    with_each_mpirun(|mpirun| {
        let unique = format!("301.{}{}", std::process::id(), mpirun.vendor() as u8);
        let launch = Launch::new(mpirun, "sleep").arg(&unique).ranks(2).timeout(Duration::from_millis(500));
        let message = launch.run().unwrap_err().to_string();
        assert!(message.contains("0.5 s") && message.contains(&unique), "{message}");
        assert!(vanishes(&unique));
        assert!(Launch::new(mpirun, "true").ranks(2).tagged(true).timeout(LIMIT).run().unwrap().success());
    });
}

#[test]
fn a_failing_rank_fails_the_job() {
    with_each_mpirun(|mpirun| {
        let outcome = shell(mpirun, &format!("echo {RANK}; exit {RANK}")).ranks(2).output().unwrap();
        assert!(!outcome.success && !outcome.timed_out, "{outcome}");
        assert_eq!(outcome.status.unwrap().code(), Some(1), "{outcome}");
    });
}

#[test]
fn a_killed_rank_ends_the_job() {
    with_each_mpirun(|mpirun| {
        let unique = format!("302.{}{}", std::process::id(), mpirun.vendor() as u8);
        let script = format!("echo alive; test {RANK} = 1 && kill -9 $$; exec sleep {unique}");
        let outcome = shell(mpirun, &script).ranks(2).output().unwrap();
        assert!(!outcome.success && !outcome.timed_out, "{outcome}");
        assert!(outcome.elapsed < Duration::from_secs(10), "{outcome}");
        assert_eq!(outcome.ranks()[1].stdout, "alive\n", "{outcome}");
        // that it failed and something about it is all that can be relied on: Open MPI does not
        // always name the signal, and Hydra trips over a rank that ends during its start-up
        assert!(!outcome.launcher.is_empty(), "{outcome}");
        assert!(vanishes(&unique));
    });
}

#[test]
fn a_missing_program_is_a_failed_job() {
    with_each_mpirun(|mpirun| {
        let outcome = Launch::new(mpirun, "/no/such/program").timeout(LIMIT).output().unwrap();
        assert!(!outcome.success, "{outcome}");
        assert!(outcome.stderr.contains("/no/such/program"), "{outcome}");
    });
}

#[test]
fn binding_gives_each_rank_its_cores() {
    let cores = Cores::available();
    let mask = "grep Cpus_allowed_list /proc/self/status";
    with_each_mpirun(|mpirun| {
        let allowed = |ranks, binding| {
            let launch = shell(mpirun, mask).ranks(ranks).threads(1).binding(binding);
            let outcome = launch.output().unwrap();
            assert!(outcome.success, "{outcome}");
            outcome.ranks().iter().map(|rank| rank.stdout.clone()).collect::<Vec<_>>()
        };
        let here = fs::read_to_string("/proc/self/status").unwrap();
        let unbound = here.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap();
        assert!(allowed(2, Binding::None).iter().all(|line| line.trim_end() == unbound), "{mpirun}");
        if cores.physical >= 2 {
            let bound = allowed(2, Binding::Cores);
            assert_ne!(bound[0], bound[1], "{mpirun} put both ranks on one core");
        }
        // more than there are: unbound rather than refused
        assert!(allowed(cores.physical + 1, Binding::Cores).iter().all(|line| line.trim_end() == unbound));
    });
}

#[test]
fn impossible_requests_are_refused_with_a_sentence() {
    with_each_mpirun(|mpirun| {
        let message = Launch::new(mpirun, "true").ranks(0).output().unwrap_err().to_string();
        assert_eq!(message, "0 ranks were asked for; at least 1 is needed");
        let message = Launch::new(mpirun, "true").threads(0).run().unwrap_err().to_string();
        assert!(message.starts_with("0 threads"), "{message}");
    });
    let message = Mpirun::at("/no/such/mpirun").unwrap_err().to_string();
    assert!(message.contains("/no/such/mpirun --version"), "{message}");
    let message = Mpirun::at("echo").unwrap_err().to_string();
    assert!(message.contains("of no MPI vendor known here"), "{message}");
}

#[test]
fn a_library_gets_the_mpirun_of_its_vendor() {
    with_each_mpirun(|mpirun| {
        let library = match mpirun.vendor() {
            Vendor::OpenMpi => "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4",
            Vendor::Mpich => "MPICH Version:\t4.0.2\n",
            Vendor::IntelMpi => "Intel(R) MPI Library 2021.8 for Linux* OS\n",
        };
        let found = Mpirun::for_library(library).unwrap();
        // Where the user named one, it is taken for any library.
        let vendor = match std::env::var_os("PARHELION_MPIRUN") {
            Some(named) => Mpirun::at(named).unwrap().vendor(),
            None => mpirun.vendor(),
        };
        assert!(found.vendor().starts(vendor), "{library}: {found}");
        assert!(found.path().is_absolute() && Path::new(found.path()).is_file(), "{found}");
    });
    let message = Mpirun::for_library("LAM 7.1").unwrap_err().to_string();
    assert!(message.contains("`LAM 7.1`"), "{message}");
}
