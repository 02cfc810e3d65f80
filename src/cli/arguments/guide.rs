//! The arguments of `guide`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{ENABLES, exit_statuses};

/// Turn HTTPS on step by step: questions with answers to choose from.
///
/// For people who do not want to learn options. Each question shows what was found and offers it as the answer; nothing is written
/// before the last one. The end is that of `esync-ssl enable`, whose command line is shown, to do the same on the next server
/// without a question. Also what `esync-ssl` alone does at a terminal.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::GUIDE, exit_statuses(ENABLES)))]
pub struct Guide {}
