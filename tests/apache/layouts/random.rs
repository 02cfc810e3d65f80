//! Layouts made at random: listeners, virtual hosts for both protocols, includes, conditionals, and a wish.

use crate::differential::random::Random;
use crate::layouts::layout::Layout;

const NAMES: [&str; 4] = ["a.test", "b.test", "c.test", "d.test"];

/// Each name has its folder.
const HOSTS_BY_NAME: &str = "  <IfModule vhost_alias_module>\n    VirtualDocumentRoot \"{root}/sites/%1\"\n  \
                             </IfModule>\n  # sites/a sites/b sites/new\n";

/// What the lines that send clients on are asked for.
const PATHS: &str = "/old /old/x /shop /shop/x /secure /secure/x /new";

/// What lines outside of the virtual hosts are about.
const OUTSIDE: &str = "/apart";

/// One layout; the same for the same dice.
pub fn layout(name: &str, dice: &mut Random) -> Layout {
    let mut draft = Draft::default();
    draft.modules(dice);
    draft.listeners(dice);
    if dice.below(2) == 0 {
        let name = dice.of(&["main.test", "a.test", "main.test:{http}"]);
        draft.main += &format!("ServerName {name}\n");
    }
    for at in 0..dice.below(6) {
        draft.host(dice, at);
    }
    draft.main += &draft.includes.clone();
    let wish = wish(dice);
    draft.outside(dice);
    Layout::parse(name, &draft.text(&wish))
}

/// A layout that is being written.
#[derive(Default)]
struct Draft {
    main: String,
    /// What stands at the end of the main file.
    includes: String,
    files: Vec<(String, String)>,
    has_tls: bool,
    has_macros: bool,
    has_ipv6: bool,
    /// How the two ports are written.
    http: &'static str,
    https: &'static str,
}

impl Draft {
    fn modules(&mut self, dice: &mut Random) {
        self.main = String::from("{start}\n");
        for module in [
            "alias",
            "rewrite",
            "headers",
            "vhost_alias",
            "setenvif",
            "socache_shmcb",
        ] {
            let mark = if dice.below(3) == 0 { "#" } else { "" };
            self.main += &format!("{mark}LoadModule {module}_module {{modules}}/mod_{module}.so\n");
        }
        self.has_macros = dice.below(4) == 0;
        if self.has_macros {
            self.main += "LoadModule macro_module {modules}/mod_macro.so\n";
        }
        self.has_tls = dice.below(2) == 0;
        self.main += match (self.has_tls, dice.below(3)) {
            (true, 0) => "LoadModule \\\n    ssl_module {modules}/mod_ssl.so\n",
            (true, _) => "{ssl}\n",
            (false, 0) => "# LoadModule ssl_module {modules}/mod_ssl.so\n",
            (false, 1) => "",
            (false, _) => "#LoadModule ssl_module {modules}/mod_ssl.so\n",
        };
    }

    fn listeners(&mut self, dice: &mut Random) {
        (self.http, self.https) = ("{http}", "{https}");
        if dice.below(4) == 0 {
            self.main += "Define HTTP {http}\nDefine HTTPS {https}\n";
            (self.http, self.https) = ("${HTTP}", "${HTTPS}");
        }
        let (http, https) = (self.http, self.https);
        let plain = [
            format!("Listen {http}\n"),
            format!("Listen {http}\n"),
            format!("Listen 0.0.0.0:{http}\n"),
            format!("Listen 0.0.0.0:{http}\nListen [::]:{http}\n"),
            format!("Listen [::1]:{http}\nListen 127.0.0.1:{http}\nListen 127.0.0.2:{http}\n"),
            format!("Listen 127.0.0.1:{http}\nListen 127.0.0.2:{http}\n"),
            format!("Listen 127.0.0.1:{http}\n"),
            format!("<IfModule dir_module>\nListen {http}\n</IfModule>\n"),
            format!("<IfVersion >= 2.4>\n  listen \\\n    {http}\n</IfVersion>\n"),
            format!("Listen {http} http\n"),
        ];
        let at = dice.below(plain.len());
        let only_other = dice.below(12) == 0;
        self.has_ipv6 = plain[at].contains("[::") || at < 2;
        let mut text = if only_other {
            String::new()
        } else {
            plain[at].clone()
        };
        let all = |dice: &mut Random| {
            let all = [
                format!("Listen {https}\n"),
                format!("<IfModule ssl_module>\nListen {https}\n</IfModule>\n"),
                format!("<IfModule mod_ssl.c>\n    Listen {https}\n</IfModule>\n"),
                format!("Listen {https} https\n"),
                format!("Listen 127.0.0.1:{https}\nListen 127.0.0.2:{https}\n"),
                format!("Listen 127.0.0.1:{https}\n"),
            ];
            all[dice.below(all.len())].clone()
        };
        if self.has_tls {
            text += &all(dice);
        } else if dice.below(3) == 0 {
            text += &format!("<IfModule ssl_module>\nListen {https}\n</IfModule>\n");
        }
        if dice.below(3) == 0 || only_other {
            text += "Listen {other}\n";
        }
        if dice.below(4) == 0 {
            self.files.push(("conf/ports.conf".into(), text));
            self.main += dice.of(&[
                "Include conf/ports.conf\n",
                "Include \"{root}/conf/ports.conf\"\n",
            ]);
        } else {
            self.main += &text;
        }
    }

