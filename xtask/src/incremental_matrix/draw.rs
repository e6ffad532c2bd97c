//! Random configs, and the path through them.

use crate::kconfig_matrix::requests::Chance;

/// The smallest kernel with a few modules.
const BASE: [(&str, &str); 10] = [
    ("64BIT", "y"),
    ("MODULES", "y"),
    ("EXPERT", "y"),
    ("DEBUG_KERNEL", "y"),
    ("PRINTK", "y"),
    ("CRC_CCITT", "m"),
    ("CRC16", "m"),
    ("CRC8", "m"),
    ("XZ_DEC", "m"),
    ("BINFMT_SCRIPT", "m"),
];

/// Changes that reach a part of the kernel: on and off, built in and module, texts in generated headers.
const LOCAL: [(&str, &str); 24] = [
    ("CRC_CCITT", "y"),
    ("CRC16", "n"),
    ("CRC8", "y"),
    ("CRC7", "m"),
    ("XZ_DEC", "y"),
    ("XZ_DEC", "n"),
    ("BINFMT_SCRIPT", "y"),
    ("BINFMT_ELF", "y"),
    ("KALLSYMS", "y"),
    ("IKCONFIG", "m"),
    ("IKCONFIG", "y"),
    ("LOCALVERSION", "-one"),
    ("HZ_1000", "y"),
    ("FUTEX", "y"),
    ("EPOLL", "y"),
    ("TTY", "y"),
    ("PROC_FS", "y"),
    ("SYSFS", "y"),
    ("BLK_DEV_INITRD", "y"),
    ("PRINTK_TIME", "y"),
    ("MODULE_UNLOAD", "y"),
    ("PCI", "y"),
    ("INPUT", "m"),
    ("MODVERSIONS", "y"),
];

/// Changes of flags or structures that reach every file.
const EVERYWHERE: [(&str, &str); 6] = [
    ("CC_OPTIMIZE_FOR_PERFORMANCE", "y"),
    ("DEBUG_INFO_DWARF5", "y"),
    ("SMP", "y"),
    ("STACKPROTECTOR", "y"),
    ("UNWINDER_FRAME_POINTER", "y"),
    ("NET", "y"),
];

/// One config: what it adds to the base.
pub(crate) struct Config {
    pub(crate) changes: Vec<(&'static str, &'static str)>,
}

/// Returns `number` configs; the first is the base, the last has a change that reaches every file.
pub(crate) fn configs(chance: &mut Chance, number: usize) -> Vec<Config> {
    let mut configs = vec![Config { changes: Vec::new() }];
    while configs.len() < number {
        let mut changes = Vec::new();
        if configs.len() + 1 == number && number > 2 {
            changes.push(EVERYWHERE[chance.draw(EVERYWHERE.len() as u64) as usize]);
        }
        while changes.len() < 4 {
            let change = LOCAL[chance.draw(LOCAL.len() as u64) as usize];
            if changes.iter().all(|(symbol, _)| *symbol != change.0) {
                changes.push(change);
            }
        }
        configs.push(Config { changes });
    }
    configs
}

/// Returns a path of `number` steps that starts at the first config and never stays.
pub(crate) fn way(chance: &mut Chance, n_configs: usize, number: usize) -> Vec<usize> {
    let mut at = 0;
    (0..number)
        .map(|_| {
            at = (at + 1 + chance.draw(n_configs as u64 - 1) as usize) % n_configs;
            at
        })
        .collect()
}

impl Config {
    /// Returns a recipe for it.
    ///
    /// What the kernel does not accept stays out: the config that results is as good as another.
    pub(crate) fn recipe(&self, tree: &str) -> String {
        let mut text = format!(
            "[kernel]\nsrc = {tree:?}\narch = \"x86_64\"\nbaseConfig = \"tinyconfig\"\nmakeTargets = [\"bzImage\"]\n\n\
             [kernel.config]\n"
        );
        let base = BASE.iter().filter(|(symbol, _)| self.changes.iter().all(|(changed, _)| changed != symbol));
        for (symbol, value) in base.chain(&self.changes) {
            text.push_str(&format!("{symbol} = {{ value = {value:?}, optional = true }}\n"));
        }
        text
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        let changes: Vec<String> = self.changes.iter().map(|(symbol, value)| format!("{symbol}={value}")).collect();
        if changes.is_empty() { "base".to_owned() } else { changes.join(" ") }
    }
}
