//! Layouts made at random: listeners, virtual hosts for both protocols, includes, conditionals, and a wish.

use super::dice::Random;
use super::layout::Layout;

/// One layout; the same for the same dice.
pub fn layout(name: &str, dice: &mut Random) -> Layout {
    let mut files: Vec<(String, String)> = Vec::new();
    let names = ["a.test", "b.test", "c.test", "d.test"];
    let mut main = String::from("{start}\n");
    for module in ["alias", "rewrite", "setenvif", "socache_shmcb"] {
        let mark = if dice.below(3) == 0 { "#" } else { "" };
        main += &format!("{mark}LoadModule {module}_module {{modules}}/mod_{module}.so\n");
    }
    let has_tls = dice.below(2) == 0;
    main += match (has_tls, dice.below(3)) {
        (true, _) => "{ssl}\n",
        (false, 0) => "# LoadModule ssl_module {modules}/mod_ssl.so\n",
        (false, 1) => "",
        (false, _) => "#LoadModule ssl_module {modules}/mod_ssl.so\n",
    };
    main += dice.of(&[
        "Listen {http}\n",
        "Listen 0.0.0.0:{http}\n",
        "Listen 127.0.0.1:{http}\nListen 127.0.0.2:{http}\n",
        "<IfModule dir_module>\nListen {http}\n</IfModule>\n",
        "Listen {http} http\n",
    ]);
    if has_tls {
        main += dice.of(&[
            "Listen {https}\n",
            "<IfModule ssl_module>\nListen {https}\n</IfModule>\n",
            "Listen {https} https\n",
        ]);
    } else if dice.below(3) == 0 {
        main += "<IfModule ssl_module>\nListen {https}\n</IfModule>\n";
    }
    if dice.below(3) == 0 {
        main += "Listen {other}\n";
    }
    if dice.below(2) == 0 {
        main += &format!(
            "ServerName {}\n",
            dice.of(&["main.test", "a.test", "main.test:{http}"])
        );
    }
    let count = dice.below(5);
    for at in 0..count {
        let secure = has_tls && (dice.below(3) == 0);
        let port = match secure {
            true => "{https}",
            false if dice.below(8) == 0 => "{other}",
            false => "{http}",
        };
        let address = match dice.below(6) {
            0 => format!("127.0.0.1:{port}"),
            1 => format!("127.0.0.2:{port}"),
            2 => format!("_default_:{port}"),
            _ => format!("*:{port}"),
        };
        let mut text = format!("<VirtualHost {address}>\n");
        if dice.below(6) != 0 {
            text += &format!("  ServerName {}\n", dice.of(&names));
        }
        if dice.below(3) == 0 {
            let alias = dice.of(&["www.a.test", "*.b.test", "c.test d.test", "*.test"]);
            text += &format!("  ServerAlias {alias}\n");
        }
        if secure {
            text += "    SSLEngine on\n    {old}\n";
        }
        text += &format!("  DocumentRoot \"{{root}}/sites/s{at}\"\n");
        if dice.below(5) == 0 {
            text += "  <Location /secret>\n    Require all denied\n  </Location>\n";
        }
        if dice.below(6) == 0 {
            text += "  <IfModule alias_module>\n    RedirectMatch ^/nothing$ /index.html\n  </IfModule>\n";
        }
        if !secure && (dice.below(8) == 0) {
            text += "  <IfModule rewrite_module>\n    RewriteEngine on\n    RewriteCond %{HTTPS} off\n    RewriteRule ^/other$ \
                     https://%{HTTP_HOST}/ [R=301]\n  </IfModule>\n";
        }
        text += "</VirtualHost>\n";
        text = match dice.below(8) {
            0 => format!("<IfModule dir_module>\n{text}</IfModule>\n"),
            1 => format!("<IfDefine NEVER>\n{text}</IfDefine>\n"),
            2 => format!("<IfModule ssl_module>\n{text}</IfModule>\n"),
            _ => text,
        };
        if dice.below(3) == 0 {
            let file = format!("conf/sites/{}.conf", dice.of(&["a", "m", "z"]));
            files.push((file, text));
        } else {
            main += &text;
        }
    }
    if !files.is_empty() {
        main += "IncludeOptional conf/sites/*.conf\n";
    }
    let mut all = format!("args: {}\n--- conf/httpd.conf\n{main}", wish(dice, &names));
    files.sort_by(|a, b| a.0.cmp(&b.0));
    for group in files.chunk_by(|a, b| a.0 == b.0) {
        let text: String = group.iter().map(|(_, text)| text.as_str()).collect();
        all += &format!("\n--- {}\n{text}", group[0].0);
    }
    Layout::parse(name, &all)
}

fn wish(dice: &mut Random, names: &[&str]) -> String {
    let mut wish = format!(
        "--domain {}",
        match dice.below(4) {
            0 => "new.test",
            1 => "x.b.test",
            _ => dice.of(names),
        }
    );
    if dice.below(4) == 0 {
        wish += " --alias new2.test";
    }
    wish += match dice.below(5) {
        0 => " --http off",
        1 | 2 => " --http redirect",
        3 => " --http keep",
        _ => "",
    };
    wish
}