    fn addresses(&self, dice: &mut Random, secure: bool) -> String {
        let port = match secure {
            true => self.https,
            false if dice.below(8) == 0 => "{other}",
            false => self.http,
        };
        match dice.below(8) {
            0 => format!("127.0.0.1:{port}"),
            1 => format!("127.0.0.2:{port}"),
            2 => format!("_default_:{port}"),
            3 if self.has_ipv6 => format!("[::1]:{port}"),
            4 if !secure => format!("*:{port} *:{{other}}"),
            _ => format!("*:{port}"),
        }
    }

    fn host(&mut self, dice: &mut Random, at: usize) {
        let secure = self.has_tls && dice.below(3) == 0;
        let address = self.addresses(dice, secure);
        if self.has_macros && !secure && dice.below(4) == 0 {
            self.main += &format!(
                "<Macro Site{at} $name>\n<VirtualHost {address}>\n  ServerName $name\n  DocumentRoot \
                 \"{{root}}/sites/s{at}\"\n</VirtualHost>\n</Macro>\nUse Site{at} {}\n",
                dice.of(&NAMES)
            );
            return;
        }
        let mut text = format!("<VirtualHost {address}>\n");
        text += &names(dice);
        if secure {
            text += dice.of(&[
                "    SSLEngine on\n    {old}\n",
                "    <IfModule mod_ssl.c>\n    SSLEngine on\n    {old}\n    </IfModule>\n",
                "    SSLEngine \\\n      on\n    {old}\n    SSLProtocol all -SSLv3\n",
            ]);
        }
        if dice.below(6) == 0 {
            let file = format!("conf/common{at}.inc");
            self.files
                .push((file.clone(), format!("DocumentRoot \"{{root}}/sites/s{at}\"\n")));
            text += &format!("  Include {file}\n");
        } else if !secure && dice.below(12) == 0 {
            text += &format!("  DocumentRoot \"{{root}}/sites/s{at}\"\n{HOSTS_BY_NAME}");
        } else {
            text += &format!("  DocumentRoot \"{{root}}/sites/s{at}\"\n");
        }
        text += &body(dice, secure);
        if !secure {
            text += &sends_on(dice);
        }
        text += "</VirtualHost>\n";
        text = match dice.below(10) {
            0 => format!("<IfModule dir_module>\n{text}</IfModule>\n"),
            1 => format!("<IfDefine NEVER>\n{text}</IfDefine>\n"),
            2 if self.has_tls || dice.below(3) == 0 => {
                format!(
                    "<IfModule {}ssl_module>\n{text}</IfModule>\n",
                    dice.of(&["", "!"])
                )
            }
            _ => text,
        };
        match dice.below(4) {
            0 => {
                let file = format!("conf/sites/{}.conf", dice.of(&["a", "m", "z"]));
                self.files.push((file, text));
                self.include("IncludeOptional conf/sites/*.conf\n");
            }
            1 if dice.below(2) == 0 => {
                // As Debian has it.
                let file = format!("sites-available/{at}.conf");
                self.files.push((file.clone(), text));
                self.files
                    .push((format!("sites-enabled/{at}.conf -> ../{file}"), String::new()));
                self.include("IncludeOptional sites-enabled/*.conf\n");
            }
            _ => self.main += &text,
        }
    }

    /// A section or `.htaccess` that holds for HTTP and HTTPS alike.
    fn outside(&mut self, dice: &mut Random) {
        if dice.below(3) > 0 {
            return;
        }
        let site = format!("sites/s{}", dice.below(4));
        let line = outside_line(dice);
        let rewrites = line.contains("Rewrite");
        let module = if rewrites { "rewrite" } else { "alias" };
        let lines = format!("<IfModule {module}_module>\n{line}\n</IfModule>\n");
        let section =
            |tag: &str, argument: &str, inner: &str| format!("<{tag} {argument}>\n{inner}</{tag}>\n");
        let folder = format!("\"{{root}}/{site}\"");
        let text = match dice.below(4) {
            0 => section("Directory", &folder, &lines),
            1 if !rewrites => section("Location", "/apart", &lines),
            2 if !rewrites => section("If", "\"%{HTTPS} != 'on'\"", &lines),
            _ => {
                self.files.push((format!("{site}/.htaccess"), lines));
                let allowed = dice.of(&["All", "FileInfo", "None"]);
                section("Directory", &folder, &format!("AllowOverride {allowed}\n"))
            }
        };
        self.files.push(("conf/outside.conf".into(), text));
        self.main += "Include conf/outside.conf\n";
    }

