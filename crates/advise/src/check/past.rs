//! Symbols that Linux renamed, replaced or removed: facts that a single tree does not have.
//!
//! # Source
//! The history of Linux's Kconfig files. A test compares the table with the trees at hand.

/// A change of a symbol's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The name before.
    pub old: &'static str,
    /// The kind of change.
    pub fate: Fate,
    /// The first version of Linux with the change.
    pub version: &'static str,
}

/// The end of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has another name, and means the same.
    Renamed(&'static str),
    /// Another symbol does its work.
    Replaced(&'static str),
    /// It is gone.
    Removed,
}

impl Change {
    /// Returns the change that ended a symbol.
    pub fn of(symbol: &str) -> Option<&'static Change> {
        CHANGES.iter().find(|change| change.old == symbol)
    }

    /// Returns the change that gave a symbol its name.
    pub fn to(symbol: &str) -> Option<&'static Change> {
        CHANGES.iter().find(|change| matches!(change.fate, Fate::Renamed(new) if new == symbol))
    }
}

/// The known changes, by version and old name.
pub const CHANGES: &[Change] = &[
    removed("NETLINK_MMAP", "4.6"),
    renamed("DEBUG_RODATA", "STRICT_KERNEL_RWX", "4.11"),
    renamed("DEBUG_SET_MODULE_RONX", "STRICT_MODULE_RWX", "4.11"),
    renamed("CC_STACKPROTECTOR", "STACKPROTECTOR", "4.18"),
    replaced("CC_STACKPROTECTOR_REGULAR", "STACKPROTECTOR", "4.18"),
    renamed("CC_STACKPROTECTOR_STRONG", "STACKPROTECTOR_STRONG", "4.18"),
    replaced("NF_CONNTRACK_IPV4", "NF_CONNTRACK", "4.19"),
    replaced("NF_CONNTRACK_IPV6", "NF_CONNTRACK", "4.19"),
    replaced("IOSCHED_CFQ", "IOSCHED_BFQ", "5.0"),
    replaced("IOSCHED_DEADLINE", "MQ_IOSCHED_DEADLINE", "5.0"),
    replaced("EXT4_ENCRYPTION", "FS_ENCRYPTION", "5.1"),
    replaced("F2FS_FS_ENCRYPTION", "FS_ENCRYPTION", "5.1"),
    replaced("NF_NAT_IPV4", "NF_NAT", "5.1"),
    replaced("NF_NAT_IPV6", "NF_NAT", "5.1"),
    removed("LBDAF", "5.2"),
    // The real-time patch's own name, before the symbol was in Linux itself.
    replaced("PREEMPT_RT_FULL", "PREEMPT_RT", "5.3"),
    replaced("CRYPTO_AES_X86_64", "CRYPTO_AES", "5.4"),
    replaced("MTD_M25P80", "MTD_SPI_NOR", "5.4"),
    removed("X86_INTEL_MPX", "5.6"),
    removed("UNUSED_SYMBOLS", "5.12"),
    removed("DEVKMEM", "5.13"),
    replaced("IDE", "ATA", "5.14"),
    removed("RAW_DRIVER", "5.14"),
    removed("ASHMEM", "5.18"),
    renamed("X86_X32", "X86_X32_ABI", "5.18"),
    removed("CC_OPTIMIZE_FOR_PERFORMANCE_O3", "6.0"),
    replaced("EFI_VARS", "EFIVAR_FS", "6.0"),
    removed("DECNET", "6.1"),
    removed("MEMCG_SWAP", "6.1"),
    removed("RANDOM_TRUST_BOOTLOADER", "6.2"),
    removed("RANDOM_TRUST_CPU", "6.2"),
    removed("NET_CLS_RSVP", "6.3"),
    removed("NET_CLS_RSVP6", "6.3"),
    removed("NET_CLS_TCINDEX", "6.3"),
    removed("NET_SCH_ATM", "6.3"),
    removed("NET_SCH_CBQ", "6.3"),
    removed("NET_SCH_DSMARK", "6.3"),
    replaced("SLOB", "SLUB_TINY", "6.4"),
    replaced("EMBEDDED", "EXPERT", "6.6"),
    removed("FRONTSWAP", "6.6"),
    replaced("MICROCODE_AMD", "MICROCODE", "6.6"),
    replaced("MICROCODE_INTEL", "MICROCODE", "6.6"),
    replaced("PSTORE_DEFLATE_COMPRESS", "PSTORE_COMPRESS", "6.6"),
    replaced("SLAB", "SLUB", "6.8"),
    renamed("CALL_DEPTH_TRACKING", "MITIGATION_CALL_DEPTH_TRACKING", "6.9"),
    renamed("CPU_IBPB_ENTRY", "MITIGATION_IBPB_ENTRY", "6.9"),
    renamed("CPU_IBRS_ENTRY", "MITIGATION_IBRS_ENTRY", "6.9"),
    renamed("CPU_SRSO", "MITIGATION_SRSO", "6.9"),
    renamed("CPU_UNRET_ENTRY", "MITIGATION_UNRET_ENTRY", "6.9"),
    renamed("PAGE_TABLE_ISOLATION", "MITIGATION_PAGE_TABLE_ISOLATION", "6.9"),
    renamed("RETHUNK", "MITIGATION_RETHUNK", "6.9"),
    renamed("RETPOLINE", "MITIGATION_RETPOLINE", "6.9"),
    renamed("SLS", "MITIGATION_SLS", "6.9"),
    renamed("SPECULATION_MITIGATIONS", "CPU_MITIGATIONS", "6.9"),
    removed("UBSAN_SANITIZE_ALL", "6.9"),
    replaced("SND_SOC_INTEL_SKYLAKE", "SND_SOC_INTEL_AVS", "6.12"),
    removed("REISERFS_FS", "6.13"),
    renamed("CFI_CLANG", "CFI", "6.18"),
];

const fn renamed(old: &'static str, new: &'static str, version: &'static str) -> Change {
    Change { old, fate: Fate::Renamed(new), version }
}

const fn replaced(old: &'static str, new: &'static str, version: &'static str) -> Change {
    Change { old, fate: Fate::Replaced(new), version }
}

const fn removed(old: &'static str, version: &'static str) -> Change {
    Change { old, fate: Fate::Removed, version }
}
