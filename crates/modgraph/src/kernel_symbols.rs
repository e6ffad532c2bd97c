//! The exports of the kernel image itself, from `Module.symvers` or `System.map`.

use crate::hash::NameTable;

/// The symbols of a kernel build, those of its modules too when the file has them.
#[derive(Debug, Clone)]
pub struct KernelSymbols {
    table: NameTable<KernelSymbol>,
}

/// One symbol of a kernel build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelSymbol {
    /// Its version, when the kernel was built with `CONFIG_MODVERSIONS`.
    pub crc: Option<u32>,
    /// The namespace that users have to import.
    pub namespace: Option<Box<str>>,
    /// Whether only modules with a GPL-compatible licence may use it.
    pub gpl_only: bool,
    /// The module that exports it, as a path without ending (`net/netfilter/nf_tables`); `None`: the image.
    pub module: Option<Box<str>>,
}

impl KernelSymbols {
    /// Reads `Module.symvers`: `CRC NAME MODULE TYPE NAMESPACE`, tabs between; other lines are skipped.
    pub fn from_symvers(text: &str) -> KernelSymbols {
        let mut table = NameTable::new();
        for line in text.lines() {
            let mut fields = line.split('\t');
            let (Some(crc), Some(name), Some(module)) = (fields.next(), fields.next(), fields.next()) else { continue };
            let Ok(crc) = u32::from_str_radix(crc.trim_start_matches("0x"), 16) else { continue };
            let kind = fields.next().unwrap_or_default();
            let symbol = KernelSymbol {
                // Without CONFIG_MODVERSIONS all versions are 0.
                crc: (crc != 0).then_some(crc),
                namespace: fields.next().filter(|namespace| !namespace.is_empty()).map(Box::from),
                gpl_only: kind.starts_with("EXPORT_SYMBOL_GPL"),
                module: (module != "vmlinux").then(|| module.into()),
            };
            // The image comes first for a name that both have.
            if symbol.module.is_none() || table.get(name).is_none() {
                table.insert(name, symbol);
            }
        }
        KernelSymbols { table }
    }

    /// Reads `System.map`: `ADDRESS TYPE NAME`, of which the names `__ksymtab_X` are the image's exports.
    pub fn from_system_map(text: &str) -> KernelSymbols {
        let mut table = NameTable::new();
        for line in text.lines() {
            let name = line.split_ascii_whitespace().nth(2).and_then(|name| name.strip_prefix("__ksymtab_"));
            if let Some(name) = name {
                table.insert(name, KernelSymbol { crc: None, namespace: None, gpl_only: false, module: None });
            }
        }
        KernelSymbols { table }
    }

    /// Returns the symbol of that name that the kernel image exports.
    pub fn image(&self, name: &str) -> Option<&KernelSymbol> {
        self.get(name).filter(|symbol| symbol.module.is_none())
    }

    /// Returns the symbol of that name, whichever module or image exports it.
    pub fn get(&self, name: &str) -> Option<&KernelSymbol> {
        self.table.get(name.strip_prefix('.').unwrap_or(name))
    }
}

/// Whether the linker or the module loader makes this symbol, so that nothing exports it.
pub(crate) fn is_made_up(name: &str) -> bool {
    matches!(name.strip_prefix('.').unwrap_or(name), "__this_module" | "_GLOBAL_OFFSET_TABLE_" | "TOC" | "TOC.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symvers_and_system_map() {
        let symbols = KernelSymbols::from_symvers(
            "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x00000000\tnft_x\tnet/nft\tEXPORT_SYMBOL_GPL\tNFT\nrubbish\n",
        );
        assert_eq!(symbols.image("printk").and_then(|symbol| symbol.crc), Some(0x1234_5678));
        assert_eq!(symbols.image("nft_x"), None);
        let module_symbol = symbols.get("nft_x").unwrap();
        assert_eq!((module_symbol.crc, module_symbol.gpl_only), (None, true));
        assert_eq!(
            (module_symbol.module.as_deref(), module_symbol.namespace.as_deref()),
            (Some("net/nft"), Some("NFT"))
        );
        let map = KernelSymbols::from_system_map("c0 r __ksymtab_printk\nc1 T printk2\n");
        assert!(map.image("printk").is_some() && map.image("printk2").is_none());
    }
}
