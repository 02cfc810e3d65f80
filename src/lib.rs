//! Takes an Apache httpd server from HTTP to working HTTPS by editing its configuration safely.
//!
//! A configuration is **read the way Apache reads it** and **changed by splicing bytes**, never by printing a tree.
//!
//! - [`httpd`]: the configuration language. Bytes to lines to what Apache sees; edits.
//! - [`tls`]: certificate and key files.
//! - [`acme`]: the protocol by which certificate authorities are asked for certificates.
//! - [`mod_ssl`]: which servers of a configuration speak TLS.
//! - [`renewal`]: when certificates are renewed. Pure.
//! - [`answer`]: who answers a certificate authority that looks whether names are ours.
//! - [`lint`]: what Apache refuses, and what it accepts and hardly anybody means.
//! - [`server`]: the installed server: where its configuration is.
//! - [`change`]: what to edit to turn HTTPS on or off, and the proof that it does. Pure.
//! - [`apply`]: how changes reach the disk.
//! - [`check`]: rules that look at files and configuration and return findings.
//! - [`operation`]: what a command does: data in, data out.
//! - [`document`]: what programs get: the one envelope of every command.
//! - [`cli`]: flags, confirmation, rendering.
//! - [`finding`]: the one shape of what is wrong, and all its codes.
//! - [`exit_status`]: every number the program exits with.
//! - [`place`]: where something is, and when.
//! - [`refusal`]: why a request is not carried out, as data.
//! - [`foreign`]: how files are opened that others may have written.
//! - [`shown`]: what others wrote, as people may see it.
//! - [`quoted`]: paths in commands that people are told to type.
//! - `wording`: numbers with their nouns, and what the system refuses, in words.
//! - `inherited`: what a program cannot work with that it gets from whoever started it.
//! - `trail`: what was read, run and decided, for who asks how it came to an answer.
//! - `parallel`: work that falls into parts, on several processors at once.
//! - `differences`: what two sequences have in common.
//! - [`interrupt`]: what becomes of a run that is to end before it is done.
//!
//! Data flows down this list. Parts beside each other do not know each other.
//!
//! Turning HTTPS on without the command line:
//!
//! ```no_run
//! use esync_ssl::operation::enable::{self, Request};
//! use esync_ssl::operation::{Failure, Files, Silent, Where, World, Writing};
//!
//! fn main() -> Result<(), Failure> {
//!     let files = Files::Named {
//!         certificate: "/etc/ssl/www.example.com.crt".into(),
//!         key: "/etc/ssl/private/www.example.com.key".into(),
//!         chain: None,
//!     };
//!     let request = Request::new(vec!["www.example.com".into()], files);
//!     let place = Where {
//!         root: Some("/etc/apache2".into()),
//!         ..Where::default()
//!     };
//!     // Without a question. The server is restarted, and all is put back unless it then shows the certificate.
//!     let writing = Writing {
//!         yes: true,
//!         restart: true,
//!         ..Writing::default()
//!     };
//!     let report = enable::run(&request, &writing, &place, &World::real(), &Silent)?;
//!     println!("{}: {}", report.result, report.written.join(", "));
//!     Ok(())
//! }
//! ```

#[cfg(unix)]
pub mod account;
pub mod acl;
pub mod acme;
pub mod answer;
pub mod apply;
pub mod change;
pub mod check;
pub mod cli;
mod codes;
mod differences;
pub mod document;
pub mod exit_status;
mod failure_code;
pub mod finding;
pub mod foreign;
pub mod httpd;
#[cfg(unix)]
pub mod inherited;
pub mod interrupt;
pub mod lint;
pub mod mod_ssl;
mod note_code;
pub mod operation;
mod parallel;
pub mod place;
pub mod quoted;
pub mod refusal;
mod refusal_code;
pub mod renewal;
pub mod server;
mod severity;
pub mod shown;
pub mod tls;
mod trail;
mod wording;
