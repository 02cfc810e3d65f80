//! What a server needs to answer certificate authorities, and what nothing that we may write comes before. Edits nothing.

use crate::httpd::{Configuration, Entry, SERVER, Truth};

use super::super::challenge::AnswerPlace;
use super::super::existing::{named_at, own_settings, says};
use super::super::own_answers::OwnLines;
use super::super::step::main_rules::{Inherited, inherited};
use super::servers::Server;
use super::takers::{Kind, Taker, takers};

/// What one server needs.
pub(in crate::change) struct Need<'a> {
    /// All that takes the path as things are.
    pub takers: Vec<Taker<'a>>,
    /// Why one of them keeps it, by its place in the list.
    pub kept: Vec<(usize, Kept<'a>)>,
    /// A rule before all others; it acts where rewriting is on.
    pub rule: bool,
    /// Rewriting is to be switched on for it: there is no other rule that it could wake.
    pub engine: bool,
    /// The main server's rules come before those of the virtual host.
    pub main_rule: bool,
    /// An `Alias` of the main server would come too late.
    pub alias_first: bool,
    /// mod_proxy is to let the path be.
    pub no_proxy: bool,
    /// What its folder needs.
    pub folder: Grants,
    /// What the path needs, whatever sections hold for it; none where that of the folder is enough.
    pub path: Option<Grants>,
}

/// Why a line keeps the path.
#[derive(Clone, Copy, Debug)]
pub(in crate::change) enum Kept<'a> {
    /// mod_rewrite would come before it, and is not loaded.
    NoRewriting,
    /// Rewriting is switched off there.
    SwitchedOff(&'a Entry),
    /// Rewriting cannot be switched on without a rule that sleeps.
    Sleeping(&'a Entry),
    /// It is asked when the file is found already.
    Late,
    /// It demands TLS.
    Tls,
    /// mod_md answers before all others.
    Managed,
}

/// What lets everybody have the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::change) struct Grants {
    pub access: bool,
    pub no_login: bool,
    pub old_access: bool,
    pub any: bool,
    pub handler: bool,
    pub no_proxy: bool,
    pub no_rules: bool,
    /// An `<If>` comes after every other section.
    pub in_if: bool,
}

impl Need<'_> {
    /// Is an `Alias` with its folder enough, wherever it stands?
    pub fn is_plain(&self) -> bool {
        !self.rule && !self.alias_first && !self.no_proxy && self.path.is_none()
    }
}

/// What a server needs.
pub(in crate::change) fn need<'a>(
    configuration: &'a Configuration,
    server: &Server<'a>,
    place: &AnswerPlace,
    own: &OwnLines,
) -> Need<'a> {
    let rewriting = Rewriting::of(configuration, server, own);
    let mut takers = takers(configuration, server, place, own);
    takers.retain(|taker| rewriting.is_on || taker.kind != Kind::Rewrite || !taker.reach.is_of_server);
    let has = |module: &str| configuration.modules().has(module.as_bytes()) == Truth::True;
    let mut need = Need {
        takers: takers.clone(),
        kept: Vec::new(),
        rule: false,
        engine: false,
        main_rule: false,
        alias_first: false,
        no_proxy: false,
        folder: Grants {
            access: has("authz_core_module"),
            ..Grants::default()
        },
        path: None,
    };
    for (at, taker) in takers.iter().enumerate() {
        let of_server = taker.reach.is_of_server;
        let by_rewriting = match taker.kind {
            Kind::Redirect | Kind::Jk => of_server,
            Kind::Alias => !of_server,
            _ => false,
        };
        let kept = match taker.kind {
            _ if by_rewriting => rewriting.refuses(),
            Kind::Redirect => Some(Kept::Late),
            Kind::Managed => Some(Kept::Managed),
            Kind::Tls if !has("access_compat_module") => Some(Kept::Tls),
            _ => None,
        };
        need.rule |= by_rewriting && kept.is_none() || of_server && taker.kind == Kind::Rewrite;
        need.main_rule |= taker.kind == Kind::Rewrite && taker.is_inherited && rewriting.main_comes_first;
        need.alias_first |= of_server && taker.kind == Kind::Alias;
        need.no_proxy |= of_server && taker.kind == Kind::Proxy;
        need.kept.extend(kept.map(|kept| (at, kept)));
        need.grant(taker, &has);
    }
    need.engine = need.rule && rewriting.is_to_be_switched_on();
    if let Some(path) = &mut need.path {
        path.access |= has("authz_core_module") && (path.old_access || path.any);
    }
    need
}

