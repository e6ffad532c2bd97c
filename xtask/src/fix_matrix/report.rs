//! The outcomes of draws.

use super::draw::Draw;

/// The outcome of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// There was nothing to fix.
    Holds,
    /// Fixed, and no better set suffices.
    Smallest,
    /// Fixed.
    Fixed,
    /// Time was up; there is a fix.
    Late,
    /// Time was up; there is none.
    Unsolved,
    /// Some requests cannot hold, and the others hold or are fixed.
    Contradiction,
    /// A fix that does not work, or a request set aside where there is a fix.
    Wrong,
}

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Report {
    n_draws: usize,
    n_holding: usize,
    n_smallest: usize,
    n_fixed: usize,
    n_late: usize,
    n_unsolved: usize,
    n_contradictions: usize,
    /// Those whose best fix is drastic.
    pub(crate) n_drastic: usize,
    /// Those of them that are not proved to be the best.
    pub(crate) n_drastic_unproved: usize,
    /// Those of which a fix holds under one meaning of the base only.
    pub(crate) n_one_meaning: usize,
    pub(crate) n_wrong: usize,
    /// Seconds of those that did not hold.
    seconds: Vec<f64>,
}

impl Report {
    /// Titles of the columns.
    pub(crate) const HEAD: &str = "                          draws  hold  part  solved  smallest drastic  one meaning   late  open  wrong   median     95 %      max";

    pub(crate) fn count(&mut self, draw: &Draw, end: End, seconds: f64) {
        if draw.requests.is_empty() {
            return;
        }
        self.n_draws += 1;
        if end != End::Holds {
            self.seconds.push(seconds);
        }
        match end {
            End::Holds => self.n_holding += 1,
            End::Smallest => self.n_smallest += 1,
            End::Fixed => self.n_fixed += 1,
            End::Late => self.n_late += 1,
            End::Unsolved => self.n_unsolved += 1,
            End::Contradiction => self.n_contradictions += 1,
            End::Wrong => self.n_wrong += 1,
        }
    }

    pub(crate) fn add(&mut self, other: Report) {
        self.n_draws += other.n_draws;
        self.n_holding += other.n_holding;
        self.n_smallest += other.n_smallest;
        self.n_fixed += other.n_fixed;
        self.n_late += other.n_late;
        self.n_unsolved += other.n_unsolved;
        self.n_contradictions += other.n_contradictions;
        self.n_drastic += other.n_drastic;
        self.n_drastic_unproved += other.n_drastic_unproved;
        self.n_one_meaning += other.n_one_meaning;
        self.n_wrong += other.n_wrong;
        self.seconds.extend(other.seconds);
    }

    /// Returns one line of the table; shares are of the draws that can be fixed, as far as is known.
    pub(crate) fn line(&self, name: &str) -> String {
        let [median, most, all] = shares(&self.seconds);
        let solved = self.n_smallest + self.n_fixed + self.n_late;
        let possible = (solved + self.n_unsolved + self.n_wrong).max(1);
        let share = |count: usize| 100.0 * count as f64 / possible as f64;
        format!(
            "{name:24} {:6} {:5} {:5} {:6.1}% {:8.1}% {:>7} {:12} {:6} {:5} {:6} {median:7.3} s {most:7.3} s {all:7.3} s",
            self.n_draws,
            self.n_holding,
            self.n_contradictions,
            share(solved),
            share(self.n_smallest),
            format!("{}/{}", self.n_drastic, self.n_drastic_unproved),
            self.n_one_meaning,
            self.n_late,
            self.n_unsolved,
            self.n_wrong
        )
    }
}

/// Returns the median, what 95 % stay below, and the longest; of nothing they are 0.
pub(super) fn shares(seconds: &[f64]) -> [f64; 3] {
    let mut seconds = seconds.to_vec();
    seconds.sort_by(f64::total_cmp);
    let at = |share: f64| seconds.get((seconds.len() as f64 * share) as usize).or(seconds.last()).copied();
    [0.5, 0.95, 1.0].map(|share| at(share).unwrap_or(0.0))
}
