//! A client of the scripted CA, with a clock on which nobody waits.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use esync_ssl::acme::{
    AccountKey, Client, Clock, Error, Https, Interrupted, Issued, Obstacle, Order, Proxy, Session, Settings,
    Step, Wanted, new_certificate_key,
};
use esync_ssl::tls::issue::KeyType;
use esync_ssl::tls::private_key::PrivateKey;
use time::OffsetDateTime;

use crate::support::scripted_ca::ScriptedCa;

/// Time that passes only in pauses.
#[derive(Debug, Default)]
pub struct Impatient {
    elapsed: Cell<Duration>,
    pub pauses: RefCell<Vec<Duration>>,
}

impl Clock for Impatient {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.elapsed.get()
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    fn pause(&self, length: Duration) -> Result<(), Interrupted> {
        self.elapsed.set(self.elapsed.get() + length);
        // One of no length only asks whether the program is to end.
        if !length.is_zero() {
            self.pauses.borrow_mut().push(length);
        }
        Ok(())
    }
}

/// The scripted CA, and what asks it.
pub struct World {
    pub ca: ScriptedCa,
    pub https: Https,
    pub clock: Impatient,
    pub key: AccountKey,
    pub account: String,
}

impl World {
    pub fn start() -> World {
        let ca = ScriptedCa::start();
        World {
            https: Https::new(&settings(&ca)).expect("a transport"),
            clock: Impatient::default(),
            key: AccountKey::generate().expect("a key"),
            account: ca.directory.replace("/dir", "/account/1"),
            ca,
        }
    }

    pub fn client(&self) -> Client<'_> {
        self.connect().expect("the directory")
    }

    pub fn connect(&self) -> Result<Client<'_>, Error> {
        Client::connect(&self.https, &self.clock, &self.ca.directory)
    }

    pub fn session<'a>(&'a self, client: &'a Client<'a>) -> Session<'a> {
        Session::new(client, &self.key, &self.account)
    }

    /// Orders and obtains a certificate for these names; all are proven already.
    pub fn obtain(&self, wanted: &Wanted) -> Result<Issued, Error> {
        let client = self.connect()?;
        let session = self.session(&client);
        let mut order = session.order(wanted)?;
        let key = certificate_key();
        self.finish(&session, &mut order, &key)
    }

    pub fn finish(
        &self,
        session: &Session<'_>,
        order: &mut Order,
        key: &PrivateKey,
    ) -> Result<Issued, Error> {
        if order.step < Step::Ready {
            session.wait_ready(order, MINUTE)?;
        }
        order.finalizing();
        session.finalize(order, key)?;
        session.wait_made(order, MINUTE)?;
        session.fetch(order, key.public_key().expect("a public key"))
    }
}

pub const MINUTE: Duration = Duration::from_secs(60);

/// This CA alone is trusted, and nobody waits long.
pub fn settings(ca: &ScriptedCa) -> Settings {
    Settings {
        roots: vec![ca.root.clone()],
        system_roots: false,
        proxy: Proxy::Direct,
        connect: Duration::from_secs(10),
        whole: Duration::from_secs(10),
    }
}

pub fn certificate_key() -> PrivateKey {
    new_certificate_key(KeyType::P256).expect("a key")
}

pub fn wanted(names: &[&str]) -> Wanted {
    Wanted {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        ..Wanted::default()
    }
}

/// What kept the answer from coming.
#[track_caller]
pub fn obstacle(error: &Error) -> Obstacle {
    match error {
        Error::Transport(error) => error.obstacle,
        other => panic!("{other:?}"),
    }
}
