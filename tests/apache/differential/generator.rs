//! Configurations made at random over the whole grammar, most of them acceptable. Judges none of them.

use super::random::Random;

/// A tree of files below a server root, and what else makes up a run.
#[derive(Clone, Debug)]
pub struct Case {
    /// What the main file starts with.
    pub prelude: Vec<u8>,
    /// Path below the root and content; the first is the main file.
    pub files: Vec<(String, Vec<u8>)>,
    /// `-D` flags.
    pub flags: Vec<String>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
}

/// Names worth asking for at every address.
pub const HOST_NAMES: [&str; 8] = [
    "a.test",
    "B.TEST",
    "c.d.test",
    "x.a.test",
    "main.test",
    "none.example",
    "abc.test",
    "w.x.test",
];
/// Where included files live; folders that start with a dot, backups and odd names are part of it.
const INCLUDED: [&str; 14] = [
    "in/1.conf",
    "in/10-b.conf",
    "in/9-a.conf",
    "in/B.conf",
    "in/.hidden",
    "in/old.conf~",
    "in/a b.conf",
    "in/sub/z.conf",
    "in/sub/.y.conf",
    "in/[x].conf",
    "in2/x.conf",
    "in2/s.d/x.conf",
    "other/in/1.conf",
    "other/leaf/1.conf",
];
/// Files that include nothing themselves.
const LEAVES: [&str; 5] = [
    "leaf/1.conf",
    "leaf/2.conf",
    "leaf/d/3.conf",
    "leaf/-.conf",
    "leaf/\\b.conf",
];

const PATTERNS: [&str; 36] = [
    "in/1.conf",
    "in/*.conf",
    "in/*",
    "in",
    "in/",
    "in?/*.conf",
    "i*/s*/*.conf",
    "in2/*.d/*",
    "in/[0-9]*",
    "in/[!0-9]*.conf",
    "in/[^1]*.conf",
    "in/[1B].conf",
    "in/[]x[]*",
    "in/\\[x\\].conf",
    "in/\\[x\\]*",
    "in/[x].conf",
    "./in/../in/1.conf",
    "in//B.conf",
    "in/1.conf/",
    "in/.h*",
    "in/?hidden",
    "in/sub/*",
    "in/sub",
    "in/a?b.conf",
    "\"in/a b.conf\"",
    "@ROOT@/in/10-b.conf",
    "@ROOT@/in?/x.conf",
    "link/*.conf",
    "l*k/*.conf",
    "link.conf",
    "empty",
    "e*",
    "in/[a-",
    "*/1.conf",
    "/dev/null",
    "in/[B-a]*",
];
const MISSING: [&str; 7] = [
    "gone.conf",
    "gone/*.conf",
    "in/gone*.conf",
    "gone",
    "in/1.conf/x",
    "g*/x.conf",
    "in/[a-",
];
const LEAF_PATTERNS: [&str; 8] = [
    "leaf/1.conf",
    "leaf/*.conf",
    "leaf",
    "leaf/d",
    "leaf/[12].conf",
    "@ROOT@/leaf/*/3.conf",
    "leaf/\\\\\\\\b.conf",
    "leaf/[\\\\-]*",
];
const VARIABLES: [&str; 12] = [
    "A", "a", "Foo", "FOO", "b_c", "p.1", "\"x y\"", "DIR", "$", "E1", "${A}x", "N",
];
const VALUES: [&str; 22] = [
    "v",
    "\"two words\"",
    "'it is'",
    "\"q\\\"uote\"",
    "C:\\dir\\x",
    "\"C:\\dir\\\\\"",
    "\\\\\\\\srv\\\\x",
    "\"\"",
    "${A}",
    "\"a${Foo}b\"",
    "${UNDEF}",
    "$",
    "\"${\"",
    "#",
    "in",
    "'\"'",
    "\"'\"",
    "}",
    "\"<IfDefine\"",
    "A",
    "\"\\\\\"",
    "\u{e9}",
];
const WORDS: [&str; 34] = [
    "x",
    "yy",
    "*.bak",
    "\"q w\"",
    "'s q'",
    "\"a\\\"b\"",
    "'a\\'b'",
    "\"a\\\\\"",
    "\"a\\b\"",
    "a\\\\b",
    "a\\ b",
    "a\\\"b",
    "\"a\"b'c'",
    "a\"b c\"d",
    "\"open",
    "'open",
    "\"\"",
    "#",
    "#x",
    "${A}",
    "${a}${Foo}",
    "${E1}",
    "${UNDEF}",
    "${no:colon}",
    "${${A}}",
    "\\${A}",
    "$${A}",
    "${",
    "$1",
    "${x y}",
    "\"${FOO}\"",
    "'${DIR}'",
    ">",
    "<b>",
];

