//! The option `outputs`, from merged values to typed ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kiln_diag::{Code, Diagnostic, Span};
use kiln_recipe::Tree;

use crate::Arch;
use crate::evaluate::Located;
use crate::evaluate::lower::Lowering;
use crate::options::{address, block_size};
use crate::outputs::{
    Addresses, Compression, Dtb, DtbSource, FileSystem, Fit, Output, OutputKind, Payload, Services, UImage, check,
    fields_of, usual_image,
};

/// The block size of mksquashfs when the recipe sets none.
const BLOCK_SIZE: u32 = 128 << 10;

impl Lowering<'_> {
    /// Returns every sound output, by name; faults of the others become diagnostics.
    pub(super) fn outputs(&mut self, arch: &Arch) -> BTreeMap<String, Output> {
        let mut outputs = BTreeMap::new();
        let mut whole = true;
        for name in self.names(&["outputs"]) {
            match self.output(&name, arch) {
                Ok(output) => drop(outputs.insert(name, output)),
                Err(finding) => {
                    whole = false;
                    self.diagnostics.push(*finding);
                }
            }
        }
        // An output that names a faulty one would itself look faulty.
        if whole {
            self.diagnostics.extend(check(&outputs, arch));
        }
        outputs
    }

    fn output(&mut self, name: &str, arch: &Arch) -> Result<Output, Box<Diagnostic>> {
        let at = Place { name, lowering: self };
        let Some(word) = at.text("type") else {
            let finding = Diagnostic::error(Code::MissingOption, format!("the output `{name}` has no `type`"));
            let finding =
                finding.option(format!("outputs.{name}.type")).label(at.first(), "the output is written here");
            let help = "`kiln options outputs` shows all of them, for example `type = \"uImage\"`";
            return Err(Box::new(finding.help(help)));
        };
        let origin = word.origin;
        at.only_fields_of(&word)?;
        let kind = at.kind(&word, arch)?;
        let ending = match &kind {
            OutputKind::Kernel { compression, .. } => compression.ending(),
            OutputKind::UImage(_) => ".uImage",
            OutputKind::Fit(_) => ".itb",
            OutputKind::Dtb(_) => ".dtb",
            OutputKind::Initramfs(_) => ".cpio",
            OutputKind::Squashfs { .. } => ".squashfs",
        };
        let file = at.text("file").map(|file| file.value).unwrap_or_else(|| {
            format!("{}{ending}", name.strip_suffix(ending).filter(|_| !ending.is_empty()).unwrap_or(name))
        });
        Ok(Output { name: name.to_owned(), origin, file, kind })
    }
}

/// The fields of one output.
struct Place<'a> {
    name: &'a str,
    lowering: &'a Lowering<'a>,
}

