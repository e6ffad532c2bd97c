//! The same single requests, answered by kconfig-mcp too.
//!
//! Both start from the whole `.config` of a base. Each answer is tried by the tree's own `conf`: the settings are written
//! into that `.config`, then `olddefconfig`. Size and harm are counted alike for both, by this project's definition
//! (docs/concepts/fixes.md).

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use kiln_fix::{Budget, Cost, Outcome, Problem, Setting, cost_of};
use kiln_kconfig::{BaseValues, Evaluation, Model, Request};
use serde_json::{Value, json};

use super::draw::{Draw, shown};
use super::ground::{Case, Ground, Judge};
use super::report::shares;
use super::{Args, fixes_of, processor_seconds, solve};
use crate::kconfig_matrix::machine::Machine;

const SCRIPT: &str = include_str!("peer.py");

/// Counts of requests that do not hold already.
#[derive(Debug, Default)]
pub(super) struct Compared {
    n_requests: usize,
    /// Those with an answer that `conf` confirms, of kiln and of the peer.
    n_solved: [usize; 2],
    /// Answers of the peer that `conf` does not confirm.
    n_refuted: usize,
    /// Those that the peer solves and kiln does not, without those that ran out of time.
    n_missed: usize,
    /// Those that both solve: kiln's answer is of a lower grade of harm, of the same, of a higher.
    grades: [usize; 3],
    /// The same for the number of settings, where the grades are equal.
    sizes: [usize; 3],
    /// Drastic answers among those that both solve.
    n_drastic: [usize; 2],
    /// Answers of kiln that `conf` does not confirm.
    pub(super) n_wrong: usize,
    seconds: [Vec<f64>; 2],
}

impl Compared {
    /// Titles of the columns; pairs are kiln and the peer, triples are kiln less, equal and more.
    pub(super) const HEAD: &str = "                         requests    solved  refuted  missed            grade             size   drastic  wrong     median        95 %";

    pub(super) fn add(&mut self, other: Compared) {
        let pairs = [(&mut self.n_solved, other.n_solved), (&mut self.n_drastic, other.n_drastic)];
        for (sum, more) in pairs {
            (0..2).for_each(|index| sum[index] += more[index]);
        }
        for (sum, more) in [(&mut self.grades, other.grades), (&mut self.sizes, other.sizes)] {
            (0..3).for_each(|index| sum[index] += more[index]);
        }
        self.n_requests += other.n_requests;
        self.n_refuted += other.n_refuted;
        self.n_missed += other.n_missed;
        self.n_wrong += other.n_wrong;
        let [kiln, peer] = other.seconds;
        self.seconds[0].extend(kiln);
        self.seconds[1].extend(peer);
    }

    pub(super) fn line(&self, name: &str) -> String {
        let pair = |pair: [String; 2]| pair.join("/");
        let counts = |counts: &[usize]| counts.iter().map(usize::to_string).collect::<Vec<_>>().join("/");
        let [kiln, peer] = [&self.seconds[0], &self.seconds[1]].map(|seconds| shares(seconds));
        let seconds = |index: usize| pair([kiln[index], peer[index]].map(|seconds| format!("{seconds:.2}")));
        format!(
            "{name:24} {:8} {:>9} {:8} {:7} {:>16} {:>16} {:>9} {:6} {:>8} s {:>9} s",
            self.n_requests,
            counts(&self.n_solved),
            self.n_refuted,
            self.n_missed,
            counts(&self.grades),
            counts(&self.sizes),
            counts(&self.n_drastic),
            self.n_wrong,
            seconds(0),
            seconds(1)
        )
    }
}

/// Compares the answers over all bases of an architecture.
#[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
pub(super) fn run(
    args: &Args,
    python: &Path,
    machine: &Machine,
    judge: &mut Judge<'_>,
    grounds: &[Ground],
) -> Result<Compared> {
    let mut peer = Peer::start(python, machine, args.deadline)?;
    let mut whole = Compared::default();
    for (index, ground) in (0..).zip(grounds) {
        let seed = args.seed + index * args.draws;
        let file = machine.work.join("peer.config");
        std::fs::write(&file, &ground.all)?;
        peer.ask(&json!({ "config": file }))?;
        let mut compared = Compared::default();
        for number in seed..seed + args.draws {
            compare(args, number, ground, judge, &mut peer, &mut compared)?;
        }
        println!("{}", compared.line(&format!("{} {}", machine.arch, ground.name)));
        whole.add(compared);
    }
    Ok(whole)
}

