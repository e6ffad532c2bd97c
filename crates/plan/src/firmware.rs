//! The forms of firmware files.

/// The recipe's setting for compression of firmware files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirmwareCompression {
    /// The best compression that the kernel can read.
    Auto,
    /// One form, or none.
    Fixed(Packing),
}

/// The form of a firmware file on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packing {
    /// Uncompressed.
    Raw,
    /// One xz stream whose check is CRC32: the kernel's decoder has no other.
    Xz,
    /// One zstd frame that states its size: the kernel reads from the frame how much memory it needs.
    Zstd,
}

impl FirmwareCompression {
    /// Parses one of the values that the option accepts.
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
    /// Returns the file name extension.
    pub fn ending(self) -> &'static str {
        match self {
            Packing::Raw => "",
            Packing::Xz => ".xz",
            Packing::Zstd => ".zst",
        }
    }
}
