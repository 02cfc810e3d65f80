//! What holds for every input: generated, mutated, huge, or built to be slow.

mod disable;
mod enable;
mod fuzz;
mod generated;
mod renewal;
mod robustness;
#[path = "../support/mod.rs"]
mod support;
