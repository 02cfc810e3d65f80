//! Where something is, and when: the one form of a file, a line and a moment that people and programs get.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};

use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A path from the top, without `.` and `..`. What a link leads to has a folder above of its own.
///
/// # Errors
/// When the path is empty, or the current folder is not known.
pub fn absolute(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let goes_up = |part: Component| part == Component::ParentDir;
    // On Windows nothing goes up anymore, as the system takes it out before it looks at links.
    if !absolute.components().any(goes_up) {
        return Ok(absolute);
    }
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        if !goes_up(part) {
            plain.push(part);
            continue;
        }
        if plain.is_symlink() {
            let Ok(behind) = std::fs::canonicalize(&plain) else {
                return Ok(absolute);
            };
            plain = behind;
        }
        plain.pop();
    }
    Ok(plain)
}

/// The same; as it is, where that cannot be told.
pub fn whole(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A path. People see it as they typed it, or below what they typed; programs get it absolute.
#[derive(Clone, Debug, Default)]
pub struct ShownPath {
    shown: String,
    /// For programs, where that cannot be told from what is shown.
    told: Option<String>,
}

impl ShownPath {
    /// One that people see in another form than programs get: `told`, as it is.
    pub fn told_as(shown: impl Into<String>, told: impl Into<String>) -> ShownPath {
        ShownPath {
            shown: shown.into(),
            told: Some(told.into()),
        }
    }

    /// One that others wrote, perhaps on another machine: it is told as it is.
    pub fn of_others(written: &str) -> ShownPath {
        ShownPath::told_as(written, written)
    }

    /// For programs: absolute.
    pub fn absolute(&self) -> Cow<'_, str> {
        if let Some(told) = &self.told {
            return Cow::Borrowed(told);
        }
        // Of a machine of the other kind: absolute there.
        let is_foreign = cfg!(unix) && has_drive(&self.shown);
        let absolute = match is_foreign || self.shown.is_empty() {
            true => None,
            false => absolute(self.shown.as_ref()).ok(),
        };
        match absolute {
            Some(path) => Cow::Owned(path.display().to_string()),
            None => Cow::Borrowed(&self.shown),
        }
    }
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
}

impl Deref for ShownPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.shown
    }
}

impl AsRef<Path> for ShownPath {
    fn as_ref(&self) -> &Path {
        self.shown.as_ref()
    }
}

impl From<String> for ShownPath {
    fn from(shown: String) -> Self {
        ShownPath { shown, told: None }
    }
}

impl From<&str> for ShownPath {
    fn from(shown: &str) -> Self {
        shown.to_owned().into()
    }
}

impl fmt::Display for ShownPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl PartialEq for ShownPath {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl Eq for ShownPath {}

impl PartialEq<str> for ShownPath {
    fn eq(&self, other: &str) -> bool {
        self.shown == other
    }
}

impl PartialEq<&str> for ShownPath {
    fn eq(&self, other: &&str) -> bool {
        self.shown == *other
    }
}

impl Serialize for ShownPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.absolute())
    }
}

#[cfg(test)]
impl schemars::JsonSchema for ShownPath {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An absolute path, in the form of the machine that it is on. Bytes that are not text are written as \\xNN.",
        })
    }
}

/// A file, with its lines where it is about some. Everything that is told of a line is told of one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Place {
    /// The file, as an absolute path.
    pub file: ShownPath,
    /// The line, counted from 1; null where the whole file is meant.
    pub line: Option<usize>,
    /// The last line of what is meant: the same as `line`, or a later one where lines are continued. Null where `line`
    /// is.
    pub last_line: Option<usize>,
}

impl Place {
    /// A line of a file, or the whole of it.
    pub fn new(file: impl Into<ShownPath>, line: Option<usize>) -> Place {
        Place {
            file: file.into(),
            line,
            last_line: line,
        }
    }

