//! Dozens of ways in which a text file goes wrong on its way from a CA to a server, each tried on certificate,
//! chain and key: whether the server starts and clients accept must be what `check` says.

use crate::staging::*;
use crate::support::one_of;
use esync_ssl::check::Severity;

/// What happens to a text, and how.
type Mutation = (&'static str, fn(&str) -> Vec<u8>);

#[expect(clippy::too_many_lines, reason = "a table")]
fn mutations() -> Vec<Mutation> {
    vec![
        ("one long line", |t| {
            let mut out = String::new();
            for line in t.lines() {
                if line.starts_with("-----BEGIN") {
                    out += line;
                    out.push('\n');
                } else if line.starts_with("-----END") {
                    out.push('\n');
                    out += line;
                    out.push('\n');
                } else {
                    out += line;
                }
            }
            out.into()
        }),
        ("blanks at ends", |t| t.replace('\n', "  \n").into()),
        ("tabs at ends", |t| t.replace('\n', "\t\n").into()),
        ("blanks before base64 only", |t| {
            t.lines()
                .map(|l| {
                    if l.starts_with('-') {
                        format!("{l}\n")
                    } else {
                        format!("  {l}\n")
                    }
                })
                .collect::<String>()
                .into()
        }),
        ("no final newline", |t| t.trim_end().into()),
        ("leading blank lines", |t| format!("\n\n{t}").into()),
        ("CR only", |t| t.replace('\n', "\r").into()),
        ("CRCRLF", |t| t.replace('\n', "\r\r\n").into()),
        ("CRLF blank lines doubled", |t| t.replace('\n', "\r\n\r\n").into()),
        ("double newlines", |t| t.replace('\n', "\n\n").into()),
        ("NULs at the end", |t| format!("{t}\0\0\0").into()),
        ("double BOM", |t| format!("\u{feff}\u{feff}{t}").into()),
        ("BOM and newline", |t| format!("\u{feff}\n{t}").into()),
        ("lower case label", |t| {
            t.replace("CERTIFICATE", "certificate")
                .replace("PRIVATE", "private")
                .into()
        }),
        ("no padding", |t| t.replace('=', "").into()),
        ("more padding", |t| {
            t.replacen("\n-----END", "=\n-----END", 1).into()
        }),
        ("text behind END", |t| {
            t.replacen("-----\n", "----- text\n", 2).into()
        }),
        ("text behind first BEGIN", |t| {
            t.replacen("-----\n", "----- text\n", 1).into()
        }),
        ("six hyphens", |t| t.replace("-----", "------").into()),
        ("four hyphens", |t| t.replace("-----", "----").into()),
        ("four hyphens at the end of END", |t| {
            t.replacen("-----\n", "-----\r", 1)
                .replacen("-----\n", "----\n", 1)
                .replacen("-----\r", "-----\n", 1)
                .into()
        }),
        ("missing BEGIN", |t| t.split_once('\n').unwrap().1.into()),
        ("quoted mail", |t| {
            t.lines().map(|l| format!("> {l}\n")).collect::<String>().into()
        }),
        ("header", |t| {
            t.replacen("-----\n", "-----\nComment: x\n\n", 1).into()
        }),
        ("header without empty line", |t| {
            t.replacen("-----\n", "-----\nComment: x\n", 1).into()
        }),
        ("comment in base64", |t| {
            t.replacen("-----\n", "-----\n# comment\n", 1).into()
        }),
        ("text on BEGIN line", |t| format!("cert: {t}").into()),
        ("tab before BEGIN", |t| format!("\t{t}").into()),
        ("empty END label", |t| {
            t.replacen("END CERTIFICATE", "END", 1)
                .replacen("END PRIVATE KEY", "END", 1)
                .into()
        }),
        ("END other", |t| {
            t.replacen("END CERTIFICATE", "END X509 CERTIFICATE", 1)
                .replacen("END PRIVATE KEY", "END RSA PRIVATE KEY", 1)
                .into()
        }),
        ("first char of base64 lost", |t| {
            let (a, b) = t.split_once('\n').unwrap();
            format!("{a}\n{}", &b[1..]).into()
        }),
        ("last base64 line lost", |t| {
            let at = t.find("\n-----END").unwrap();
            let start = t[..at].rfind('\n').unwrap();
            format!("{}{}", &t[..start], &t[at..]).into()
        }),
        ("one char changed", |t| {
            let mut b = t.as_bytes().to_vec();
            let at = 120;
            b[at] = if b[at] == b'A' { b'B' } else { b'A' };
            b
        }),
        ("space in base64", |t| {
            let mut s = t.to_owned();
            s.insert(90, ' ');
            s.into()
        }),
        ("star in base64", |t| {
            let mut s = t.to_owned();
            s.insert(90, '*');
            s.into()
        }),
        ("hyphen in base64", |t| {
            let mut s = t.to_owned();
            s.insert(90, '-');
            s.into()
        }),
        ("url base64", |t| {
            t.lines()
                .map(|l| {
                    if l.starts_with('-') {
                        format!("{l}\n")
                    } else {
                        format!("{}\n", l.replace('+', "-").replace('/', "_"))
                    }
                })
                .collect::<String>()
                .into()
        }),
        ("nbsp at line ends", |t| t.replace('\n', "\u{a0}\n").into()),
        ("nbsp in base64", |t| {
            let mut s = t.to_owned();
            s.insert(90, '\u{a0}');
            s.into()
        }),
        ("trailing garbage in DER", |t| {
            let (_, rest) = t.split_once('\n').unwrap();
            let _ = rest;
            let block = esync_ssl::tls::pem::blocks(t.as_bytes()).remove(0);
            let mut der = block.der.to_vec();
            der.extend([0; 4]);
            esync_ssl::tls::pem::encode(&block.label, &der)
                .as_bytes()
                .to_vec()
        }),
        ("old label", |t| {
            t.replace("PRIVATE KEY", "RSA PRIVATE KEY")
                .replace(" CERTIFICATE", " CERTIFICATE REQUEST")
                .into()
        }),
        ("ec label", |t| t.replace("PRIVATE KEY", "EC PRIVATE KEY").into()),
        ("any label", |t| {
            t.replace("PRIVATE KEY", "ANY PRIVATE KEY").into()
        }),
        ("label private key", |t| {
            t.replace("RSA PRIVATE KEY", "PRIVATE KEY")
                .replace("EC PRIVATE KEY", "PRIVATE KEY")
                .into()
        }),
        ("label encrypted", |t| {
            t.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY").into()
        }),
        ("block cut before", |t| {
            format!("-----BEGIN X-----\nAAAA\n{t}").into()
        }),
        ("block cut behind", |t| {
            format!("{t}-----BEGIN X-----\nAAAA\n").into()
        }),
        ("strange block before", |t| {
            format!("-----BEGIN X-----\nAAAA\n-----END X-----\n{t}").into()
        }),
        ("DH parameters behind", |t| {
            format!("{t}-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n").into()
        }),
        ("DH parameters before", |t| {
            format!("-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n{t}").into()
        }),
        ("damaged base64 in strange block before", |t| {
            format!("-----BEGIN X-----\nA*AA\n-----END X-----\n{t}").into()
        }),
        ("BEGIN in prose", |t| {
            format!("below -----BEGIN something else\n{t}").into()
        }),
        ("BEGIN line alone", |t| {
            format!("-----BEGIN CERTIFICATE-----\n{t}").into()
        }),
        ("END line alone in front", |t| {
            format!("-----END CERTIFICATE-----\n{t}").into()
        }),
        ("two END lines", |t| {
            format!("{t}-----END CERTIFICATE-----\n").into()
        }),
        ("formfeed in front", |t| format!("\u{c}{t}").into()),
        ("long comment line in front", |t| {
            format!("{}\n{t}", "x".repeat(3000)).into()
        }),
        ("long comment without newline in front", |t| {
            format!("{}{t}", "x".repeat(254)).into()
        }),
        ("Windows-1252 text in front", |t| {
            [b"Z\xfcrich\n".to_vec(), t.as_bytes().to_vec()].concat()
        }),
    ]
}

#[test]
fn every_spelling_is_judged_as_apache_judges_it() {
    let good = &shop().good;
    let both = String::from_utf8(Files::good().certificate).unwrap();
    let pkcs1 = String::from_utf8(converted(
        rsa().key.as_bytes(),
        "rsa -in in -traditional -out out",
    ))
    .unwrap();
    let sec1 = String::from_utf8(converted(good.key.as_bytes(), "ec -in in -out out")).unwrap();
    let mut bad = Vec::new();
    let mut run = |what: &str, files: &Files| {
        let outcome = stage(files);
        let stops = outcome
            .findings
            .iter()
            .any(|f| f.severity == Severity::StopsStart);
        let breaks = outcome
            .findings
            .iter()
            .any(|f| f.severity == Severity::BreaksClients);
        let said = if stops {
            Verdict::DoesNotStart
        } else if breaks {
            Verdict::ClientRefuses
        } else {
            Verdict::Works
        };
        if said != outcome.verdict {
            let codes: Vec<_> = outcome.findings.iter().map(|f| f.code).collect();
            bad.push(format!("{what}: said {codes:?}, is {:?}", outcome.verdict));
        }
    };
    let of = |(what, mutation): &Mutation| {
        let second = [
            good.certificate.as_bytes().to_vec(),
            mutation(&shop().intermediate),
        ]
        .concat();
        let pkcs1 = Files {
            key: Some(mutation(&pkcs1)),
            ..Files::of(rsa())
        };
        [
            ("cert", Files::certificate(mutation(&both))),
            ("second", Files::certificate(second)),
            ("chain", Files::chain(mutation(&shop().intermediate))),
            ("key", Files::key(mutation(&good.key))),
            ("pkcs1", pkcs1),
            ("sec1", Files::key(mutation(&sec1))),
        ]
        .map(|(kind, files)| (format!("{kind} {what}"), files))
    };
    let all: Vec<_> = mutations().iter().flat_map(of).collect();
    // Of the six kinds of each each has its turn.
    for (what, files) in all.iter().step_by(one_of(5)) {
        run(what, files);
    }
    // Where we differ, on purpose: damage that nothing in the files shows, a reader that begins anew after 254
    // bytes, and two breaks that Apache happens to take as the end of a chain (an error either way).
    let known = [
        "second one char changed: said [], is ClientRefuses",
        "chain one char changed: said [], is ClientRefuses",
        "cert empty END label: said [CertDamaged], is ClientRefuses",
        "chain header without empty line: said [ChainFileDamaged], is ClientRefuses",
        "chain BEGIN line alone: said [ChainFileDamaged], is ClientRefuses",
        "cert long comment without newline in front: said [CertNotAtLineStart], is Works",
        "second long comment without newline in front: said [ChainMissing], is Works",
        "chain long comment without newline in front: said [ChainFileNoCertificate], is Works",
    ];
    let unknown: Vec<&String> = bad
        .iter()
        .filter(|line| !known.contains(&line.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}
