//! A browser of a few lines, so that nothing is told from the server's own parts.

use std::{io::Read as _, net::TcpStream, time::Duration};

/// Nothing here takes so long, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(stream: &mut TcpStream, head_only: bool) -> Self {
        let mut bytes = Vec::new();
        let mut read_to = |bytes: &mut Vec<u8>, done: &dyn Fn(&[u8]) -> bool| {
            let mut part = [0; 65_536];
            while !done(bytes) {
                let count = stream.read(&mut part).unwrap();
                assert!(
                    count > 0,
                    "the connection ended in {:?}",
                    String::from_utf8_lossy(bytes)
                );
                bytes.extend(&part[..count]);
            }
        };
        let end_of_head = |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n");
        read_to(&mut bytes, &|bytes| end_of_head(bytes).is_some());
        let body_at = end_of_head(&bytes).unwrap() + 4;
        let head = String::from_utf8(bytes[..body_at].to_vec()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self {
            status,
            headers,
            body: Vec::new(),
        };
        let is_stream = answer.header("content-type") == Some("text/event-stream");
        if !head_only && !is_stream && answer.header("transfer-encoding").is_some() {
            read_to(&mut bytes, &|bytes| unchunked(&bytes[body_at..]).is_some());
            answer.body = unchunked(&bytes[body_at..]).unwrap();
            return answer;
        }
        if !head_only && is_stream {
            // A stream has no end: its first event will do.
            read_to(&mut bytes, &|bytes| {
                bytes[body_at..].windows(2).any(|two| two == b"\n\n")
            });
        } else if !head_only && status != 304 {
            let length: usize = answer
                .header("content-length")
                .unwrap_or("0")
                .parse()
                .unwrap();
            read_to(&mut bytes, &|bytes| bytes.len() >= body_at + length);
            assert_eq!(bytes.len(), body_at + length, "more than was announced");
        }
        answer.body = bytes.split_off(body_at);
        answer
    }

    /// The tile of a lane, of an answer that has nothing but tiles.
    pub(crate) fn tile(&self, lane: u32) -> &[u8] {
        let number = |at: usize| u32::from_le_bytes(self.body[at..at + 4].try_into().unwrap());
        let (mut at, mut found) = (0, None);
        while at < self.body.len() {
            let end = at + 8 + number(at + 4) as usize;
            found = found.or((number(at) == lane).then(|| &self.body[at + 8..end]));
            at = end;
        }
        assert_eq!(at, self.body.len());
        found.unwrap_or_else(|| panic!("no tile of lane {lane} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|header| header.0 == name);
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        Some(&value.1)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status of a refusal, which says nothing else.
    pub(crate) fn refused(&self) -> u16 {
        assert!(self.body.is_empty(), "a refusal with a body: {self:?}");
        assert_eq!(self.header("connection"), Some("close"), "{self:?}");
        self.status
    }
}

/// A body that came in chunks, once the last has come.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|two| two == b"\r\n")?;
        let length = std::str::from_utf8(&bytes[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let chunk = bytes.get(line + 2..line + 2 + length)?;
        let rest = bytes.get(line + 4 + length..)?;
        if length == 0 {
            assert!(rest.is_empty(), "more after the last chunk");
            return Some(body);
        }
        body.extend(chunk);
        bytes = rest;
    }
}

/// The events of `/api/live`.
pub(crate) struct Stream {
    pub(crate) stream: TcpStream,
    pub(crate) text: String,
}

impl Stream {
    pub(crate) fn next(&mut self) -> serde_json::Value {
        loop {
            if let Some((before, rest)) = self.text.split_once("\n\n") {
                let event = before
                    .rsplit_once("data: ")
                    .map(|(_, data)| data.to_owned());
                self.text = rest.to_owned();
                match event {
                    Some(data) => return serde_json::from_str(&data).unwrap(),
                    None => continue,
                }
            }
            let mut part = [0; 4096];
            let count = self.stream.read(&mut part).unwrap();
            assert!(count > 0, "the stream ended after {:?}", self.text);
            self.text
                .push_str(std::str::from_utf8(&part[..count]).unwrap());
        }
    }
}
