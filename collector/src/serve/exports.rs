//! Exports of the recording behind the page, or of what a live trace without one has in memory: what `waitscope export` writes, by the
//! same code, as it is written.
//!
//! A thread of its own for each writes into a channel that holds a few pieces. It must never hold more, go on once the
//! browser is gone, look whole when it is not, or make those wait who drain the ring or answer others.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use axum::{
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{
        HeaderValue, Method, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore,
    mpsc::{Receiver, Sender, channel, error::TrySendError},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use super::{guard::said, held::Held, shared::Shared};
use crate::export::{self, Format, Range, Source, Written};

/// Exports at a time. Each reads all of a recording, as often as its format takes.
const AT_ONCE: usize = 2;
/// Bytes handed over at a time, and how many such pieces may wait.
const PIECE_BYTES: usize = 1 << 16;
const PIECES: usize = 8;
/// How long a browser may take none of them before it counts as gone.
const STALLED: Duration = Duration::from_secs(60);
/// How soon a full channel is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What can be exported, and how much of that goes on now.
pub struct Exports {
    from: From,
    slots: Arc<Semaphore>,
}

/// What an export is read from.
enum From {
    /// A recording; that of a live trace grows.
    File { source: Source, grows: bool },
    /// No one file, for this reason: what is in memory, if the trace is a live one.
    None(&'static str),
}

impl Exports {
    /// Of a recording that was opened.
    pub fn recorded(source: Source) -> Self {
        Self::new(From::File {
            source,
            grows: false,
        })
    }

    /// Of the recording that a live trace is written to, as far as that is.
    pub fn growing(source: Source) -> Self {
        Self::new(From::File {
            source,
            grows: true,
        })
    }

    /// Of a live trace that is not recorded, of which there is what is in memory.
    pub fn unrecorded() -> Self {
        Self::new(From::None("unrecorded"))
    }

    /// Of one that is recorded in several files.
    pub fn rotated() -> Self {
        Self::new(From::None("rotated"))
    }

    /// Of one that is kept by a flight recorder.
    pub fn flown() -> Self {
        Self::new(From::None("flown"))
    }

    fn new(from: From) -> Self {
        Self {
            from,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// What the page is told of it.
    pub(super) fn told(&self) -> Value {
        match &self.from {
            From::File { source, grows } => {
                let file = source.path().to_string_lossy();
                json!({ "file": file, "grows": grows, "why_not": null })
            }
            From::None(why) => json!({ "file": null, "grows": false, "why_not": why }),
        }
    }
}

/// What an address may ask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    format: String,
    from_ns: Option<u64>,
    to_ns: Option<u64>,
}

/// `GET /api/export?format=FORMAT`. `HEAD` says what would come of it, and begins nothing.
pub(super) async fn export(
    State(shared): State<Arc<Shared>>,
    method: Method,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    // It reads the file's header, which a slow disk must not make others wait for.
    let ready = tokio::task::spawn_blocking(move || ready(&shared, asked)).await;
    let panicked = |_| {
        Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "export: see the terminal".to_owned(),
        ))
    };
    match ready.unwrap_or_else(panicked) {
        Ok(job) if method == Method::HEAD => (job.headers(), Body::empty()).into_response(),
        Ok(job) => job.begin(),
        Err((status, words)) => said(status, words),
    }
}

/// Everything that must be right before a first byte is sent.
fn ready(
    shared: &Shared,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Job, (StatusCode, String)> {
    let wrong = |words: String| (StatusCode::BAD_REQUEST, words);
    let Query(asked) = asked.map_err(|rejection| wrong(rejection.body_text()))?;
    let format: Format = asked
        .format
        .parse()
        .map_err(|error| wrong(format!("{error:#}")))?;
    let range = Range {
        from_ns: asked.from_ns.unwrap_or(0),
        to_ns: asked.to_ns,
    };
    if range.is_empty() {
        return Err(wrong(
            "from_ns must be before to_ns: nothing can be in between".to_owned(),
        ));
    }
    let none = |words: String| (StatusCode::CONFLICT, words);
    if let From::None(why) = shared.exports.from
        && !shared.about.live
    {
        return Err(none(format!(
            "there is no one recording to export: the trace is {why}"
        )));
    }
    let slot = Arc::clone(&shared.exports.slots)
        .try_acquire_owned()
        .map_err(|_| {
            let words = format!("{AT_ONCE} exports are under way: wait for one of them to end");
            (StatusCode::TOO_MANY_REQUESTS, words)
        })?;
    let (name, of) = match &shared.exports.from {
        From::File { source, .. } => {
            let written = source.written().and_then(|written| {
                // What is no recording any more is told of before the answer has begun.
                written.reader()?;
                Ok(written)
            });
            let written = written
                .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")))?;
            (
                file_name(source.path(), format, range),
                Of::Written(written),
            )
        }
        From::None(_) => {
            let held = shared.held();
            // The name tells what is not in it.
            let from_ns = range.from_ns.max(held.since_ns());
            let is_gone = Range { from_ns, ..range }.is_empty();
            if is_gone {
                let words =
                    format!("nothing of it is in memory any more: that begins at {from_ns} ns");
                return Err(none(words));
            }
            let name = file_name(Path::new("trace"), format, Range { from_ns, ..range });
            (name, Of::Held(Box::new(held)))
        }
    };
    Ok(Job {
        name,
        of,
        format,
        range,
        _slot: slot,
    })
}

/// What an export is made of.
enum Of {
    Written(Written),
    Held(Box<Held>),
}

/// An export that may begin.
struct Job {
    of: Of,
    format: Format,
    range: Range,
    name: String,
    /// Free again once this is gone.
    _slot: OwnedSemaphorePermit,
}

impl Job {
    fn headers(&self) -> [(axum::http::HeaderName, HeaderValue); 2] {
        let attachment = format!("attachment; filename=\"{}\"", self.name);
        // Its name has letters, digits and few others: always a valid header.
        let attachment = HeaderValue::from_str(&attachment)
            .unwrap_or_else(|_| HeaderValue::from_static("attachment"));
        let (content_type, _) = kind_of(self.format);
        [
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (CONTENT_DISPOSITION, attachment),
        ]
    }

    fn begin(self) -> Response {
        let headers = self.headers();
        let (sender, pieces) = channel(PIECES);
        let whole = Arc::new(AtomicBool::new(false));
        let body = body(pieces, Arc::clone(&whole));
        let thread = std::thread::Builder::new().name("export".to_owned());
        let begun = thread.spawn(move || {
            // Whatever was wrong, the browser sees it in that the answer is cut off.
            let written = self.write(&sender);
            whole.store(written.is_ok(), Ordering::Release);
            // Only now do the pieces end.
            drop(sender);
        });
        match begun {
            Ok(_) => (headers, body).into_response(),
            Err(error) => said(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("start the thread that exports: {error}"),
            ),
        }
    }

    fn write(self, sender: &Sender<Bytes>) -> Result<()> {
        let out = Pieces {
            to: sender.clone(),
            gone: false,
        };
        let goes_on = || {
            if sender.is_closed() {
                bail!("the browser is gone");
            }
            Ok(())
        };
        let written = match self.of {
            Of::Written(written) => written,
            Of::Held(held) => held.written(goes_on).context("export")?,
        };
        let open = || written.reader();
        export::export(open, self.format, self.range, out, |_, _| goes_on()).context("export")?;
        Ok(())
    }
}

/// The pieces, and after the last of them an error if it was not all: no reader may take a part for the whole.
fn body(pieces: Receiver<Bytes>, whole: Arc<AtomicBool>) -> Body {
    let mut told = false;
    let end = std::iter::from_fn(move || {
        let cut = !whole.load(Ordering::Acquire) && !std::mem::replace(&mut told, true);
        cut.then(|| Err(io::Error::other("the export was cut off")))
    });
    let pieces = ReceiverStream::new(pieces).map(Ok);
    Body::from_stream(pieces.chain(tokio_stream::iter(end)))
}

/// Hands over what is written, a piece at a time, and waits while there is no room.
struct Pieces {
    to: Sender<Bytes>,
    /// Nobody takes any more: whoever tries to write the rest need not wait to learn it.
    gone: bool,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let part = bytes.get(..PIECE_BYTES).unwrap_or(bytes);
        let mut piece = Bytes::copy_from_slice(part);
        let since = Instant::now();
        loop {
            piece = match self.to.try_send(piece) {
                Ok(()) => return Ok(part.len()),
                Err(TrySendError::Closed(_)) => {
                    self.gone = true;
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Err(TrySendError::Full(piece)) => piece,
            };
            if since.elapsed() > STALLED {
                self.gone = true;
                return Err(io::ErrorKind::TimedOut.into());
            }
            sleep(LOOK_AGAIN);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a file of this format is, and how its name ends.
fn kind_of(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Json => ("application/json", "json"),
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Chrome => ("application/json", "chrome.json"),
        Format::Perfetto => ("application/octet-stream", "pftrace"),
        Format::Parquet => ("application/vnd.apache.parquet", "parquet"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    }
}

/// Named for the recording and the range, in letters that mean nothing to any system.
fn file_name(recording: &Path, format: Format, range: Range) -> String {
    let stem = recording.file_stem().unwrap_or_default().to_string_lossy();
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let stem: String = stem
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .collect();
    let stem = stem.get(..100).unwrap_or(&stem);
    let stem = if stem.is_empty() { "trace" } else { stem };
    let from_ns = range.from_ns;
    let (_, ending) = kind_of(format);
    match range.to_ns {
        _ if range.is_whole() => format!("{stem}.{ending}"),
        Some(to_ns) => format!("{stem}-{from_ns}-{to_ns}ns.{ending}"),
        None => format!("{stem}-from-{from_ns}ns.{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_for_what_is_in_it_and_leads_nowhere_else() {
        let name = |path: &str, range| file_name(Path::new(path), Format::Chrome, range);
        let all = Range::default();
        let range = |from_ns, to_ns| Range { from_ns, to_ns };
        assert_eq!(name("dir/redis 1.waitscope", all), "redis_1.chrome.json");
        assert_eq!(name("a.b", range(5, Some(70))), "a-5-70ns.chrome.json");
        assert_eq!(name("a", range(5, None)), "a-from-5ns.chrome.json");
        assert_eq!(name("\"; x=\r\n/..", all), "trace.chrome.json");
        assert_eq!(name("\u{202e}\"a\r\n.x", all), "__a__.chrome.json");
        assert_eq!(
            name(&"é".repeat(300), all).len(),
            100 + ".chrome.json".len()
        );
    }

    #[test]
    fn a_reader_that_takes_nothing_makes_the_writer_wait_and_one_that_is_gone_ends_it() {
        let (sender, mut pieces) = channel(PIECES);
        let writer = std::thread::spawn(move || {
            let mut out = Pieces {
                to: sender,
                gone: false,
            };
            let mut written = 0;
            loop {
                match out.write(&[7; 3 * PIECE_BYTES]) {
                    Ok(bytes) => written += bytes,
                    Err(error) => return (written, error.kind()),
                }
            }
        });
        while pieces.len() < PIECES {
            sleep(LOOK_AGAIN);
        }
        sleep(LOOK_AGAIN * 20);
        assert_eq!(pieces.len(), PIECES, "no more is held than that");
        let first = pieces.blocking_recv().unwrap();
        assert_eq!(first.len(), PIECE_BYTES);
        drop(pieces);
        let (written, why) = writer.join().unwrap();
        assert!(written <= (PIECES + 1) * PIECE_BYTES, "{written} bytes");
        assert_eq!(why, io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn an_export_that_failed_never_looks_whole() {
        for is_whole in [true, false] {
            let (sender, pieces) = channel(PIECES);
            let whole = Arc::new(AtomicBool::new(false));
            let body = body(pieces, Arc::clone(&whole));
            sender.try_send(Bytes::from_static(b"some")).unwrap();
            whole.store(is_whole, Ordering::Release);
            drop(sender);
            let read = axum::body::to_bytes(body, 100).await;
            assert_eq!(read.is_ok(), is_whole);
        }
    }
}
