//! The arguments of `ports`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, exit_statuses};
use super::values;

/// Show who listens on the ports that the configuration wants, and on the one that `enable` would use.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::PORTS, exit_statuses(LOOKS)))]
pub struct Ports {
    /// The port that `enable --port N` would use [default: 443]; one that is taken is an error then
    #[arg(long, value_name = "N", value_parser = values::port)]
    pub port: Option<u16>,
}
