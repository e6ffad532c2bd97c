//! Facts of .ko files, depmod's indexes, dependency closures.
