//! The folder or path that a line holds for alone, and what patterns see of a request there.

/// Where a line holds; by default everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::change) struct Within {
    /// What clients ask for, with a slash at its end; empty: any path.
    pub path: String,
    /// What patterns of mod_rewrite see before the rest of the path: it takes off that of the folder where its lines stand
    /// (mod_rewrite, `hook_fixup`). `None`: they see the whole path.
    pub front: Option<String>,
}

impl Within {
    /// Does a line hold for a path?
    pub fn has(&self, asked: &str) -> bool {
        asked.starts_with(&self.path) || self.path.strip_suffix('/') == Some(asked)
    }

    /// What a pattern sees of it where it does not see all.
    pub fn seen(&self, asked: &str) -> Option<String> {
        let front = self.front.as_ref()?;
        Some(format!("{front}{}", asked.strip_prefix(&self.path)?))
    }

    /// A path for which it holds.
    pub fn sample(&self, path: String) -> String {
        if self.has(&path) {
            return path;
        }
        format!("{}{}", self.path, path.trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_sees_what_is_behind_its_folder() {
        let within = |path: &str, front: &str| Within {
            path: path.to_owned(),
            front: Some(front.to_owned()),
        };
        assert_eq!(within("/", "").seen("/x").as_deref(), Some("x"));
        assert_eq!(within("/app/", "").seen("/app/x").as_deref(), Some("x"));
        assert_eq!(within("/", "html/").seen("/x").as_deref(), Some("html/x"));
        assert!(within("/app/", "").has("/app"));
        assert!(!within("/app/", "").has("/apple"));
        assert_eq!(within("/app/", "").sample("/x".to_owned()), "/app/x");
        assert_eq!(Within::default().seen("/x"), None);
    }
}
