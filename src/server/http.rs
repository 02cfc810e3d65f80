//! HTTP over a connection that is there: one request, and its answer taken apart. Connects nowhere.

use std::io::{ErrorKind, Read, Write};

/// No answer that matters is longer.
const MAX_ANSWER: usize = 64 << 10;

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its number.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// `Content-Type`.
    pub kind: Option<String>,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// `Strict-Transport-Security`.
    pub hsts: Option<String>,
    /// `Server`.
    pub server: Option<String>,
    /// It is a file as it lies on the disk, by what servers say of those: its tag, its date, and that it can be had in
    /// parts.
    pub is_file: bool,
    /// What follows the head.
    pub body: Vec<u8>,
}

/// What is asked over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `HEAD`, `POST`.
    pub method: &'a str,
    /// `Host`: an IPv6 address in brackets, with the port where it is not the usual one.
    pub host: &'a str,
    /// Path, from its `/` on.
    pub path: &'a str,
    /// Type and bytes that are sent.
    pub body: Option<(&'a str, &'a [u8])>,
}

impl<'a> Request<'a> {
    /// A look that changes nothing.
    pub fn look(host: &'a str, path: &'a str) -> Request<'a> {
        Request {
            method: "HEAD",
            host,
            path,
            body: None,
        }
    }

    /// The same with what is looked at.
    pub fn whole(host: &'a str, path: &'a str) -> Request<'a> {
        Request {
            method: "GET",
            ..Request::look(host, path)
        }
    }
}

/// Sends a request and reads the answer.
///
/// # Errors
/// The connection breaks before anything came, or what came is no HTTP.
pub(super) fn exchange(stream: &mut (impl Read + Write), request: &Request<'_>) -> std::io::Result<Answer> {
    let Request {
        method, host, path, ..
    } = request;
    let mut bytes =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: esync-ssl\r\n")
            .into_bytes();
    if let Some((kind, body)) = request.body {
        bytes.extend(format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()).bytes());
        bytes.extend(b"\r\n");
        bytes.extend(body);
    } else {
        bytes.extend(b"\r\n");
    }
    stream.write_all(&bytes)?;
    stream.flush()?;
    let bytes = answer(stream, *method == "HEAD")?;
    Answer::parse(&bytes).ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// What comes until the server closes, or is out of time: what came by then counts. Behind the head of an answer that
/// has no body nothing is waited for.
fn answer(stream: &mut impl Read, is_head: bool) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let mut looked = 0;
    while bytes.len() < MAX_ANSWER {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_) => break,
        }
        if is_head && memchr::memmem::find(&bytes[looked..], b"\r\n\r\n").is_some() {
            break;
        }
        looked = bytes.len().saturating_sub(3);
    }
    Ok(bytes)
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Answer> {
        // Each line of the head may be a field.
        let mut fields = vec![httparse::EMPTY_HEADER; memchr::memchr_iter(b'\n', bytes).count()];
        let mut head = httparse::Response::new(&mut fields);
        let mut parser = httparse::ParserConfig::default();
        // A broken field says nothing about the others.
        parser.ignore_invalid_headers_in_responses(true);
        let length = match parser.parse_response(&mut head, bytes).ok()? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => bytes.len(),
        };
        let status = head.code?;
        let header = |name: &str| {
            let field = head
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(field.value).trim().to_string())
        };
        let is_chunked =
            header("Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        let body = &bytes[length..];
        Some(Answer {
            status,
            location: header("Location"),
            kind: header("Content-Type"),
            length: header("Content-Length").and_then(|length| length.parse().ok()),
            hsts: header("Strict-Transport-Security"),
            server: header("Server"),
            is_file: ["ETag", "Last-Modified", "Accept-Ranges"]
                .iter()
                .all(|name| header(name).is_some()),
            body: if is_chunked { joined(body) } else { body.to_vec() },
        })
    }
}

/// A body that came in chunks, as far as it came.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size @ 1..))) = httparse::parse_chunk_size(chunks) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let rest = &chunks[start..];
        body.extend(&rest[..size.min(rest.len())]);
        chunks = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let answer = Answer::parse(
            b"HTTP/1.1 201 Created\r\nlocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        )
        .unwrap();
        assert_eq!((answer.status, answer.location.as_deref()), (201, Some("/x")));
        assert_eq!(answer.body, b"abcde");
        assert_eq!(joined(b"fffffffffffffff\r\nab"), b"ab");
        assert_eq!(joined(b"zz\r\nab"), b"");
        assert_eq!(Answer::parse(b"SSH-2.0-x\r\n"), None);
        assert_eq!(
            Answer::parse(b"HTTP/1.0 200 OK\r\n\r\nbody").unwrap().body,
            b"body"
        );
        // Out of time within the head, or with a field that is none: the rest counts.
        let cut = Answer::parse(b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nSer").unwrap();
        assert_eq!((cut.status, cut.location.as_deref()), (301, Some("/x")));
        let odd =
            Answer::parse(b"HTTP/1.1 200 OK\r\n\xffno field\r\na b: c\r\nServer: \xfcber\n\r\nbody").unwrap();
        assert_eq!(odd.server.as_deref(), Some("\u{fffd}ber"));
        let long = format!(
            "HTTP/1.1 200 OK\r\n{}Server: x\r\n\r\n",
            "X-A: b\r\n".repeat(3000)
        );
        assert_eq!(
            Answer::parse(long.as_bytes()).unwrap().server.as_deref(),
            Some("x")
        );
        assert_eq!(Answer::parse(b""), None);
    }
}
