//! What a command says, writes and refuses, as whoever types it meets it. A server runs only where one is to be looked at.

mod cases;
mod cert;
mod check;
mod cli;
mod commit;
mod disable;
mod enable;
mod explain_logs;
mod fixes;
mod found;
mod library;
mod lint;
mod report;
#[path = "../support/mod.rs"]
mod support;
mod texts;