    fn include(&mut self, line: &str) {
        if !self.includes.contains(line) {
            self.includes += line;
        }
    }

    /// As [`Layout::parse`] takes it.
    fn text(mut self, wish: &str) -> String {
        let mut all = format!(
            "args: {wish}\npaths: {PATHS} {OUTSIDE}\nunless: {OUTSIDE}\n--- conf/httpd.conf\n{}",
            self.main
        );
        self.files.sort_by(|a, b| a.0.cmp(&b.0));
        for group in self.files.chunk_by(|a, b| a.0 == b.0) {
            let text: String = group.iter().map(|(_, text)| text.as_str()).collect();
            all += &format!("\n--- {}\n{text}", group[0].0);
        }
        all
    }
}

fn names(dice: &mut Random) -> String {
    let mut text = String::new();
    match dice.below(12) {
        0 | 1 => {}
        2 => text += &format!("  Define SITE {}\n  ServerName ${{SITE}}\n", dice.of(&NAMES)),
        _ => text += &format!("  ServerName {}\n", dice.of(&NAMES)),
    }
    if dice.below(3) == 0 {
        let aliases = [
            "www.a.test",
            "*.b.test",
            "c.test d.test",
            "*.test",
            "?.test",
            "*",
            "d.test \\\n    a.test",
        ];
        text += &format!("  ServerAlias {}\n", dice.of(&aliases));
    }
    text
}

fn body(dice: &mut Random, secure: bool) -> String {
    let mut text = String::new();
    if dice.below(5) == 0 {
        text += "  <Location /secret>\n    Require all denied\n  </Location>\n";
    }
    if dice.below(6) == 0 {
        text += "  <IfModule alias_module>\n    RedirectMatch ^/nothing$ /index.html\n  </IfModule>\n";
    }
    if !secure && (dice.below(8) == 0) {
        text += "  <IfModule rewrite_module>\n    RewriteEngine on\n    RewriteCond %{HTTPS} off\n    RewriteRule \
                 ^/other$ https://%{HTTP_HOST}/ [R=301]\n  </IfModule>\n";
    }
    if dice.below(8) == 0 {
        text += "  # a comment that goes on \\\n  DocumentRoot /nowhere\n";
    }
    if dice.below(8) == 0 {
        text += "  ErrorDocument 404 \\\n    \"nothing \\\nhere\"\n";
    }
    text
}

/// Lines that send clients on, or say how they came.
fn sends_on(dice: &mut Random) -> String {
    let mut text = String::new();
    if dice.below(3) > 0 {
        return text;
    }
    let name = dice.of(&["a.test", "b.test", "new.test", "elsewhere.test"]);
    for _ in 0..=dice.below(3) {
        text += &match dice.below(4) {
            0 => alias_line(dice, name),
            1 | 2 => rule(dice, name),
            _ => says_http(dice),
        };
    }
    text
}

/// Of mod_alias.
fn alias_line(dice: &mut Random, name: &str) -> String {
    let line = match dice.below(9) {
        0 => format!("Redirect / https://{name}:8443/"),
        1 => format!("Redirect permanent / https://www.{name}/"),
        2 => format!("Redirect /old https://{name}/new"),
        3 => format!("RedirectMatch 302 ^/old/(.*)$ http://{name}/new/$1"),
        4 => format!("Redirect /shop http://{name}:8080/shop"),
        5 => format!("Redirect /secure https://{name}/secure"),
        6 => format!("RedirectMatch ^/(?!\\.well-known/|new)(.*)$ https://{name}/$1"),
        7 => format!("<Location /old>\n    Redirect 303 http://{name}/new\n    </Location>"),
        _ => format!("RedirectTemp /shop \"http://{name}:{{http}}/new\""),
    };
    format!("  <IfModule alias_module>\n    {line}\n  </IfModule>\n")
}

