//! Reading that is quick and sees what the plain way sees: most lines at a glance, and long stretches on several processors.
//! `lines`, `section` and the others beside this folder are that plain way; the property test in `parts` compares both.

mod glanced;
mod parts;
