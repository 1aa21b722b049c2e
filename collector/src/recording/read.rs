//! Reads a recording, one batch at a time, as far as it is whole.
//!
//! A file may be cut at any byte or damaged anywhere: whatever is in it, nothing here may panic or
//! hold more than some batches of it in memory. Those are decoded by threads of their own, as many as most machines
//! have CPUs to spare: who reads is mostly as busy with the events as it is to make them.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail, ensure};
use arrow_ipc::reader::read_dictionary;
use arrow_ipc::{Message, MessageHeader, root_as_message};
use arrow_schema::{DataType, SchemaRef};

use super::batch::{Batch, Batches, Decoded, Names, Place};
use super::check;
use super::frame::{Frame, Frames, METADATA_BYTES_MAX, Source};
use super::schema::{columns, trace};
use crate::model::{Event, GLANCE_BITS, SHORT_BITS, Sketch, Trace};

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
/// Bytes read from a file at a time, where all of it is read.
const AHEAD_BYTES: usize = 1 << 18;
/// The same where bodies are passed over: about what stands before one.
const GLANCE_BYTES: usize = 1 << 13;

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
    ahead: VecDeque<(Decoding<D>, Place)>,
    /// Where batches are, of those that can be read again.
    places: Vec<Place>,
    /// From which they can.
    file: Option<File>,
    /// How long a call is short, where batches are read in short.
    bits: u8,
    /// Whether what stands beside the rows of a batch is enough.
    glances: bool,
    /// Batches of which it was.
    noted: u64,
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
        open_file(path, AHEAD_BYTES).with_context(|| act(path))
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
        Self::begin(Source::Other(Box::new(input)), length_bytes)
    }
}

impl Reader<Sketch> {
    /// Opens a recording to read its batches in short; each whole when it is wanted.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn sketch(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        open_file(path, AHEAD_BYTES).with_context(|| act(path))
    }

    /// Opens a recording to read its batches in very short: of each what its recorder noted beside it, where it did, so
    /// that the rows need not be read.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn glance(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let reader = open_file(path, GLANCE_BYTES).with_context(|| act(path))?;
        Ok(reader.glancing())
    }

    /// The same of a recording of this many bytes, from anything.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn glance_from(input: impl Read + Send + 'static, length_bytes: u64) -> Result<Self> {
        Ok(Self::sketch_from(input, length_bytes)?.glancing())
    }

    fn glancing(self) -> Self {
        Self {
            bits: GLANCE_BITS,
            glances: true,
            ..self
        }
    }

    /// How many batches were taken as they were noted: there is more to see in their rows.
    pub fn noted(&self) -> u64 {
        self.noted
    }

    /// The same as [`sketch`](Self::sketch) of a recording of this many bytes, from anything.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn sketch_from(input: impl Read + Send + 'static, length_bytes: u64) -> Result<Self> {
        Self::begin(Source::Other(Box::new(input)), length_bytes)
    }

    /// What reads the batches again that were read, from the same file, whatever has its name by now. `None` if they
    /// were read from something else.
    ///
    /// # Errors
    /// There are too many open files.
    pub fn batches(&mut self) -> Result<Option<Batches>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let (schema, known) = (self.schema.clone(), self.known.clone());
        let places = std::mem::take(&mut self.places);
        let file = file.try_clone().context("read a recording again")?;
        Ok(Some(Batches::new(file, schema, known, places)))
    }

    /// Reads the same file again from its beginning, and its batches as [`sketch`](Self::sketch) does. This one can't be
    /// read on then.
    ///
    /// # Errors
    /// It was read from something else, or see [`Reader::open`].
    pub fn again(self) -> Result<Self> {
        let act = "read a recording again";
        let mut file = self.file.context("it was no file").context(act)?;
        file.rewind().context(act)?;
        begin_file(file, AHEAD_BYTES).context(act)
    }
}

fn act(path: &Path) -> String {
    format!("read recording {}", path.display())
}

/// Opens a file of which so many bytes are read ahead.
fn open_file<D: Decoded>(path: &Path, ahead_bytes: usize) -> Result<Reader<D>> {
    // Asked before it is opened, since to open a pipe may wait for ever.
    ensure!(std::fs::metadata(path)?.is_file(), "it is not a plain file");
    begin_file(File::open(path)?, ahead_bytes)
}