    /// Lines of a file.
    pub fn lines(file: impl Into<ShownPath>, first: usize, last: usize) -> Place {
        Place {
            file: file.into(),
            line: Some(first),
            last_line: Some(last.max(first)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A point in time, told in RFC 3339, in UTC and whole seconds: `2027-09-25T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(OffsetDateTime);

impl Moment {
    /// A time of a log, which tells no zone: this machine's is meant.
    pub fn of_this_machine(time: PrimitiveDateTime) -> Moment {
        let zone = |moment| UtcOffset::local_offset_at(moment).unwrap_or(UtcOffset::UTC);
        // The zone of a moment can only be asked with the moment: the first answer may be off by one change of clocks.
        let near = time.assume_offset(zone(time.assume_utc()));
        Moment::from(time.assume_offset(zone(near)))
    }

    /// A time in RFC 3339, of any zone and precision.
    pub fn parse(text: &str) -> Option<Moment> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(Moment::from)
    }

    /// For calculations.
    pub fn time(self) -> OffsetDateTime {
        self.0
    }

    /// The day, in UTC.
    pub fn date(self) -> time::Date {
        self.0.date()
    }
}

impl From<OffsetDateTime> for Moment {
    fn from(moment: OffsetDateTime) -> Self {
        let utc = moment.checked_to_offset(UtcOffset::UTC).unwrap_or(moment);
        Moment(utc.replace_nanosecond(0).unwrap_or(utc))
    }
}

impl From<Moment> for OffsetDateTime {
    fn from(moment: Moment) -> Self {
        moment.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).unwrap_or_else(|_| self.0.to_string()))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A point in time: RFC 3339, in UTC and whole seconds, such as 2027-09-25T12:00:00Z.",
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn json(value: impl Serialize) -> serde_json::Value {
        serde_json::to_value(value).unwrap()
    }

    #[test]
    fn people_see_what_they_typed_and_programs_get_it_absolute() {
        let place = Place::new("conf/httpd.conf", Some(3));
        assert_eq!(place.to_string(), "conf/httpd.conf:3");
        let here = std::env::current_dir().unwrap().join("conf").join("httpd.conf");
        assert_eq!(
            json(&place),
            serde_json::json!({ "file": here, "line": 3, "last_line": 3 })
        );
        let whole = json(Place::new(ShownPath::of_others("logs/error.log"), None));
        assert_eq!(
            whole,
            serde_json::json!({ "file": "logs/error.log", "line": null, "last_line": null })
        );
        assert_eq!(
            json(ShownPath::from("C:/Apache24/conf"))
                .as_str()
                .map(|path| &path[..3]),
            Some(if cfg!(windows) { "C:\\" } else { "C:/" })
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_path_goes_up_behind_links_as_the_system_does() {
        let folder = tempfile::tempdir().unwrap();
        let top = std::fs::canonicalize(folder.path()).unwrap();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::fs::create_dir(top.join("c")).unwrap();
        std::os::unix::fs::symlink(top.join("a/b"), top.join("c/link")).unwrap();
        for (typed, plain) in [
            ("a/../c/./x", "c/x"),
            ("a/b/../../c", "c"),
            ("c/link/../x", "a/x"),
            ("c/link/x", "c/link/x"),
            ("not/there/../x", "not/x"),
        ] {
            assert_eq!(absolute(&top.join(typed)).unwrap(), top.join(plain), "{typed}");
        }
        assert_eq!(absolute("/../x".as_ref()).unwrap(), Path::new("/x"));
    }

    #[test]
    fn a_moment_is_told_in_whole_seconds_of_utc() {
        let moment = Moment::from(datetime!(2026-11-29 03:02:27.123456789 +2));
        assert_eq!(moment.to_string(), "2026-11-29T01:02:27Z");
        assert_eq!(Moment::parse("2026-11-29T03:02:27.9+02:00"), Some(moment));
        assert_eq!(Moment::parse("yesterday"), None);
    }
}
