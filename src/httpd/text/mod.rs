//! The text of files: bytes to lines and words, and edits of them. Knows no directive.

pub mod document;
pub mod edit;
pub mod line;
pub mod scan;
pub mod word;
