//! Reads a recording, one batch at a time, as far as it is whole.
//!
//! A file may be cut at any byte or damaged anywhere: whatever is in it, nothing here may panic or
//! hold more than some batches of it in memory. Those are decoded by threads of their own, as many as most machines
//! have CPUs to spare: who reads is mostly as busy with the events as it is to make them.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail, ensure};
use arrow_ipc::reader::read_dictionary;
use arrow_ipc::{Message, MessageHeader, root_as_message};
use arrow_schema::{DataType, SchemaRef};

use super::batch::{Batch, Batches, Decoded, Names, Place};
use super::check;
use super::frame::{Frame, Frames, METADATA_BYTES_MAX};
use super::schema::{columns, trace};
use crate::model::{Event, Sketch, Trace};

/// What is missing from a recording that was cut off or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of the file up to the end of the last whole batch.
    pub whole_bytes: u64,
    /// Bytes after that, which could not be read.
    pub lost_bytes: u64,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            whole_bytes,
            lost_bytes,
            reason,
        } = self;
        write!(f, "the recording is whole up to byte {whole_bytes}")?;
        if *lost_bytes > 0 {
            write!(f, ", and the {lost_bytes} bytes after it can't be read")?;
        }
        write!(f, ": {reason}")
    }
}

/// Batches decoded at a time.
const AHEAD: usize = 3;

/// Reads a recording, each batch as `D`.
pub struct Reader<D = Vec<Event>> {
    frames: Frames,
    schema: SchemaRef,
    /// The columns this program knows; any others are passed over.
    known: Arc<[usize]>,
    /// Copied only when they change.
    names: Arc<Names>,
    trace: Trace,
    /// Batches being decoded, in the file's order.
    ahead: VecDeque<Decoding<D>>,
    /// Where batches are, of those that can be read again.
    places: Vec<Place>,
    /// From which they can.
    file: Option<File>,
    /// Set once there is nothing more to read ahead.
    stop: Option<Stop>,
    /// Whether the row that says how the trace ended has been read.
    ended: bool,
    /// Nothing more can be read.
    done: bool,
    whole_bytes: u64,
    cut: Option<Cut>,
}

impl Reader {
    /// Opens a recording and reads its header.
    ///
    /// # Errors
    /// It can't be read, is not a recording, is of a newer version, or was cut within its header.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        open_file(path).with_context(|| act(path))
    }

    /// Whether a file begins like a recording, of any version, even if it is cut within its header.
    pub(super) fn is_recording(path: &Path) -> bool {
        let mut begin = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(METADATA_BYTES_MAX).read_to_end(&mut begin));
        let format = super::FORMAT.as_bytes();
        read.is_ok()
            && begin.starts_with(&[0xff; 4])
            && begin.windows(format.len()).any(|window| window == format)
    }

    /// Reads a recording of this many bytes from anything.
    ///
    /// # Errors
    /// See [`open`](Self::open).
    pub fn new(input: impl Read + Send + 'static, length_bytes: u64) -> Result<Self> {
        Self::begin(input, length_bytes)
    }
}

impl Reader<Sketch> {
    /// Opens a recording to read its batches in short; each whole when it is wanted.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn sketch(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        open_file(path).with_context(|| act(path))
    }

    /// The same of a recording of this many bytes, from anything.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn sketch_from(input: impl Read + Send + 'static, length_bytes: u64) -> Result<Self> {
        Self::begin(input, length_bytes)
    }

    /// What reads the batches again that were read, from the same file, whatever has its name by now. `None` if they
    /// were read from something else.
    pub fn batches(&mut self) -> Option<Batches> {
        let (schema, known) = (self.schema.clone(), self.known.clone());
        let places = std::mem::take(&mut self.places);
        Some(Batches::new(self.file.take()?, schema, known, places))
    }
}

fn act(path: &Path) -> String {
    format!("read recording {}", path.display())
}

fn open_file<D: Decoded>(path: &Path) -> Result<Reader<D>> {
    // Asked before it is opened, since to open a pipe may wait for ever.
    ensure!(std::fs::metadata(path)?.is_file(), "it is not a plain file");
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let again = file.try_clone()?;
    let mut reader = Reader::begin(BufReader::with_capacity(1 << 18, file), length)?;
    reader.file = Some(again);
    Ok(reader)
}

impl<D: Decoded> Reader<D> {
    fn begin(input: impl Read + Send + 'static, length_bytes: u64) -> Result<Self> {
        ensure!(length_bytes > 0, "it is empty");
        let mut frames = Frames::new(Box::new(input), length_bytes);
        let header = match frames.next() {
            Ok(Frame::Message { metadata, .. }) => metadata,
            Ok(Frame::End | Frame::Nothing) => bail!("not a recording of waitscope"),
            Err(error) => return Err(error).context(header_hint(&frames)),
        };
        let Ok(message) = root_as_message(&header) else {
            bail!("its header is damaged");
        };
        let header = message
            .header_as_schema()
            .context("not a recording of waitscope")?;
        let schema =
            arrow_ipc::convert::try_fb_to_schema(header).context("its header is damaged")?;
        let trace = trace(&schema)?;
        Ok(Self {
            whole_bytes: frames.read_bytes(),
            frames,
            known: (0..columns().min(schema.fields().len())).collect(),
            schema: SchemaRef::new(schema),
            names: Arc::default(),
            trace,
            ahead: VecDeque::new(),
            places: Vec::new(),
            file: None,
            stop: None,
            ended: false,
            done: false,
            cut: None,
        })
    }

