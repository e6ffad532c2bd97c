//! The forms of firmware files.

/// What the recipe says about compression of firmware files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirmwareCompression {
    /// As well as the kernel can read.
    Auto,
    /// One form, or none.
    Fixed(Packing),
}

/// The form of a firmware file on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packing {
    /// As it is.
    Raw,
    /// One xz stream whose check is CRC32: the kernel's decoder has no other.
    Xz,
    /// One zstd frame that says its size: the kernel asks the frame how much memory it needs.
    Zstd,
}

impl FirmwareCompression {
    /// Reads one of the values that the option takes.
    pub fn parse(text: &str) -> Option<FirmwareCompression> {
        Some(match text {
            "auto" => FirmwareCompression::Auto,
            "none" => FirmwareCompression::Fixed(Packing::Raw),
            "xz" => FirmwareCompression::Fixed(Packing::Xz),
            "zstd" => FirmwareCompression::Fixed(Packing::Zstd),
            _ => return None,
        })
    }
}

impl Packing {
    /// What the file's name ends in.
    pub fn ending(self) -> &'static str {
        match self {
            Packing::Raw => "",
            Packing::Xz => ".xz",
            Packing::Zstd => ".zst",
        }
    }
}
