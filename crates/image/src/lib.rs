//! A tree of files as an initramfs cpio archive.