/// Where the next lines stand: it decides what Apache allows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Server,
    Host,
    Folder,
    /// Where only what is allowed everywhere may stand: included files, macros, `<If>`.
    Any,
}

/// Makes the case of a seed.
pub fn generate(seed: u64, modules: &str) -> Case {
    let mut g = Generator {
        r: Random::new(seed),
        lines: Vec::new(),
        careless: false,
        leaf: false,
        main: true,
        macros: false,
        depth: 0,
    };
    g.careless = g.r.percent(15);
    g.macros = g.r.percent(50);
    let mut files = Vec::new();
    g.text(modules);
    if g.macros {
        g.text("LoadModule macro_module @MODULES@/mod_macro.so\n");
    }
    g.text("ErrorLog /dev/null\n");
    let name =
        g.r.of(&[
            "main.test",
            "main.test",
            "main.test:8080",
            "https://a.test:444",
            "MAIN.test:80",
        ])
        .to_string();
    g.text(&format!("ServerName {name}\n"));
    let prelude = std::mem::take(&mut g.lines);
    let count = 3 + g.r.below(18);
    g.block(count, Place::Server);
    files.push(("main.conf".to_string(), g.take()));
    g.main = false;
    for name in INCLUDED.iter().chain(&LEAVES) {
        if g.r.percent(45) && !name.starts_with("leaf") {
            continue;
        }
        g.leaf = LEAVES.contains(name) || name.contains("leaf");
        let count = g.r.below(4);
        g.block(count, Place::Any);
        if g.r.percent(6) {
            g.buffer_sized();
        }
        let bytes = g.take();
        files.push((name.to_string(), bytes));
    }
    let mut flags = Vec::new();
    for flag in ["A", "X", "Foo", "V=1"] {
        if g.r.percent(25) {
            flags.push(flag.to_string());
        }
    }
    let mut environment = Vec::new();
    for (name, value) in [("E1", "env val"), ("A", "from env"), ("DIR", "in"), ("b_c", "")] {
        if g.r.percent(40) {
            environment.push((name.to_string(), value.to_string()));
        }
    }
    Case {
        prelude,
        files,
        flags,
        environment,
    }
}

struct Generator {
    r: Random,
    lines: Vec<u8>,
    /// Mistakes are made on purpose.
    careless: bool,
    leaf: bool,
    /// The main file is being written: only it may include everything, or files would include each other.
    main: bool,
    macros: bool,
    depth: usize,
}

