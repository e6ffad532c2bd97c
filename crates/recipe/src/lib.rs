//! Modules of typed options, merged by priority, every value with its origin.