    /// What the header says about the trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What the header says under this key, beside what is known of every trace.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.schema.metadata().get(key).map(String::as_str)
    }

    /// Bytes of the file that have been read; of some of them the events are still to come.
    pub fn bytes_read(&self) -> u64 {
        self.frames.read_bytes()
    }

    /// Bytes of the whole file.
    pub fn bytes_total(&self) -> u64 {
        self.frames.length_bytes()
    }

    /// What is missing, known once [`next_batch`](Self::next_batch) has said that there is no more.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// The next events, at most 131,072 (of as many rows and entries of sets as a batch may have); `None` if there are no more, or no more can be read: see
    /// [`cut`](Self::cut).
    ///
    /// # Errors
    /// There is no thread to be had to decode a batch. Damage is no error, but a [`Cut`].
    pub fn next_batch(&mut self) -> Result<Option<D>> {
        if self.done {
            return Ok(None);
        }
        while self.stop.is_none() && self.ahead.len() < AHEAD {
            match self.step() {
                Ok(Step::Batch(batch, place)) => {
                    self.ahead.push_back(decode(batch, place)?);
                }
                Ok(Step::Names) => {}
                Ok(Step::End) => self.stop = Some(Stop::End),
                Err(error) => self.stop = Some(Stop::Damage(format!("{error:#}"))),
            }
        }
        let reason = match self.ahead.pop_front() {
            Some(Decoding { thread, place }) => match thread.join() {
                Ok(Ok(decoded)) => {
                    self.whole_bytes = place.end_bytes;
                    self.ended = decoded.is_end();
                    if D::IN_SHORT {
                        self.places.push(place);
                    }
                    return Ok(Some(decoded));
                }
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(_) => Some("a batch can't be decoded".to_owned()),
            },
            None => match self.stop.take() {
                Some(Stop::Damage(reason)) => Some(reason),
                Some(Stop::End) | None => self.at_end(),
            },
        };
        self.done = true;
        self.ahead.clear();
        self.cut = reason.map(|reason| Cut {
            whole_bytes: self.whole_bytes,
            lost_bytes: self.frames.length_bytes().saturating_sub(self.whole_bytes),
            reason,
        });
        Ok(None)
    }

    /// What is wrong with a file that could be read to its end.
    fn at_end(&mut self) -> Option<String> {
        let left = self
            .frames
            .length_bytes()
            .saturating_sub(self.frames.read_bytes());
        if left > 0 {
            self.whole_bytes = self.frames.read_bytes();
            return Some("something follows the end of the recording".to_owned());
        }
        (!self.ended)
            .then(|| "the recorder was stopped before it could end the recording".to_owned())
    }

    fn step(&mut self) -> Result<Step> {
        let start_bytes = self.frames.read_bytes();
        let (metadata, body) = match self.frames.next()? {
            Frame::Message { metadata, body } => (metadata, body),
            Frame::End | Frame::Nothing => return Ok(Step::End),
        };
        let Ok(message) = root_as_message(&metadata) else {
            bail!("a message is damaged");
        };
        match message.header_type() {
            MessageHeader::DictionaryBatch => {
                self.read_names(message, &body)?;
                Ok(Step::Names)
            }
            MessageHeader::RecordBatch => {
                let place = Place {
                    start_bytes,
                    end_bytes: self.frames.read_bytes(),
                    names: self.names.clone(),
                };
                let batch = Batch {
                    metadata,
                    body,
                    schema: self.schema.clone(),
                    known: self.known.clone(),
                    names: self.names.clone(),
                };
                Ok(Step::Batch(batch, place))
            }
            _ => bail!("a message is of a kind that no recording has"),
        }
    }

    fn read_names(&mut self, message: Message<'_>, body: &arrow_buffer::Buffer) -> Result<()> {
        let names = message
            .header_as_dictionary_batch()
            .context("a dictionary is damaged")?;
        // Only whole dictionaries are written: one that grows would grow without bound.
        ensure!(!names.isDelta(), "a dictionary adds to another");
        let batch = names.data().context("a dictionary is empty")?;
        check::batch(batch, [&DataType::Utf8].into_iter(), body)
            .context("a dictionary is damaged")?;
        read_dictionary(
            body,
            names,
            &self.schema,
            Arc::make_mut(&mut self.names),
            &message.version(),
        )
        .context("a dictionary is damaged")?;
        Ok(())
    }
}

enum Step {
    Batch(Batch, Place),
    Names,
    End,
}

/// Why nothing more is read ahead.
enum Stop {
    End,
    Damage(String),
}

/// A batch on its way.
struct Decoding<D> {
    thread: JoinHandle<Result<D>>,
    place: Place,
}

/// Decodes a batch meanwhile. It takes some ten milliseconds, a thread a fraction of one.
fn decode<D: Decoded>(batch: Batch, place: Place) -> Result<Decoding<D>> {
    let thread = Builder::new()
        .name("decode".to_owned())
        .spawn(move || batch.decode())
        .context("start a thread to decode a recording")?;
    Ok(Decoding { thread, place })
}

/// What a file is whose first message can't be read.
fn header_hint(frames: &Frames) -> &'static str {
    if frames.has_mark() {
        "it was cut before the first batch, or its header is damaged"
    } else {
        "not a recording of waitscope"
    }
}
