//! Certificates are obtained from a real test CA (pebble), and no CA, however hostile, gets more than a refusal: the
//! protocol of `src/acme`, through its public interface.

#[cfg(unix)]
mod accounts;
#[cfg(unix)]
mod adopt;
#[cfg(unix)]
mod answers;
mod arbitrary;
#[cfg(unix)]
mod commands;
#[cfg(unix)]
mod dns_hook;
#[cfg(unix)]
mod drill;
#[cfg(unix)]
mod dsc;
#[cfg(unix)]
mod enable;
#[cfg(unix)]
mod endings;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
mod guide;
mod handover;
mod hostile;
#[cfg(unix)]
mod imports;
#[cfg(unix)]
mod in_place;
mod interrupted;
#[cfg(unix)]
mod mod_md;
mod offers;
#[cfg(unix)]
mod pebble;
#[cfg(unix)]
mod renew;
mod scripted;
mod served;
mod source;
#[path = "../support/mod.rs"]
mod support;
#[cfg(unix)]
mod trees;
mod way;
mod win_acme;

/// The program in a world that fails, in a child process; not a test of its own.
#[test]
fn child() {
    support::faulty::child();
}