impl Generator {
    fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.lines);
        if self.r.percent(15) && bytes.ends_with(b"\n") {
            bytes.pop();
        }
        if self.r.percent(3) {
            bytes.extend_from_slice(b"\\\n");
        }
        if self.careless && self.r.percent(2) {
            bytes.splice(0..0, *b"\xef\xbb\xbf");
        }
        bytes
    }

    fn text(&mut self, text: &str) {
        self.lines.extend_from_slice(text.as_bytes());
    }

    /// One logical line, with whatever Apache allows around and inside it.
    fn line(&mut self, text: &str) {
        let indentation = *self.r.of(&[&"", &"", &"  ", &"\t", &" \x0b\x0c", &"\r"]);
        self.text(indentation);
        let bytes = text.as_bytes();
        // A place-holder must stay whole.
        let wild = self.r.percent(12) && !text.contains("@ROOT@");
        for (at, &byte) in bytes.iter().enumerate() {
            let splits = wild && self.r.percent(12);
            if splits && (at > 0 || self.r.percent(30)) {
                let end = *self.r.of(&[&"\\\n", &"\\\r\n", &"\\\n\\\n"]);
                self.text(end);
            }
            self.lines.push(byte);
        }
        let tail = *self.r.of(&[&"", &"", &"", &" ", &" \t", &"\r"]);
        self.text(tail);
        if self.careless && self.r.percent(1) {
            self.lines.extend_from_slice(b"\0 cut\\");
        }
        if self.r.percent(2) {
            self.text("\\");
        }
        if self.r.percent(12) {
            self.text("\r");
        }
        self.text("\n");
    }

    fn comment(&mut self) {
        let text = *self.r.of(&[
            &"# plain",
            &"#",
            &"# ends in \\",
            &"# </IfDefine>",
            &"# ${UNDEF} <Directory>",
            &"#IndexIgnore c \\ ",
            &"",
            &"   ",
        ]);
        self.text(text);
        let end = *self.r.of(&[&"\n", &"\n", &"\r\n"]);
        self.text(end);
    }

    /// A last line that fills httpd's first buffers exactly or nearly, without a line end.
    fn buffer_sized(&mut self) {
        let size = self.r.of(&[&205, &206, &207, &413, &414, &415]);
        let ended = self.lines.ends_with(b"\n") || self.lines.is_empty();
        if !ended {
            self.text("\n");
        }
        if *size > 207 {
            // How large the second buffer is hangs on what else was allocated, and a directive settles that.
            self.text("IndexIgnore before\n");
        }
        let mut line = b"IndexIgnore buffer ".to_vec();
        line.resize(*size, b'x');
        self.lines.extend_from_slice(&line);
    }

    fn word(&mut self) -> String {
        if self.r.percent(6) {
            let odd = *self.r.of(&[
                &"\u{a0}",
                &"\u{feff}",
                &"a\x0bb",
                &"c\x0cd",
                &"e\rf",
                &"\x01",
                &"\x7f",
                &"\u{ff}",
            ]);
            return format!("o{odd}");
        }
        self.r.of(&WORDS.each_ref()).to_string()
    }

    fn words(&mut self, most: usize) -> String {
        let count = self.r.below(most + 1);
        let mut text = String::new();
        for _ in 0..count {
            let blank = *self.r.of(&[&" ", &"  ", &"\t", &" \r "]);
            text.push_str(blank);
            text.push_str(&self.word());
        }
        text
    }

    fn block(&mut self, count: usize, place: Place) {
        self.depth += 1;
        for _ in 0..count {
            self.item(place);
        }
        self.depth -= 1;
    }

    fn item(&mut self, place: Place) {
        let deep = self.depth > 5;
        match self.r.below(100) {
            0..22 => self.directive(place),
            22..30 => self.comment(),
            30..42 => self.define(),
            42..60 if !deep => self.conditional(place),
            60..72 => self.include(),
            72..80 if self.macros && !deep => self.macro_or_use(place),
            80..97 if !deep => self.section(place),
            97..99 => self.oddity(),
            _ => self.directive(place),
        }
    }

    fn directive(&mut self, place: Place) {
        let alias = place == Place::Host && self.r.percent(40);
        let name = if alias {
            *self.r.of(&[&"ServerAlias", &"serveralias"])
        } else {
            *self.r.of(&[
                &"IndexIgnore",
                &"indexignore",
                &"\"IndexIgnore\"",
                &"IndexIgnore>",
                &"DirectoryIndexx",
                &"IndexIgnore",
                &"'INDEXIGNORE'",
                &"Index\\\nIgnore",
            ])
        };
        if name == "DirectoryIndexx" && !(self.careless && self.r.percent(10)) {
            return;
        }
        let words = self.words(4);
        self.line(&format!("{name} f{words}"));
    }

    fn define(&mut self) {
        let name = *self.r.of(&VARIABLES.each_ref());
        match self.r.below(10) {
            0 => self.line(&format!("Define {name}")),
            1 | 2 => self.line(&format!("UnDefine {name}")),
            3 if self.careless => {
                let text = *self.r.of(&[
                    &"Define",
                    &"Define a b c",
                    &"Define a:b c",
                    &"UnDefine",
                    &"Define \"\" x",
                    &"UnDefine a b",
                ]);
                self.line(text);
            }
            _ => {
                let value = *self.r.of(&VALUES.each_ref());
                let directive = *self.r.of(&[&"Define", &"define", &"DEFINE", &"\"Define\""]);
                self.line(&format!("{directive} {name} {value}"));
            }
        }
    }

    fn conditional(&mut self, place: Place) {
        let (name, test) = match self.r.below(20) {
            0..8 => (
                "IfDefine",
                self.r.of(&[
                    "A", "a", "X", "Foo", "V=1", "NOPE", "\"x y\"", "${A}", "$", "A # c", "A B", "'Foo'",
                ]),
            ),
            8..13 => (
                "IfModule",
                self.r.of(&[
                    "core.c",
                    "mod_so.c",
                    "so_module",
                    "autoindex_module",
                    "mod_autoindex.c",
                    "mod_nope.c",
                    "macro_module",
                    "mod_macro.c",
                    "event.c",
                    "mpm_event_module",
                    "mod_mpm_event.c",
                    "MOD_SO.C",
                    "\"mod_so.c\"",
                    "http_core.c",
                    "http_module",
                    "core_module",
                    "mod_autoindex.so",
                ]),
            ),
            13..16 => (
                "IfVersion",
                self.r.of(&[
                    "2.4",
                    ">= 2.4",
                    "> 2.4.1",
                    "< 2.4",
                    "<= 3",
                    "= /^2\\.4/",
                    "~ ^2\\.2",
                    "!>= 2.4",
                    "== 2",
                    "> 2.4.999",
                ]),
            ),
            16..19 => (
                "IfFile",
                self.r.of(&[
                    "in/1.conf",
                    "in",
                    "gone",
                    "@ROOT@/main.conf",
                    "in/*.conf",
                    "\"in/a b.conf\"",
                    "/dev/null",
                    "./in/../main.conf",
                ]),
            ),
            _ => ("IfVersion", "< 1"),
        };
        let bad_test = self.careless && self.r.percent(4);
        let test = match name {
            _ if bad_test => *self
                .r
                .of(&[&"", &"!", &">=2.4", &"2.4.1.1", &"x y", &"~ (", &"= /2", &"2.4 x"]),
            _ => test,
        };
        let negation = if name != "IfVersion" && self.r.percent(30) {
            *self.r.of(&[&"!", &"! ", &"!!"])
        } else {
            ""
        };
        let end = match self.r.below(40) {
            0 => " > tail",
            1 => "> tail > more",
            2 if self.careless => "",
            3 => " >",
            _ => ">",
        };
        let spelled = if self.r.percent(10) {
            name.to_ascii_lowercase()
        } else {
            name.to_string()
        };
        self.line(&format!("<{spelled} {negation}{test}{end}"));
        let count = self.r.below(4);
        self.block(count, place);
        let closing = match self.r.below(60) {
            0 if self.careless => return,
            1 if self.careless => format!("</{name} >"),
            2 if self.careless => format!("</{name}> tail"),
            3 if self.careless => "</IfNothing>".to_string(),
            4 if self.careless => format!("</{name}"),
            5 => format!("</{}>", name.to_ascii_uppercase()),
            _ => format!("</{name}>"),
        };
        self.line(&closing);
    }

    fn include(&mut self) {
        let optional = self.r.percent(50);
        let directive = if optional { "IncludeOptional" } else { "Include" };
        let pattern = match self.r.below(20) {
            0..2 if optional || self.careless => *self.r.of(&MISSING.each_ref()),
            2 if !self.leaf => *self
                .r
                .of(&[&"${DIR}/1.conf", &"in/${UNDEF}*", &"\"${DIR}/*.conf\""]),
            _ if self.leaf && !self.r.percent(2) => return self.directive(Place::Any),
            _ if self.r.percent(if self.main { 40 } else { 97 }) => *self.r.of(&LEAF_PATTERNS.each_ref()),
            _ => *self.r.of(&PATTERNS.each_ref()),
        };
        let directive = match self.careless && !optional {
            false => "IncludeOptional",
            true => directive,
        };
        if self.r.percent(4) {
            let root = *self
                .r
                .of(&[&"@ROOT@/other", &"@ROOT@", &"\"@ROOT@/./\"", &"@ROOT@/in/.."]);
            self.line(&format!("ServerRoot {root}"));
        }
        self.line(&format!("{directive} {pattern}"));
    }

    fn macro_or_use(&mut self, place: Place) {
        let name = *self.r.of(&[&"m", &"M", &"n1", &"\"m 2\""]);
        if self.r.percent(55) {
            let values = *self.r.of(&[
                &"",
                &" 1",
                &" \"a b\" c",
                &" ${A}",
                &" '\"' \"\\\\\"",
                &" x y",
                &" \"\"",
            ]);
            if self.careless {
                self.line(&format!("Use {name}{values}"));
            } else {
                // Only what is certainly there: each macro is defined right before.
                self.line(&format!("<Macro {name} $p>"));
                self.line("IndexIgnore f-$p ${A}");
                self.line("</Macro>");
                let value = *self
                    .r
                    .of(&[&"1", &"\"a b\"", &"${A}", &"'\"'", &"\\\\\\\\", &"$p", &"\"\""]);
                if !value.contains('$') {
                    self.line(&format!("Use {name} {value}"));
                }
            }
            return;
        }
        let parameters = *self
            .r
            .of(&[&"", &" $p", &" $p @q", &" p %pq", &" $p $pq", &" $p $p"]);
        let parameters = if self.careless { parameters } else { " $p" };
        self.line(&format!("<Macro {name}{parameters}>"));
        for _ in 0..self.r.below(4) {
            match self.r.below(8) {
                0 => self.comment(),
                1 => self.define(),
                2 => self.line("<IfDefine $p>"),
                3 => self.line("</IfDefine>"),
                4 if self.careless => self.line("Use n1 $p"),
                5 => self.line("IndexIgnore f-$p-@q $pq %pq"),
                6 if self.careless => self.line("<Macro n1 x>\nIndexIgnore f-x\n</Macro>"),
                _ => self.directive(Place::Any),
            }
        }
        self.line("</Macro>");
        if place != Place::Any && self.r.percent(50) {
            self.line(&format!("Use {name} A"));
        }
    }

    fn section(&mut self, place: Place) {
        let (name, argument, inner) = match (place, self.r.below(14)) {
            (Place::Server, 0..6) => return self.host(),
            (Place::Server | Place::Host, 6..8) => ("Directory", "/srv/x", Place::Folder),
            (Place::Server | Place::Host, 8..10) => ("Location", "\"/l o\"", Place::Folder),
            (Place::Server | Place::Host | Place::Folder, 10..12) => ("Files", "\"*.x\"", Place::Any),
            _ => ("If", "\"true\"", Place::Any),
        };
        let spelled = match self.r.below(8) {
            0 => name.to_ascii_lowercase(),
            _ => name.to_string(),
        };
        let end = *self.r.of(&[&">", &">", &">", &"> # text", &" >"]);
        if self.r.percent(3) {
            self.line(&format!("\"<{spelled}\" {argument}{end}"));
        } else {
            self.line(&format!("<{spelled} {argument}{end}"));
        }
        let count = self.r.below(4);
        self.block(count, inner);
        let closing = match self.r.below(50) {
            0 if self.careless => return,
            1 if self.careless => format!("</{name} >"),
            2 if self.careless => "</Wrong>".to_string(),
            3 => format!("</{name}> tail"),
            4 => format!("</{}> </x>", name.to_ascii_uppercase()),
            _ => format!("</{name}>"),
        };
        self.line(&closing);
        if name == "If" && self.r.percent(30) {
            self.line("<Else>");
            self.block(1, Place::Any);
            self.line("</Else>");
        }
    }

    fn host(&mut self) {
        const ADDRESSES: [&str; 14] = [
            "*:80",
            "*",
            "_default_:80",
            "_default_",
            "127.0.0.1:80",
            "127.0.0.1",
            "127.0.0.1:*",
            "[::1]:80",
            "[::1]",
            "*:81",
            "0.0.0.0:80",
            "[::]:81",
            "127.0.0.2:80",
            "*:*",
        ];
        let mut addresses = Vec::new();
        for _ in 0..1 + self.r.below(3) / 2 {
            let address = *self.r.of(&ADDRESSES.each_ref());
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let ip = addresses.iter().any(|address| address.starts_with(['1', '[']));
        self.line(&format!("<VirtualHost {}>", addresses.join(" ")));
        if ip || self.r.percent(85) {
            let name = *self.r.of(&[
                &"a.test",
                &"b.test",
                &"c.d.test",
                &"https://a.test:443",
                &"A.Test",
                &"b.test:80",
                &"x.a.test",
            ]);
            self.line(&format!("ServerName {name}"));
        }
        for _ in 0..self.r.below(3) {
            let aliases = *self.r.of(&[
                &"*.a.test",
                &"b.test",
                &"*",
                &"?.a.test www.*",
                &"c.d.test \"\" none.example",
                &"a?c.test",
                &"*.*.test W.X.TEST",
                &"B.Test # a.test",
            ]);
            self.line(&format!("ServerAlias {aliases}"));
        }
        let count = self.r.below(4);
        self.block(count, Place::Host);
        self.line("</VirtualHost>");
    }

    /// Lines that are not what they look like.
    fn oddity(&mut self) {
        let harmless = [
            "\"\" ignored whatever",
            "'' <Directory /x>",
            "${b_c}",
            "LoadModule autoindex_module mod_autoindex.so",
            "define \\\n  N \\\r\n n",
        ];
        let bad = [
            "</IfDefine>",
            "</Directory>",
            "<Unclosed",
            "< Directory /x>",
            "</",
            "<",
            "<>",
            "</>",
            "<Directory /x",
            "#${A}",
            "<IfDefine A> x </IfDefine>",
            "ServerRoot in",
            "Include",
            "Include a b",
            "Use",
            "<Macro>",
            "<IfFile>",
            "\"</IfDefine>\"",
            "<IfDefine",
            "<IfVersion>",
            ">",
        ];
        let text = if self.careless {
            self.r.of(&bad)
        } else {
            self.r.of(&harmless)
        };
        self.line(text);
    }
}
