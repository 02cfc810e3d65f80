//! A question of the guide and its answer, apart from any terminal.

use std::{fmt, io};

use zeroize::Zeroizing;

/// One question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What is said before it, a line each: what was found, what an answer means.
    pub told: Vec<String>,
    /// Itself.
    pub text: String,
    /// How it is answered.
    pub kind: Kind,
}

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By one of these, of which one is usual.
    Choice {
        /// What can be chosen.
        options: Vec<String>,
        /// The one that is chosen by Enter alone.
        usual: usize,
    },
    /// By a line.
    Line {
        /// What Enter alone means.
        usual: Option<String>,
        /// It is the path of a file or folder.
        is_path: bool,
    },
    /// By what is not shown.
    Secret,
}

impl Default for Kind {
    fn default() -> Kind {
        Kind::Line {
            usual: None,
            is_path: false,
        }
    }
}

/// What somebody answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// This option.
    Chosen(usize),
    /// This line.
    Typed(String),
    /// This, which is not shown.
    Secret(Zeroizing<String>),
    /// The question before.
    Back,
    /// The program is to end.
    Interrupted,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Chosen(at) => write!(f, "Chosen({at})"),
            Reply::Typed(line) => write!(f, "Typed({line:?})"),
            Reply::Secret(_) => f.write_str("Secret"),
            Reply::Back => f.write_str("Back"),
            Reply::Interrupted => f.write_str("Interrupted"),
        }
    }
}

/// Whoever answers.
pub trait Asks {
    /// Asks one question.
    ///
    /// # Errors
    /// When the terminal does not work.
    fn ask(&self, question: &Question) -> io::Result<Reply>;

    /// Says something.
    fn say(&self, text: &str);
}

impl Question {
    /// One that is answered by a choice.
    pub fn choice(text: &str, options: &[&str], usual: usize) -> Question {
        Question {
            told: Vec::new(),
            text: text.to_owned(),
            kind: Kind::Choice {
                options: options.iter().map(|option| (*option).to_owned()).collect(),
                usual,
            },
        }
    }

    /// One that is answered by a line.
    pub fn line(text: &str, usual: Option<String>) -> Question {
        Question {
            told: Vec::new(),
            text: text.to_owned(),
            kind: Kind::Line {
                usual,
                is_path: false,
            },
        }
    }

    /// One that is answered by a path.
    pub fn path(text: &str, usual: Option<String>) -> Question {
        Question {
            kind: Kind::Line { usual, is_path: true },
            ..Question::line(text, None)
        }
    }

    /// The same, with what is said before it.
    pub fn after(self, told: impl IntoIterator<Item = String>) -> Question {
        Question {
            told: told.into_iter().collect(),
            ..self
        }
    }
}
