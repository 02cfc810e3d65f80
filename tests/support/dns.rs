//! A name server for one test, at the usual port of its network, and this machine told to ask it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};

use super::{files, mounts};

/// What it has: data of records by name and number of their kind.
type Records = HashMap<(String, u16), Vec<Vec<u8>>>;

/// A running name server. Every name without a record of its own has the address 127.0.0.1.
pub struct NameServer {
    records: Arc<Mutex<Records>>,
    _folder: tempfile::TempDir,
}

/// NS, TXT, CAA.
pub const NS: u16 = 2;
pub const TXT: u16 = 16;
pub const CAA: u16 = 257;

impl NameServer {
    /// Starts one in the network of this thread, which gets mounts of its own. None where that is not allowed.
    pub fn start() -> Option<NameServer> {
        if !mounts::isolate() {
            return None;
        }
        let folder = files::folder();
        let file = folder.path().join("resolv.conf");
        files::write(&file, "nameserver 127.0.0.1\n");
        mounts::lay(&file, std::path::Path::new("/etc/resolv.conf"));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("the port of name servers");
        let records = Arc::new(Mutex::new(Records::new()));
        let known = records.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut bytes) {
                let answer = answer(&bytes[..length], &known.lock().expect("records"));
                let _ = socket.send_to(&answer, from);
            }
        });
        Some(NameServer {
            records,
            _folder: folder,
        })
    }

    /// From now on a name has these records, and no others of that kind.
    pub fn set(&self, name: &str, kind: u16, all: &[Vec<u8>]) {
        let mut records = self.records.lock().expect("records");
        records.insert((name.to_owned(), kind), all.to_vec());
    }
}

/// A text as a record has it.
pub fn text(value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("a short text");
    [&[length], value.as_bytes()].concat()
}

/// A name as a record has it.
pub fn name(name: &str) -> Vec<u8> {
    name.split('.').flat_map(text).chain([0]).collect()
}

/// A property as a record has it.
pub fn caa(tag: &str, value: &str) -> Vec<u8> {
    [&[0][..], &text(tag), value.as_bytes()].concat()
}

fn answer(asked: &[u8], records: &Records) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while asked[at] != 0 {
        let end = at + 1 + usize::from(asked[at]);
        labels.push(String::from_utf8_lossy(&asked[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    let kind = u16::from_be_bytes([asked[at + 1], asked[at + 2]]);
    let found = records.get(&(labels.join("."), kind)).cloned();
    let found = found.unwrap_or_else(|| {
        if kind == 1 {
            vec![vec![127, 0, 0, 1]]
        } else {
            Vec::new()
        }
    });
    // The question alone, whatever came behind it.
    let mut bytes = asked[..at + 5].to_vec();
    bytes[2] |= 0x80;
    bytes[6..12].fill(0);
    bytes[7] = u8::try_from(found.len()).expect("some records");
    for data in &found {
        bytes.extend([0xc0, 12]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        bytes.extend(data);
    }
    bytes
}
