//! What Apache makes of the text while it reads: variables, conditionals, includes, macros, in its order.

pub mod buffer;
pub mod condition;
pub mod include;
pub mod macros;
pub mod reader;
pub mod variable;
