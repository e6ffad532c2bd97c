//! Fixtures, fakes and oracles for tests.
