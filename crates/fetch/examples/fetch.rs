//! Fetches a kernel source into a store: `fetch STORE path P | url U SHA256 | git U REV | apt PACKAGE [VERSION]`, or
//! unpacks packages for a guest: `fetch STORE packages ARCHITECTURE NAME…`. Prints the directory.
//!
//! The tests of faults run it as a process that is killed, interrupted, or one of two.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kiln_fetch::{Fetch, apt, fetch as fetch_source};
use kiln_plan::SourceSpec;
use kiln_store::{Progress, Store};

/// Prints every task and note as a line on standard error.
struct Lines;

#[expect(clippy::print_stderr, reason = "a program of its own, without the command line's terminal")]
impl Progress for Lines {
    fn begin(&self, task: &str, _total: Option<u64>) {
        eprintln!("{task}");
    }

    fn advance(&self, _done: u64, _item: &str) {}

    fn end(&self) {}

    fn note(&self, line: &str) {
        eprintln!("{line}");
    }
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, without the command line's terminal"
)]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(folder) => {
            println!("{}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let mut next: Option<&dyn Error> = Some(error.as_ref());
            while let Some(error) = next {
                eprintln!("error: {error}");
                next = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    kiln_exec::on_signals()?;
    let (store, args) = args.split_first().ok_or("which store?")?;
    let store = Store::open(Path::new(store))?;
    let env: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let fetch = Fetch { store: &store, progress: &Lines, env: &env, sandbox: &kiln_exec::Sandbox::off() };
    let spec = match *args {
        ["path", path] => SourceSpec::Path(path.into()),
        ["url", url, sha256] => SourceSpec::Url { url: url.into(), sha256: sha256.into() },
        ["git", url, rev] => SourceSpec::Git { url: url.into(), rev: rev.into() },
        ["apt", package] => SourceSpec::Apt { package: package.into(), version: None },
        ["apt", package, version] => SourceSpec::Apt { package: package.into(), version: Some(version.into()) },
        ["packages", architecture, ref names @ ..] => return Ok(apt::packages(&fetch, names, architecture)?),
        _ => return Err("which source?".into()),
    };
    Ok(fetch_source(&fetch, &spec)?.tree)
}