#[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
fn compare(
    args: &Args,
    number: u64,
    ground: &Ground,
    judge: &mut Judge<'_>,
    peer: &mut Peer,
    compared: &mut Compared,
) -> Result<()> {
    let model = judge.model;
    let values = BaseValues::All;
    let draw = Draw::single(&ground.resolve(model, values, &[]), number);
    let Some(request) = draw.requests.first() else { return Ok(()) };
    let now = ground.resolve(model, values, &draw.requests);
    let spent = processor_seconds();
    let solution = solve(&now, &draw, args.deadline);
    let seconds = processor_seconds() - spent;
    if solution.outcome == Outcome::Holds && solution.set_aside.is_empty() {
        return Ok(());
    }
    compared.n_requests += 1;
    compared.seconds[0].push(seconds);
    let is_late = matches!(solution.outcome, Outcome::OutOfTime(_) | Outcome::NoMemory(_));
    let is_aside = !solution.set_aside.is_empty();
    let own = fixes_of(solution.outcome).into_iter().next().filter(|_| !is_aside);
    let mut answers: [Option<(Vec<Setting>, Option<Cost>)>; 2] = [None, None];
    if let Some(fix) = own {
        let case = Case { ground, values, requests: &draw.requests, settings: &fix.settings };
        if judge.conf(&case)?.is_empty() {
            answers[0] = Some((fix.settings, Some(fix.cost)));
        } else {
            compared.n_wrong += 1;
            println!("wrong: {} with {}", draw.text(), shown(model, &fix.settings));
        }
    }
    let said = peer.ask(&json!({ "symbol": request.symbol, "value": request.value }))?;
    compared.seconds[1].push(said["seconds"].as_f64().unwrap_or(0.0));
    if let Some(plan) = said["plan"].as_object() {
        let settings = settings_of(model, request, plan);
        let case = Case { ground, values, requests: &draw.requests, settings: &settings };
        if judge.conf(&case)?.is_empty() {
            let cost = cost(&now, &draw.requests, &settings);
            answers[1] = Some((settings, cost));
        } else {
            compared.n_refuted += 1;
        }
    }
    for (sum, answer) in compared.n_solved.iter_mut().zip(&answers) {
        *sum += usize::from(answer.is_some());
    }
    let line = |answer: &Option<(Vec<Setting>, Option<Cost>)>| match answer {
        None => "no answer".to_owned(),
        Some((settings, cost)) => {
            let harm = cost.map_or_else(|| "?".to_owned(), |cost| cost.harm.to_string());
            format!("{} (harm {harm})", shown(model, settings))
        }
    };
    let mut is_worth_a_look = args.verbose;
    match &answers {
        [Some((kiln, Some(own))), Some((settings, Some(theirs)))] => {
            let grade = own.grade.cmp(&theirs.grade) as i8 + 1;
            compared.grades[usize::try_from(grade)?] += 1;
            let size = kiln.len().cmp(&settings.len()) as i8 + 1;
            if grade == 1 {
                compared.sizes[usize::try_from(size)?] += 1;
            }
            compared.n_drastic[0] += usize::from(own.is_drastic);
            compared.n_drastic[1] += usize::from(theirs.is_drastic);
            is_worth_a_look |= grade == 2 || (grade == 1 && size == 2);
        }
        [None, Some(_)] => {
            compared.n_missed += usize::from(!is_late);
            is_worth_a_look = true;
        }
        _ => {}
    }
    if is_worth_a_look {
        println!("{} {number}: {}: {} | {}", ground.name, draw.text(), line(&answers[0]), line(&answers[1]));
    }
    Ok(())
}

/// Returns the settings of a plan beside the request itself, unless the plan has another value for it.
fn settings_of(model: &Model, request: &Request, plan: &serde_json::Map<String, Value>) -> Vec<Setting> {
    let setting = |(name, value): (&String, &Value)| {
        let value = value.as_str()?.to_owned();
        let is_request = *name == request.symbol && value == request.value;
        Some(Setting { symbol: model.find(name)?, value }).filter(|_| !is_request)
    };
    plan.iter().filter_map(setting).collect()
}

/// Returns the cost of a plan, without settings that have no effect.
fn cost(now: &Evaluation<'_>, requests: &[Request], settings: &[Setting]) -> Option<Cost> {
    let budget = Budget { deadline: None, steps: None };
    let problem = Problem { now, requests, kept: &[], budget, n_wanted: 1 };
    cost_of(&problem, &[], settings).or_else(|| {
        let without = |index: usize| {
            let mut fewer = settings.to_vec();
            fewer.remove(index);
            cost_of(&problem, &[], &fewer)
        };
        (0..settings.len()).find_map(without)
    })
}

/// A process that answers.
struct Peer {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Peer {
    /// Has it read the tree.
    fn start(python: &Path, machine: &Machine, seconds: f64) -> Result<Peer> {
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .current_dir(&machine.work)
            .env_clear()
            .envs(machine.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
            .env("PEER_SECONDS", (seconds.ceil() as u64).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", python.display()))?;
        let requests = child.stdin.take().context("no pipe")?;
        let replies = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Peer { child, requests, replies })
    }

    fn ask(&mut self, asked: &Value) -> Result<Value> {
        writeln!(self.requests, "{asked}")?;
        let mut reply = String::new();
        if self.replies.read_line(&mut reply)? == 0 {
            bail!("the peer ended; it was asked {asked}");
        }
        Ok(serde_json::from_str(&reply)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
