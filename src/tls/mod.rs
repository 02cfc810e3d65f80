//! Certificate and key FILES: what they hold, whether they fit together, making and converting them.
//!
//! Knows no `httpd.conf`, no terminal and no running server. Everything is a function of bytes; the only
//! things taken from outside are random numbers (for new keys) and the time, which callers pass in.
//!
//! - [`container`] tells by content what a file is; [`pem`] splits text into blocks;
//! - [`certificate`], [`private_key`] and [`public_key`] read what was found, [`encryption`] takes off a
//!   pass-phrase ([`protection`] names the schemes), [`pkcs12`] takes archives apart;
//! - [`chain`] puts certificates in order, [`name`] tells whether one is good for a name;
//! - [`bundle`] puts key, certificate and chain of several files into what one server gets;
//! - [`request`] reads what was asked of a certificate authority;
//! - [`issue`] makes self-signed certificates and requests, with keys of `new_key`.
//!
//! What all this means for a server is not decided here but by the rules in `check/`.

mod base64;
pub mod bundle;
pub mod certificate;
pub mod chain;
pub mod container;
mod der;
pub mod encryption;
pub mod error;
pub mod issue;
pub mod name;
mod new_key;
pub mod pem;
pub mod pkcs12;
pub mod private_key;
pub mod protection;
pub mod public_key;
mod recognise;
pub mod request;

pub use error::Error;
pub use recognise::holds_private_key;
