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

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            // No list: new words may come with every version.
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": "^[A-Z][A-Z0-9-]*$",
                    "description": concat!(
                        "A word that keeps its meaning. New ones may come with any version; programs take a word that they do ",
                        "not know as just another of its kind."
                    ),
                })
            }
        }
    };
}

pub(crate) use codes;
