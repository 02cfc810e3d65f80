//! Accounts of certbot, acme.sh and lego, with RSA keys as the first two make them: taken over by `acme account import`, and
//! ordered with, at pebble.

use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding};
use esync_ssl::acme::{AccountKey, Client, Https, Proxy, Registration, Settings, SystemClock};
use serde_json::json;

use crate::enable::World;
use crate::served::YES;
use crate::support::files::write;
use crate::support::installed::openssl;
use crate::support::pebble::{Options, der};
use crate::support::process::output;

/// A key as OpenSSL writes it, in the old form of its kind.
fn made(folder: &Path, words: &[&str]) -> PathBuf {
    let file = folder.join(format!("{}.pem", words[0]));
    let (command, rest) = words.split_first().expect("a command");
    let done = output(openssl().arg(command).arg("-out").arg(&file).args(rest)).expect("openssl");
    assert!(done.status.success(), "{done:?}");
    // The parameters of a curve come before the key.
    let text = fs::read_to_string(&file).expect("the key");
    let at = text.rfind("-----BEGIN").expect("PEM");
    write(&file, &text[at..]);
    file
}

/// An RSA key (RFC 8017, A.1.2) as certbot has it (RFC 7518, 6.3).
fn jwk(pem: &Path) -> String {
    let der = der(pem);
    let mut at = 0;
    let mut item = || {
        let first = usize::from(der[at + 1]);
        let (length, head) = match first {
            0..=127 => (first, 2),
            _ => {
                let count = first - 128;
                let length = der[at + 2..at + 2 + count].iter();
                (
                    length.fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
                    2 + count,
                )
            }
        };
        let is_sequence = der[at] == 0x30;
        let value = &der[at + head..at + head + length];
        at += head + if is_sequence { 0 } else { length };
        let plain: &[u8] = value.strip_prefix(&[0]).unwrap_or(value);
        Base64UrlUnpadded::encode_string(plain)
    };
    let (_all, _version) = (item(), item());
    let mut key = json!({"kty": "RSA"});
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        key[name] = json!(item());
    }
    key.to_string()
}

impl World {
    /// The address of an account that is made with this key.
    fn registered(&self, key: &Path) -> String {
        let https = Https::new(&Settings {
            roots: vec![self.pebble.root.clone()],
            system_roots: false,
            proxy: Proxy::Direct,
            ..Settings::default()
        });
        let (https, clock) = (https.expect("a transport"), SystemClock::default());
        let client = Client::connect(&https, &clock, &self.pebble.directory).expect("the directory");
        let key = AccountKey::read(&fs::read(key).expect("a key")).expect("an account key");
        let registration = Registration {
            terms_agreed: true,
            ..Registration::default()
        };
        client.register(&key, &registration).expect("an account").url
    }
}

#[test]
fn accounts_of_other_programs_order() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let folder = world.site.folder.path();
    let host = world
        .pebble
        .directory
        .trim_start_matches("https://")
        .replace("/dir", "");
    let rsa_of_acme_sh = {
        let one = made(folder, &["genrsa", "-traditional", "3072"]);
        let path = folder.join(format!("acme.sh/ca/{host}/dir/account.key"));
        write(&path, fs::read(one).expect("the key"));
        path
    };
    let rsa_of_certbot = {
        let one = made(folder, &["genrsa", "-traditional", "2048"]);
        let kept = folder.join("certbot.pem");
        fs::rename(one, &kept).expect("kept");
        write(
            &folder.join(format!("certbot/accounts/{host}/dir/1a2b/private_key.json")),
            jwk(&kept),
        );
        kept
    };
    let ec_of_lego = {
        let one = made(folder, &["ecparam", "-genkey", "-name", "prime256v1"]);
        let path = folder.join(format!("lego/accounts/{host}/a@b.example/keys/a@b.example.key"));
        write(&path, fs::read(one).expect("the key"));
        path
    };
    let state = world.site.root().join("conf/esync-ssl-acme");
    for (made, (of, key)) in [
        ("certbot", rsa_of_certbot),
        ("acme.sh", rsa_of_acme_sh),
        ("lego", ec_of_lego),
    ]
    .into_iter()
    .enumerate()
    {
        let url = world.registered(&key);
        let _ = fs::remove_dir_all(&state);
        let from = folder.join(of).display().to_string();
        let program = world
            .site
            .command(&["acme", "account", "import", &from, "--json"]);
        let program = program.args(["--ca", &world.pebble.directory, "--ca-root"]);
        let told = program
            .arg(world.pebble.root_file())
            .run()
            .expect_code(0)
            .envelope();
        assert_eq!(told["data"]["url"], url, "{of}: {told}");
        // Its terms were agreed to long ago.
        let more: &[&str] = if made == 0 { &[] } else { &["--http", "off"] };
        let told = world.run(&[&YES[..2], more].concat()).expect_code(0);
        assert_eq!(world.made(), made + 1, "{of}: {}", told.report());
        let accounts = world.pebble.log().matches("accounts in memory").count();
        assert_eq!(accounts, made + 1, "{of}: {}", world.pebble.log());
    }
}
