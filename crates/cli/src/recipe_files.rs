//! The files of a recipe, read for `recipe`.
