//! The files of a result from lowered values.

mod fit;
