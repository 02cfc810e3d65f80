//! Lists of codes: words that scripts match. Knows none itself.

/// An enum whose members have one word each, for people and programs; written down once, so that member, word and list
/// cannot disagree.
macro_rules! codes {
    (
        $(#[$about:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$of:meta])* $code:ident = $word:literal,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $($(#[$of])* $code,)*
        }

        impl $name {
            /// Every code with its word.
            pub const ALL: [($name, &'static str); [$($word),*].len()] = [$(($name::$code, $word)),*];

            /// The one of this word, in whatever case it is typed.
            pub fn named(word: &str) -> Option<$name> {
                let found = Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(word));
                found.map(|(code, _)| *code)
            }

            /// The word that users see and type.
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$code => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::codes::open_list(&[$($word),*])
            }
        }
    };
}

/// The schema of a word out of a list that may grow: any string, with the words of today as examples.
#[cfg(test)]
pub(crate) fn open_list(words: &[&str]) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string",
        "description": "One of a list that may grow: take words that you do not know as they come. The present ones are the \
                        examples.",
        "examples": words,
    })
}

pub(crate) use codes;
