//! What a command says, writes and refuses, as whoever types it meets it. A server runs only where one is to be looked at.

mod acme;
mod advised;
mod cases;
mod cert;
mod certificate_source;
mod check;
mod cli;
mod commit;
mod disable;
mod dry;
mod dsc;
mod enable;
mod envelope;
mod explain_logs;
mod fixes;
mod found;
mod help;
mod inputs;
mod library;
mod lint;
mod looks;
mod manual;
mod next_step;
mod outside;
mod page;
mod plan;
mod renew;
mod renewed;
mod report;
mod schedule;
mod schema;
#[path = "../support/mod.rs"]
mod support;
mod taken;
mod terminal;
mod texts;