/// What stands outside of the virtual hosts.
fn outside_line(dice: &mut Random) -> String {
    let to = dice.of(&[
        "https://elsewhere.test/",
        "http://a.test/new",
        "https://%{HTTP_HOST}/apart",
    ]);
    let condition = dice.of(&[
        "",
        "RewriteCond %{HTTPS} off\n",
        "RewriteCond %{HTTPS} =on\n",
        "RewriteCond %{SERVER_PORT} ^{http}$\n",
        "RewriteCond %{REQUEST_SCHEME} !^https$\n",
        "RewriteCond %{HTTP_HOST} ^[ab]\n",
    ]);
    match dice.below(6) {
        0 => "Redirect 302 /apart http://a.test/new".to_owned(),
        1 => "RedirectMatch 302 ^/apart$ https://elsewhere.test/x".to_owned(),
        2 => format!("RewriteEngine on\n{condition}RewriteRule ^apart$ - [F]"),
        3 => format!("RewriteEngine on\n{condition}RewriteRule ^apart$ /index.html [L]"),
        _ => format!("RewriteEngine on\n{condition}RewriteRule ^apart$ {to} [R=302,L]"),
    }
}

/// Of mod_rewrite.
fn rule(dice: &mut Random, name: &str) -> String {
    let condition = match dice.below(12) {
        0 => "RewriteCond %{HTTPS} off".to_owned(),
        1 => "RewriteCond %{SERVER_PORT} ^{http}$".to_owned(),
        2 => "RewriteCond %{REQUEST_SCHEME} =http".to_owned(),
        3 => "RewriteCond %{HTTPS} on".to_owned(),
        4 => format!("RewriteCond %{{HTTP_HOST}} !^{name} [NC]"),
        5 => "RewriteCond %{HTTP_HOST} ^([a-z]+)\\.test$\n    RewriteCond %{HTTPS} !=on".to_owned(),
        6 => "RewriteCond %{REQUEST_URI} !^/\\.well-known/".to_owned(),
        7 => "RewriteCond %{HTTPS} off [OR]\n    RewriteCond %{HTTP_HOST} ^www\\.".to_owned(),
        _ => String::new(),
    };
    let rule = match dice.below(8) {
        0 => "^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]".to_owned(),
        1 => "^/(secure|old)$ https://%{SERVER_NAME}/$1 [R,L]".to_owned(),
        2 => "^/shop(.*)$ https://%{HTTP_HOST}:8443/shop$1 [R=302,L]".to_owned(),
        3 => format!("^/old(.*)$ http://{name}/new$1 [R=301,NC,L]"),
        4 => "^/(old) https://$1.%{HTTP_HOST}/ [R=302]".to_owned(),
        5 => "^/shop$ http://%{HTTP_HOST}/new [R=302,L]".to_owned(),
        6 => "^/old$ /index.html [PT]".to_owned(),
        _ => format!("^/(secure.*)$ https://{name}/$1 [R=307,L]"),
    };
    format!(
        "  <IfModule rewrite_module>\n    RewriteEngine on\n    {condition}\n    RewriteRule {rule}\n  </IfModule>\n"
    )
}

/// What states the scheme, and what believes it.
fn says_http(dice: &mut Random) -> String {
    let pairs = [
        (
            "RequestHeader set X-Forwarded-Proto \"http\" early",
            "%{HTTP:X-Forwarded-Proto} =http",
        ),
        (
            "RequestHeader set X-Forwarded-Port {http} early",
            "%{HTTP:X-Forwarded-Port} ={http}",
        ),
        (
            "RequestHeader set X-Forwarded-Ssl off early",
            "%{HTTP:X-Forwarded-Ssl} ^off$",
        ),
    ];
    let (line, condition) = pairs[dice.below(pairs.len())];
    format!(
        "  <IfModule headers_module>\n    {line}\n    <IfModule rewrite_module>\n    RewriteEngine on\n    RewriteCond \
         {condition}\n    RewriteRule ^/secure https://%{{HTTP_HOST}}%{{REQUEST_URI}} [R=302,L]\n    \
         </IfModule>\n  </IfModule>\n"
    )
}

fn wish(dice: &mut Random) -> String {
    let mut wish = format!(
        "--domain {}",
        match dice.below(4) {
            0 => "new.test",
            1 => "x.b.test",
            _ => dice.of(&NAMES),
        }
    );
    match dice.below(8) {
        0 | 1 => wish += " --alias new2.test",
        2 => wish += " --alias d.test",
        3 if !wish.contains("x.b.test") => wish += " --alias x.b.test",
        _ => {}
    }
    wish += match dice.below(6) {
        0 | 4 => " --http off",
        1 | 2 => " --http redirect",
        3 => " --http keep",
        _ => "",
    };
    wish += match dice.below(8) {
        0 => " --hsts",
        1 => " --profile old",
        2 => " --ocsp-stapling",
        _ => "",
    };
    wish
}