fn begin_file<D: Decoded>(file: File, ahead_bytes: usize) -> Result<Reader<D>> {
    let length = file.metadata()?.len();
    let again = file.try_clone()?;
    let input = Source::File(BufReader::with_capacity(ahead_bytes, file));
    let mut reader = Reader::begin(input, length)?;
    reader.file = Some(again);
    Ok(reader)
}

impl<D: Decoded> Reader<D> {
    fn begin(input: Source, length_bytes: u64) -> Result<Self> {
        ensure!(length_bytes > 0, "it is empty");
        let mut frames = Frames::new(input, length_bytes);
        let header = match frames.next().and_then(|frame| whole(frame, &mut frames)) {
            Ok(Some((metadata, _))) => metadata,
            Ok(None) => bail!("not a recording of waitscope"),
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
            bits: SHORT_BITS,
            glances: false,
            noted: 0,
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
                    self.ahead.push_back(decode(batch, place, self.bits)?);
                }
                Ok(Step::Noted(decoded, place)) => {
                    self.noted += 1;
                    let decoded = Decoding::Noted(decoded);
                    self.ahead.push_back((decoded, place));
                }
                Ok(Step::Names) => {}
                Ok(Step::End) => self.stop = Some(Stop::End),
                Err(error) => self.stop = Some(Stop::Damage(format!("{error:#}"))),
            }
        }
        let reason = match self.ahead.pop_front() {
            Some((decoding, place)) => match decoding.join() {
                Ok(decoded) => {
                    self.whole_bytes = place.end_bytes;
                    self.ended = decoded.is_end();
                    if D::IN_SHORT {
                        self.places.push(place);
                    }
                    return Ok(Some(decoded));
                }
                Err(error) => Some(format!("{error:#}")),
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
        (!self.ended).then(|| {
            "the recorder was stopped before it could end the recording, or still writes it"
                .to_owned()
        })
    }

    fn step(&mut self) -> Result<Step<D>> {
        let start_bytes = self.frames.read_bytes();
        let frame = self.frames.next()?;
        if self.glances
            && let Frame::Message {
                metadata,
                body_bytes,
            } = &frame
            && let Some(decoded) = root_as_message(metadata).ok().and_then(D::noted)
        {
            self.frames.pass_body(*body_bytes)?;
            return Ok(Step::Noted(decoded, self.place(start_bytes)));
        }
        let Some((metadata, body)) = whole(frame, &mut self.frames)? else {
            return Ok(Step::End);
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
                let place = self.place(start_bytes);
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

    /// Of the message that was read from there on.
    fn place(&self, start_bytes: u64) -> Place {
        Place {
            start_bytes,
            end_bytes: self.frames.read_bytes(),
            names: self.names.clone(),
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

/// A message with its body; `None` at the end.
fn whole(frame: Frame, frames: &mut Frames) -> Result<Option<(Vec<u8>, arrow_buffer::Buffer)>> {
    match frame {
        Frame::Message {
            metadata,
            body_bytes,
        } => Ok(Some((metadata, frames.body(body_bytes)?))),
        Frame::End | Frame::Nothing => Ok(None),
    }
}

enum Step<D> {
    Batch(Batch, Place),
    Noted(D, Place),
    Names,
    End,
}

/// Why nothing more is read ahead.
enum Stop {
    End,
    Damage(String),
}

/// A batch on its way.
enum Decoding<D> {
    Thread(JoinHandle<Result<D>>),
    Noted(D),
}

impl<D> Decoding<D> {
    fn join(self) -> Result<D> {
        match self {
            Self::Noted(decoded) => Ok(decoded),
            Self::Thread(thread) => match thread.join() {
                Ok(decoded) => decoded,
                Err(_) => bail!("a batch can't be decoded"),
            },
        }
    }
}

/// Decodes a batch meanwhile. It takes some ten milliseconds, a thread a fraction of one.
fn decode<D: Decoded>(batch: Batch, place: Place, bits: u8) -> Result<(Decoding<D>, Place)> {
    let thread = Builder::new()
        .name("decode".to_owned())
        .spawn(move || batch.decode(bits))
        .context("start a thread to decode a recording")?;
    Ok((Decoding::Thread(thread), place))
}

/// What a file is whose first message can't be read.
fn header_hint(frames: &Frames) -> &'static str {
    if frames.has_mark() {
        "it was cut before the first batch, or its header is damaged"
    } else {
        "not a recording of waitscope"
    }
}
