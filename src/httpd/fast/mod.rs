//! What makes much text go fast and changes nothing in its meaning: a glance at each line, several processors.

pub mod glance;
pub mod parallel;
pub mod scout;