impl Need<'_> {
    /// What is needed against one line, in the folder or for the path.
    fn grant(&mut self, taker: &Taker<'_>, has: &impl Fn(&str) -> bool) {
        let reach = taker.reach;
        let mut grants = Grants::default();
        match taker.kind {
            Kind::Access => grants.access = has("authz_core_module"),
            Kind::Login => grants.no_login = has("authn_core_module"),
            Kind::OldAccess => grants.old_access = has("access_compat_module"),
            Kind::Tls => {
                grants.any = has("access_compat_module");
                grants.old_access = grants.any;
            }
            Kind::Handler => grants.handler = true,
            Kind::Proxy if !reach.is_of_server => grants.no_proxy = true,
            Kind::Rewrite if !reach.is_of_server => grants.no_rules = true,
            _ => return,
        }
        // An `Allow` of the folder comes before what the path demands.
        let is_of_folder = reach.is_of_folder && !reach.is_of_server;
        let to = match is_of_folder {
            true => &mut self.folder,
            false => self.path.get_or_insert_default(),
        };
        to.access |= grants.access;
        to.no_login |= grants.no_login;
        to.old_access |= grants.old_access;
        to.any |= grants.any;
        to.handler |= grants.handler;
        to.no_proxy |= grants.no_proxy;
        to.no_rules |= grants.no_rules;
        to.in_if |= reach.is_in_if;
    }
}

/// What mod_rewrite does in a server, our own lines left out.
struct Rewriting<'a> {
    is_loaded: bool,
    /// The last line that says whether it acts.
    engine: Option<&'a Entry>,
    is_on: bool,
    /// That line is of the virtual host itself.
    is_own: bool,
    /// A rule that acts only where rewriting is on.
    rule: Option<&'a Entry>,
    main_comes_first: bool,
}

impl<'a> Rewriting<'a> {
    fn of(configuration: &'a Configuration, server: &Server<'a>, own: &OwnLines) -> Self {
        let section = server.section();
        let engine = |section| {
            let mut all = own_settings(configuration, section, "RewriteEngine");
            all.retain(|entry| !own.has(entry));
            all.pop()
        };
        let own_engine = engine(section);
        // One without any line of mod_rewrite's own has the main server's only by name (`hook_uri2file` asks whose they are).
        let names = [
            "RewriteEngine",
            "RewriteRule",
            "RewriteCond",
            "RewriteOptions",
            "RewriteMap",
        ];
        let mut lines = named_at(configuration, section, &names);
        let has_own = lines.any(|entry| entry.truth != Truth::False && !own.has(entry));
        let is_touched = has_own || section == SERVER;
        let last = own_engine.or_else(|| engine(SERVER)).filter(|_| is_touched);
        let rules = |section| {
            let mut all = configuration
                .named_in(section, "RewriteRule")
                .map(|(_, entry)| entry);
            all.find(|entry| entry.truth != Truth::False && !own.has(entry))
        };
        let options = ["RewriteOptions"].iter().flat_map(|name| {
            let both = [section, SERVER].into_iter();
            both.flat_map(|section| own_settings(configuration, section, name))
        });
        let mut options = options.flat_map(|entry| configuration.arguments(entry));
        let inherits = options.any(|word| {
            let word = word.to_ascii_lowercase();
            word.starts_with(b"inherit")
        });
        let of_main = if inherits || section == SERVER {
            rules(SERVER)
        } else {
            None
        };
        Rewriting {
            is_loaded: configuration.modules().has(b"rewrite_module") == Truth::True,
            is_on: last.is_some_and(|entry| says(configuration, entry, "on")),
            engine: last,
            is_own: own_engine.is_some(),
            rule: rules(section).or(of_main),
            main_comes_first: is_touched && inherited(configuration, section) == Some(Inherited::Before),
        }
    }

    /// Why a rule of ours would not act.
    fn refuses(&self) -> Option<Kept<'a>> {
        match (self.engine, self.rule) {
            _ if !self.is_loaded => Some(Kept::NoRewriting),
            _ if self.is_on => None,
            (Some(off), _) if self.is_own => Some(Kept::SwitchedOff(off)),
            (_, Some(rule)) => Some(Kept::Sleeping(rule)),
            (_, None) => None,
        }
    }

    fn is_to_be_switched_on(&self) -> bool {
        self.is_loaded && !self.is_on && self.refuses().is_none()
    }
}
