//! A writing command at work.

use super::claim::Claim;
use super::environment::{Where, World, Writing};
use super::questions::Voice;

/// What all stages of a writing command need to know: what it was told, through what it acts, and whom it talks to.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// Where the configuration is, by the command line.
    pub place: &'a Where,
    /// What is to be written, and what is to become of the server.
    pub writing: &'a Writing,
    /// What writes, and tells the server.
    pub world: &'a World<'a>,
    /// Who is told and asked.
    pub voice: &'a dyn Voice,
}

impl<'a> Job<'a> {
    /// What it waits with for its turn.
    pub fn claim(&self) -> Claim<'a> {
        Claim {
            place: self.place,
            world: self.world,
            voice: self.voice,
            patience: self.writing.lock_timeout,
        }
    }
}
