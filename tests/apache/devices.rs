//! `esync-ssl devices`: what a gateway of field devices meets at a real Apache, and the settings that are told.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::files;
use crate::support::program::esync_ssl;
use crate::support::running::{NAME, OTHER, Site, codes};
use serde_json::Value;

/// A program below `/cgi-bin/` that keeps what is posted, and notes every method.
fn receiver(site: &Site) -> (String, PathBuf) {
    let data = site.folder.path().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    let program = site.root().join("cgi-bin/receive");
    files::write(
        &program,
        format!(
            "#!/bin/sh\necho \"$REQUEST_METHOD\" >> {data}/methods\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n\
             if [ \"$REQUEST_METHOD\" = POST ]; then cat > {data}/body; echo \"stored $CONTENT_LENGTH bytes for $HTTP_HOST\"; fi\n",
            data = data.display()
        ),
    );
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "{}ScriptAlias /cgi-bin/ \"{}/cgi-bin/\"\nRedirect /moved http://{NAME}/cgi-bin/receive\n",
        site.httpd.load(&["cgi", "alias"]),
        site.root().display(),
    );
    (text, data)
}

/// The codes of everything that was found, less what hangs on the network of the test.
fn found(answer: &Value) -> Vec<String> {
    let targets = answer["served"]["targets"].as_array().unwrap();
    let served = targets.iter().flat_map(|target| codes(&target["findings"]));
    served
        .chain(codes(&answer["findings"]))
        .filter(|code| code != "NAME-NOT-PUBLIC" && code != "PORT-UNUSUAL")
        .collect()
}

#[test]
fn data_would_arrive() {
    let Some(site) = Site::new() else { return };
    let (program, data) = receiver(&site);
    site.configure(&(program + &site.host(NAME, "server", "")));
    site.run(&["restart"], 0);
    let ca = site.ca();
    let port = match site.network.https {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let words = [
        "devices",
        "--domain",
        NAME,
        "--ca",
        &ca,
        "--path",
        "/cgi-bin/receive",
    ];
    let looked = site.json(&words, 0);
    assert_eq!(found(&looked), Vec::<String>::new(), "{looked}");
    assert_eq!(
        looked["settings"]["m2u_url"],
        format!("https://{NAME}{port}/cgi-bin/receive")
    );
    assert_eq!(looked["settings"]["ewon_server_url"], "m2u.talk2m.com");
    assert_eq!(
        (&looked["tls12"], &looked["looked"]["status"], &looked["sent"]),
        (&true.into(), &200.into(), &Value::Null)
    );
    // Nothing was posted without being told.
    assert_eq!(fs::read_to_string(data.join("methods")).unwrap(), "HEAD\n");

    let sent = site.run(&[&words[..], &["--send"]].concat(), 0).stdout_text();
    assert_eq!(fs::read_to_string(data.join("methods")).unwrap(), "HEAD\nPOST\n");
    let body = fs::read_to_string(data.join("body")).unwrap();
    assert!(body.contains("sample"), "{body}");
    for words in [
        &format!("| stored {} bytes for {NAME}{port}", body.len()),
        "TLS 1.2       accepted",
        "POST          /cgi-bin/receive: 200",
        "Account > M2U",
        "m2u.talk2m.com",
    ] {
        assert!(sent.contains(words), "{words}: {sent}");
    }
    assert!(!sent.contains("would not arrive"), "{sent}");

    // At an address, whatever the configuration says of it.
    let address = format!("127.0.0.1:{}", site.network.https);
    let words = [
        "devices",
        "--domain",
        NAME,
        "--ca",
        &ca,
        "--address",
        &address,
        "--port",
        "8443",
    ];
    let there = site.json(&words, 0);
    assert_eq!(there["settings"]["m2u_url"], format!("https://{NAME}:8443"));
    assert!(
        codes(&there["findings"]).contains(&"PORT-UNUSUAL".into()),
        "{there}"
    );
}

#[test]
fn data_would_not_arrive() {
    let Some(site) = Site::new() else { return };
    let (program, data) = receiver(&site);
    let serve = |more: &str| {
        site.configure(&(program.clone() + &site.host(NAME, "server", more)));
        site.run(&["restart"], 0);
    };
    let ca = site.ca();
    let ask =
        |more: &[&str], status: i32| site.json(&[&["devices", "--domain", NAME][..], more].concat(), status);
    let down = ask(&["--ca", &ca], 12);
    assert_eq!(found(&down), ["NOT-LISTENING"], "{down}");
    assert_eq!(down["tls12"], Value::Null);

    serve("");
    for (path, send, status) in [
        ("/moved", true, 302),
        ("/moved", false, 302),
        ("/nothing", false, 404),
        ("/nothing", true, 404),
        // Apache answers with the file.
        ("/index.html", false, 200),
        ("/index.html", true, 200),
    ] {
        let mut words = vec!["--ca", &ca, "--path", path];
        words.extend(send.then_some("--send"));
        let answer = ask(&words, 12);
        assert_eq!(found(&answer), ["POST-REFUSED"], "{path}: {answer}");
        let asked = if send { &answer["sent"] } else { &answer["looked"] };
        assert_eq!(asked["status"], status, "{path}: {answer}");
    }
    assert!(!data.join("methods").exists());
    // Text says what to do first, and the settings all the same.
    let text = site
        .run(
            &["devices", "--domain", NAME, "--ca", &ca, "--path", "/moved"],
            12,
        )
        .stdout_text();
    assert!(
        text.contains("would not arrive") && text.contains("m2u.talk2m.com"),
        "{text}"
    );

    // An authority that nobody else knows.
    assert_eq!(found(&ask(&[], 12)), ["SERVED-UNTRUSTED"]);

    serve("SSLProtocol -all +TLSv1.3\n");
    let answer = ask(&["--ca", &ca], 12);
    assert_eq!(
        (found(&answer), &answer["tls12"]),
        (vec!["TLS12-REFUSED".to_string()], &false.into()),
        "{answer}"
    );

    // The intermediate is known on this machine and not served: strangers lack it.
    let leaf = site.authority.leaf("alone", &[NAME]);
    site.install("server", &leaf);
    files::write(
        &site.root().join("conf/server.crt"),
        fs::read(&leaf.certificate).unwrap(),
    );
    let both = site.folder.path().join("both.pem");
    let authorities =
        [site.authority.root(), site.authority.intermediate()].map(|file| fs::read(file).unwrap());
    files::write(&both, authorities.concat());
    let both = both.display().to_string();
    serve("");
    site.run(&["verify", "--ca", &both], 0);
    assert_eq!(found(&ask(&["--ca", &both], 12)), ["CHAIN-MISSING"]);

    let other = site.authority.leaf("other", &[OTHER]);
    site.install("server", &other);
    serve("");
    assert_eq!(found(&ask(&["--ca", &ca], 12)), ["NAME-NOT-COVERED"]);
}

#[test]
fn paths_that_are_none() {
    for path in ["data", "/a b", "/a\r\nX: y", "/#x", "/ü", ""] {
        let run = esync_ssl()
            .args(["devices", "--domain", NAME, "--path", path])
            .run();
        run.expect_code(2);
    }
}
