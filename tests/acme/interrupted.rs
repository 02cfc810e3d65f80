//! A connection that breaks at any one request, before the CA has it or after: what was stored is taken up by a new client,
//! and there is one certificate in the end.

use std::cell::Cell;

use esync_ssl::acme::{
    AccountKey, ChallengeKind, Client, Error, Https, Obstacle, Order, Registration, Reply, Request, Session,
    Step, Transport, TransportError,
};
use esync_ssl::tls::private_key::PrivateKey;

use crate::scripted::{MINUTE, World, certificate_key, wanted};

/// Breaks at one request.
struct Breaking<'a> {
    inner: &'a Https,
    at: usize,
    reaches_the_ca: bool,
    sent: Cell<usize>,
}

impl Transport for Breaking<'_> {
    fn send(&self, request: &Request<'_>) -> Result<Reply, TransportError> {
        let number = self.sent.get();
        self.sent.set(number + 1);
        if number != self.at {
            return self.inner.send(request);
        }
        if self.reaches_the_ca {
            let _ = self.inner.send(request);
        }
        Err(TransportError::new("ca.example", Obstacle::CutOff, ""))
    }
}

/// What is on the disk.
#[derive(Default)]
struct Disk {
    account_key: Option<String>,
    account: Option<String>,
    order: Option<String>,
    certificate_key: Option<String>,
}

impl Disk {
    fn keep(&mut self, order: &Order) {
        self.order = Some(serde_json::to_string(order).expect("stored"));
    }
}

/// One run of a program: from what is stored as far as it comes.
fn run(world: &World, transport: &dyn Transport, disk: &mut Disk) -> Result<(), Error> {
    let client = Client::connect(transport, &world.clock, &world.ca.directory)?;
    if disk.account_key.is_none() {
        disk.account_key = Some(AccountKey::generate()?.to_pem().to_string());
    }
    let key = AccountKey::read(disk.account_key.as_ref().expect("stored").as_bytes())?;
    if disk.account.is_none() {
        disk.account = Some(client.register(&key, &Registration::default())?.url);
    }
    let account = disk.account.clone().expect("stored");
    let session = Session::new(&client, &key, &account);
    let mut order = match &disk.order {
        Some(stored) => {
            let mut order = serde_json::from_str(stored).expect("read again");
            session.refresh(&mut order)?;
            order
        }
        None => session.order(&wanted(&["a.example", "b.example"]))?,
    };
    disk.keep(&order);
    if order.step < Step::Ready {
        let all = session.authorizations(&order)?;
        order.answering();
        disk.keep(&order);
        for one in all.iter().filter(|one| !one.is_valid()) {
            session.respond(one.challenge(&ChallengeKind::Http01).expect("offered"))?;
        }
        session.wait_ready(&mut order, MINUTE)?;
        disk.keep(&order);
    }
    let own = match &disk.certificate_key {
        Some(pem) => PrivateKey::read(pem.as_bytes(), None)?,
        None => certificate_key(),
    };
    disk.certificate_key = Some(own.to_pem().to_string());
    order.finalizing();
    disk.keep(&order);
    session.finalize(&mut order, &own)?;
    session.wait_made(&mut order, MINUTE)?;
    disk.keep(&order);
    session.fetch(&mut order, own.public_key().expect("a public key"))?;
    disk.keep(&order);
    Ok(())
}

#[test]
fn a_break_at_any_request_leads_to_one_certificate() {
    let mut broken = 0;
    for reaches_the_ca in [false, true] {
        for at in 0.. {
            let world = World::start();
            world.ca.state().pending = true;
            world.ca.state().processing = 1;
            let mut disk = Disk::default();
            let breaking = Breaking {
                inner: &world.https,
                at,
                reaches_the_ca,
                sent: Cell::new(0),
            };
            let first = run(&world, &breaking, &mut disk);
            if breaking.sent.get() <= at {
                first.expect("all requests came through");
                break;
            }
            broken += 1;
            // A wait survives a break by itself.
            if let Err(error) = first {
                assert!(matches!(error, Error::Transport(_)), "{at}: {error:?}");
                run(&world, &world.https, &mut disk).unwrap_or_else(|error| panic!("{at}: {error:?}"));
            }
            assert_eq!(world.ca.made(), 1, "broken at {at}");
            let order: Order = serde_json::from_str(&disk.order.expect("stored")).expect("read again");
            assert_eq!(order.step, Step::Issued);
            // Only an order whose address never arrived is made twice, before anything was asked in it.
            assert!(world.ca.count("/order") <= 2, "broken at {at}");
        }
    }
    assert!(broken > 20, "{broken}");
}
