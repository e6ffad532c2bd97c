//! Module loaders as services for s6-rc, systemd, OpenRC and plain sh.
