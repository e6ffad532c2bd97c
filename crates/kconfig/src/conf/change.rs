//! Changing values: the `all*config` modes, random values, and rewriting tristates.

use super::{Exit, Mode, Run};
use crate::evaluation::Wanted;
use crate::expression::Tristate;
use crate::message::Level;
use crate::model::{NodeId, Type};
use crate::number;
use crate::random::Random;

/// Probabilities in percent.
struct Chances {
    bool_yes: i64,
    tristate_yes: i64,
    tristate_mod: i64,
}

impl Run<'_> {
    pub(super) fn change(&mut self) -> Result<(), Exit> {
        match self.mode {
            Mode::AllNoConfig => self.set_new(Some(Tristate::No)),
            Mode::AllYesConfig => self.set_new(Some(Tristate::Yes)),
            Mode::AllModConfig => self.set_new(Some(Tristate::Mod)),
            Mode::AllDefConfig | Mode::DefConfig(_) => self.set_new(None),
            Mode::RandConfig => self.set_by_chance()?,
            Mode::Yes2ModConfig => self.rewrite(Tristate::Yes, Tristate::Mod),
            Mode::Mod2YesConfig => self.rewrite(Tristate::Mod, Tristate::Yes),
            Mode::Mod2NoConfig => self.rewrite(Tristate::Mod, Tristate::No),
            Mode::ListNewConfig | Mode::HelpNewConfig => self.list_new(),
            Mode::SyncConfig => {
                self.check_explicit()?;
                self.asked = self.anything_new(NodeId::ROOT);
                if self.asked {
                    self.ask()?;
                }
            }
            Mode::OldConfig(_) | Mode::OldAskConfig(_) => self.ask()?,
            Mode::OldDefConfig | Mode::SaveDefConfig(_) => {}
        }
        Ok(())
    }

    fn check_explicit(&mut self) -> Result<(), Exit> {
        if self.changed && self.variable("KCONFIG_NOSILENTUPDATE").is_some_and(|value| !value.is_empty()) {
            let text = "the configuration requires explicit update";
            let printed = "\n*** The configuration requires explicit update.\n\n".to_owned();
            self.say(Level::Error, "explicit-update", text, printed);
            return Err(Exit(1));
        }
        Ok(())
    }

    /// Sets every prompt without a value to the same value, or leaves it at its default.
    fn set_new(&mut self, value: Option<Tristate>) {
        self.evaluation.set_new(value);
        self.changed = true;
    }

    fn rewrite(&mut self, old: Tristate, new: Tristate) {
        for symbol in self.evaluation.model.hash_order.iter().copied() {
            let is_tristate = self.evaluation.effective_type(symbol) == Type::Tristate;
            let state = &mut self.evaluation.states[symbol.at()];
            if is_tristate && state.user == Some(Wanted::Logic(old)) {
                state.user = Some(Wanted::Logic(new));
            }
        }
        self.evaluation.invalidate();
        self.changed = true;
    }

    pub(super) fn announce_seed(&mut self) {
        let seed = self.seed();
        let printed = format!("KCONFIG_SEED=0x{seed:X}\n");
        let level = if self.evaluation.model.dialect.seed_on_stderr { Level::Warning } else { Level::Info };
        self.say(level, "seed", &format!("seed 0x{seed:X}"), printed);
    }

    /// `KCONFIG_SEED`; a caller must set it, since the engine has no clock.
    fn seed(&self) -> u32 {
        let text = self.host.variable("KCONFIG_SEED").unwrap_or_default();
        let scanned = number::scan(&text, 0);
        if scanned.length == text.len() { number::signed(&text, 0) as u32 } else { 0 }
    }

    fn set_by_chance(&mut self) -> Result<(), Exit> {
        let chances = self.chances()?;
        let mut random = Random::new(self.seed());
        if self.evaluation.model.dialect.choice_values {
            while self
                .evaluation
                .set_by_chance_by_value(&mut random, [chances.bool_yes, chances.tristate_yes, chances.tristate_mod])
            {
            }
            self.changed = true;
            return Ok(());
        }
        for node in (0..self.evaluation.model.nodes.len() as u32).map(NodeId) {
            let Some(symbol) = self.evaluation.open_prompt(node) else { continue };
            if self.evaluation.model.is_choice(symbol) {
                self.choose_by_chance(node, &mut random);
                continue;
            }
            let drawn = i64::from(random.next() % 100);
            let value = match self.evaluation.model.symbol(symbol).type_ {
                Type::Tristate if drawn < chances.tristate_yes => Tristate::Yes,
                Type::Tristate if drawn < chances.tristate_yes + chances.tristate_mod => Tristate::Mod,
                Type::Bool if drawn < chances.bool_yes => Tristate::Yes,
                _ => Tristate::No,
            };
            self.evaluation.states[symbol.at()].user = Some(Wanted::Logic(value));
        }
        self.evaluation.invalidate();
        self.changed = true;
        Ok(())
    }

    /// Puts the members of a choice into a random order, after those that a seed config requests.
    fn choose_by_chance(&mut self, choice: NodeId, random: &mut Random) {
        let model = self.evaluation.model;
        let symbols = || model.below(choice).filter_map(|node| model.node(node).symbol);
        let mut left = symbols().filter(|symbol| self.evaluation.states[symbol.at()].user.is_none()).count();
        while left > 0 {
            let mut skip = i64::from(random.next() % left as u32);
            for symbol in symbols() {
                if self.evaluation.states[symbol.at()].user.is_none() {
                    skip -= 1;
                }
                if skip < 0 {
                    self.evaluation.states[symbol.at()].user = Some(Wanted::Logic(Tristate::Yes));
                    self.evaluation.move_member(symbol, false);
                    break;
                }
            }
            left -= 1;
        }
    }

    fn chances(&mut self) -> Result<Chances, Exit> {
        let text = self.host.variable("KCONFIG_PROBABILITY").unwrap_or_default();
        let mut rest = text.as_slice();
        let mut numbers = Vec::new();
        while !rest.is_empty() && numbers.len() < 3 {
            let scanned = number::scan(rest, 10);
            let number = number::signed(rest, 10);
            // Quirk: text that is not a number counts as 0 and is read again, up to three times.
            if !(0..=100).contains(&number) {
                return Err(self.bad_chances());
            }
            numbers.push(number);
            rest = &rest[scanned.length..];
            rest = rest.strip_prefix(b":").unwrap_or(rest);
        }
        let chances = match *numbers {
            [all] => Chances { bool_yes: all, tristate_mod: all / 2, tristate_yes: all - all / 2 },
            [yes, module] => Chances { tristate_yes: yes, tristate_mod: module, bool_yes: yes + module },
            [bool_yes, tristate_yes, tristate_mod] => Chances { bool_yes, tristate_yes, tristate_mod },
            _ => Chances { bool_yes: 50, tristate_yes: 33, tristate_mod: 33 },
        };
        if chances.tristate_yes + chances.tristate_mod > 100 {
            return Err(self.bad_chances());
        }
        Ok(chances)
    }

    fn bad_chances(&mut self) -> Exit {
        let text = "KCONFIG_PROBABILITY is out of range";
        let printed = "KCONFIG_PROBABILITY: Numerical result out of range\n".to_owned();
        self.say(Level::Error, "probability", text, printed);
        Exit(1)
    }
}