impl Place<'_> {
    fn kind(&self, word: &Located<String>, arch: &Arch) -> Result<OutputKind, Box<Diagnostic>> {
        let compression = self.compression().map_or(Compression::None, |compression| compression.value);
        Ok(match word.value.as_str() {
            "uImage" => OutputKind::UImage(UImage {
                payload: self.payload(word, arch)?,
                compression,
                addresses: self.addresses(),
                title: self.text("title").map(|title| title.value),
            }),
            "fit" => OutputKind::Fit(Fit {
                payload: self.payload(word, arch)?,
                compression,
                addresses: self.addresses(),
                title: self.text("title").map(|title| title.value),
                dtbs: self.texts("dtbs"),
                initramfs: self.text("initramfs"),
            }),
            "dtb" => OutputKind::Dtb(self.dtb(word)?),
            "initramfs" => OutputKind::Initramfs(self.files()),
            "squashfs" => {
                let size = self.text("blockSize").and_then(|text| block_size(&text.value).ok());
                OutputKind::Squashfs { contents: self.files(), block_size: size.unwrap_or(BLOCK_SIZE) }
            }
            _ => OutputKind::Kernel { payload: self.payload(word, arch)?, compression },
        })
    }

    fn payload(&self, word: &Located<String>, arch: &Arch) -> Result<Payload, Box<Diagnostic>> {
        let usual = || Some(Located { value: usual_image(arch)?.to_owned(), origin: None });
        let image = match word.value.as_str() {
            "Image" | "zImage" | "bzImage" => Some(word.clone()),
            _ => self.text("image").or_else(usual),
        };
        let Some(image) = image else {
            let message = format!("the output `{}` has no `image`", self.name);
            let finding = Diagnostic::error(Code::MissingOption, message).option(self.option("image"));
            let help = format!("write which target of `{}`'s makefiles it is made of", arch.karch);
            return Err(Box::new(finding.label(word.origin, "its type").help(help)));
        };
        Ok(Payload { image, appended_dtb: self.text("appendedDtb") })
    }

    fn addresses(&self) -> Addresses {
        let of = |field: &str| {
            let text = self.text(field)?;
            Some(Located { value: address(&text.value).ok()?, origin: text.origin })
        };
        Addresses { load: of("loadAddress"), entry: of("entryPoint") }
    }

    fn dtb(&self, word: &Located<String>) -> Result<Dtb, Box<Diagnostic>> {
        let own = self.text("dts").map(|dts| {
            let value = self.local(dts.origin, &dts.value);
            DtbSource::File(Located { value, origin: dts.origin })
        });
        let in_tree = self.text("inTree").map(|path| {
            let plain = [".dts", ".dtb"].iter().find_map(|ending| path.value.strip_suffix(ending));
            let value = plain.unwrap_or(&path.value).to_owned();
            DtbSource::Tree(Located { value, origin: path.origin })
        });
        let source = match (own, in_tree) {
            (Some(source), None) | (None, Some(source)) => source,
            (own, _) => {
                let message = match own {
                    Some(_) => format!("the device tree `{}` has both `dts` and `inTree`", self.name),
                    None => format!("the device tree `{}` has no source", self.name),
                };
                let finding = Diagnostic::error(Code::BadOutput, message).option(self.option("dts"));
                let help = "write either `dts = \"./board.dts\"` or `inTree = \"vendor/board\"`";
                return Err(Box::new(finding.label(word.origin, "its type").help(help)));
            }
        };
        let path = ["outputs", self.name, "includes"];
        let items = self.lowering.tree.list(&path).iter();
        let includes = items.filter_map(|item| Some(self.lowering.path(item.span.file, item.as_text()?))).collect();
        let symbols = self.lowering.tree.bool(&["outputs", self.name, "symbols"]).unwrap_or(false);
        Ok(Dtb { source, includes, symbols })
    }

    fn files(&self) -> FileSystem {
        let files = self.lowering.leaves(&["outputs", self.name, "files"]).into_iter().map(|(there, local)| {
            let value = self.local(local.origin, &local.value);
            (there, Located { value, origin: local.origin })
        });
        FileSystem {
            compression: self.compression(),
            services: self.text("services").and_then(|word| Services::parse(&word.value)).unwrap_or(Services::Sh),
            files: files.collect(),
            boot: self.texts("boot"),
        }
    }

    fn compression(&self) -> Option<Located<Compression>> {
        let word = self.text("compression")?;
        Some(Located { value: Compression::parse(&word.value)?, origin: word.origin })
    }

    /// Refuses a field that another type of output has.
    fn only_fields_of(&self, word: &Located<String>) -> Result<(), Box<Diagnostic>> {
        let known = fields_of(&word.value);
        for (field, tree) in self.lowering.tree.entries(&["outputs", self.name]) {
            // A set without definitions is present too.
            let Some(written) = first_origin(tree) else { continue };
            if matches!(field, "type" | "file") || known.contains(&field) {
                continue;
            }
            let message = format!("`{field}` does not apply to a `{}`", word.value);
            let fields: Vec<String> = known.iter().map(|field| format!("`{field}`")).collect();
            let finding = Diagnostic::error(Code::BadOutput, message)
                .option(self.option(field))
                .label(written, "written here")
                .label(word.origin, "its type");
            return Err(Box::new(finding.help(format!("it has `file`, {}", fields.join(", ")))));
        }
        Ok(())
    }

    fn first(&self) -> Option<Span> {
        self.lowering.tree.entries(&["outputs", self.name]).find_map(|(_, tree)| first_origin(tree))
    }

    fn option(&self, field: &str) -> String {
        format!("outputs.{}.{field}", self.name)
    }

    fn text(&self, field: &str) -> Option<Located<String>> {
        self.lowering.text(&["outputs", self.name, field])
    }

    fn texts(&self, field: &str) -> Vec<Located<String>> {
        self.lowering.texts(&["outputs", self.name, field])
    }

    fn local(&self, origin: Option<Span>, written: &str) -> PathBuf {
        origin.map_or_else(|| PathBuf::from(written), |span| self.lowering.path(span.file, written))
    }
}

fn first_origin(tree: &Tree) -> Option<Span> {
    match tree {
        Tree::Leaf(merged) => merged.origin(),
        Tree::Set(set) => set.values().find_map(first_origin),
    }
}
