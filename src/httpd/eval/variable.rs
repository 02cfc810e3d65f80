//! `Define`, `UnDefine` and `${NAME}`. Reads no lines.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::httpd::model::facts::Facts;
use crate::httpd::model::platform::Platform;
use crate::httpd::model::truth::Truth;
use crate::httpd::text::scan::find_reference;

/// The variables and flags at one moment of reading.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Values by lower-case name: Apache looks values up without regard to case.
    values: HashMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
    /// Flags by exact name, as `<IfDefine>` asks for them.
    flags: HashMap<Vec<u8>, Truth>,
    /// By the names that [`Variables::own_name`] gives.
    environment: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Windows does not look at the case of a variable of the environment.
    is_caseless: bool,
}

impl Variables {
    /// Before the first line is read: the flags of the command line and the environment.
    pub fn new(facts: &Facts) -> Self {
        let flags = facts.flags.iter();
        let mut variables = Variables {
            values: HashMap::new(),
            flags: flags.map(|flag| (flag.clone(), Truth::True)).collect(),
            environment: BTreeMap::new(),
            is_caseless: facts.platform == Platform::Windows,
        };
        for (name, value) in &facts.environment {
            let name = variables.own_name(name).into_owned();
            variables.environment.insert(name, value.clone());
        }
        variables
    }

    /// How a variable of the environment is called here.
    fn own_name<'a>(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        if self.is_caseless {
            name.to_ascii_uppercase().into()
        } else {
            name.into()
        }
    }

    /// `Define name [value]`. Without a value only the flag is set, and an earlier value stays.
    pub fn define(&mut self, name: &[u8], value: Option<&[u8]>, truth: Truth) {
        let flag = self.flags.entry(name.to_vec()).or_insert(truth);
        if truth == Truth::True {
            *flag = truth;
        }
        // The list of flags and the table of values are two (core.c, `set_define`): nothing can make a value empty.
        if let Some(value) = value {
            self.values
                .insert(name.to_ascii_lowercase(), (name.to_vec(), value.to_vec()));
        }
    }

    /// `UnDefine name`: the flag by exact name, the value without regard to case.
    pub fn undefine(&mut self, name: &[u8], truth: Truth) {
        if truth == Truth::True {
            self.flags.remove(name);
            self.values.remove(&name.to_ascii_lowercase());
        } else if let Some(flag) = self.flags.get_mut(name) {
            *flag = Truth::Unknown;
        }
    }

    /// What `<IfDefine name>` finds.
    pub fn flag(&self, name: &[u8]) -> Truth {
        self.flags.get(name).copied().unwrap_or(Truth::False)
    }

    /// The value of `${name}`.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        // `ap_resolve_env` asks the environment last, so that UnDefine uncovers it.
        /// So many are looked through sooner than one is looked up.
        const FEW: usize = 8;
        let named = match self.values.len() {
            ..=FEW => {
                let mut all = self.values.values();
                all.find(|(own, _)| own.eq_ignore_ascii_case(name))
            }
            _ => self.values.get(&name.to_ascii_lowercase()),
        };
        match named {
            Some((_, value)) => Some(value),
            None => self.environment.get(&*self.own_name(name)).map(Vec::as_slice),
        }
    }

    /// Flags with their values, sorted by name.
    pub fn all(&self) -> BTreeMap<&[u8], Option<&[u8]>> {
        self.flags
            .keys()
            .map(|name| {
                (
                    name.as_slice(),
                    self.values
                        .get(&name.to_ascii_lowercase())
                        .map(|(_, value)| value.as_slice()),
                )
            })
            .collect()
    }

    /// Substitutes `${NAME}` in one pass from left to right. Unknown names stay as they are and are handed to
    /// `undefined`, except those with a colon, which Apache leaves to RewriteMap.
    pub fn substitute<'a>(&self, text: &'a [u8], mut undefined: impl FnMut(&[u8])) -> Cow<'a, [u8]> {
        if find_reference(text).is_none() {
            return Cow::Borrowed(text);
        }
        let mut result = Vec::with_capacity(text.len() + 32);
        let mut rest = text;
        while let Some(at) = find_reference(rest) {
            let Some(length) = memchr::memchr(b'}', &rest[at + 2..]) else {
                break;
            };
            let name = &rest[at + 2..at + 2 + length];
            let end = at + 2 + length + 1;
            result.extend_from_slice(&rest[..at]);
            match self.value(name) {
                Some(value) => result.extend_from_slice(value),
                None => {
                    // `${map:key}` is for RewriteMap; Define takes no such name.
                    if !name.contains(&b':') {
                        undefined(name);
                    }
                    result.extend_from_slice(&rest[at..end]);
                }
            }
            rest = &rest[end..];
            if result.len() > text.len() + MAX_SUBSTITUTED {
                break;
            }
        }
        result.extend_from_slice(rest);
        Cow::Owned(result)
    }
}

/// Bytes by which the values in one line may lengthen it. Values that double at every `Define` must not exhaust memory; no
/// line that Apache can use comes near this.
pub(in crate::httpd) const MAX_SUBSTITUTED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[(&str, &str)]) -> Variables {
        let mut variables = Variables::default();
        for (name, value) in values {
            variables.define(name.as_bytes(), Some(value.as_bytes()), Truth::True);
        }
        variables
    }

    fn substitute(variables: &Variables, text: &str) -> (String, Vec<String>) {
        let mut missing = Vec::new();
        let result = variables
            .substitute(text.as_bytes(), |name| {
                missing.push(String::from_utf8_lossy(name).into_owned())
            })
            .into_owned();
        (String::from_utf8(result).unwrap(), missing)
    }

    #[test]
    fn substitution_is_one_pass_without_nesting_or_escapes() {
        let v = with(&[("A", "1"), ("B", "${A}"), ("D", "$")]);
        assert_eq!(substitute(&v, r"x${A}y \${A} $${A} $A ${").0, r"x1y \1 $1 $A ${");
        assert_eq!(substitute(&v, "${B} ${D}{A}").0, "${A} ${A}");
        assert_eq!(substitute(&v, "${${A}}"), ("${${A}}".into(), vec!["${A".into()]));
        assert_eq!(substitute(&v, "${map:x}"), ("${map:x}".into(), vec![]));
    }

    #[test]
    fn values_ignore_case_flags_do_not() {
        let mut v = with(&[("Foo", "1")]);
        assert_eq!(v.value(b"FOO"), Some(&b"1"[..]));
        assert_eq!(v.flag(b"FOO"), Truth::False);
        v.define(b"Foo", None, Truth::True);
        assert_eq!(v.value(b"foo"), Some(&b"1"[..]));
        v.undefine(b"FOO", Truth::True);
        assert_eq!((v.value(b"foo"), v.flag(b"Foo")), (None, Truth::True));
    }

    #[test]
    fn the_environment_shows_through() {
        for (platform, other_case) in [(Platform::Unix, None), (Platform::Windows, Some(&b"env"[..]))] {
            let mut facts = Facts::assumed(platform);
            facts.environment = [(b"E".to_vec(), b"env".to_vec())].into();
            let mut v = Variables::new(&facts);
            v.define(b"E", Some(b"own"), Truth::True);
            assert_eq!(v.value(b"E"), Some(&b"own"[..]));
            v.undefine(b"E", Truth::True);
            assert_eq!(v.value(b"E"), Some(&b"env"[..]));
            assert_eq!(v.value(b"e"), other_case);
        }
    }
}
