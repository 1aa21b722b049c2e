//! Reads a recording, one batch at a time, as far as it is whole.
//!
//! A file may be cut at any byte or damaged anywhere: whatever is in it, nothing here may panic or
//! hold more than one batch of it in memory.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use arrow_array::ArrayRef;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::{Message, MessageHeader, root_as_message};
use arrow_schema::{DataType, SchemaRef};

use super::frame::{Frame, Frames, METADATA_BYTES_MAX};
use super::schema::{Cells, columns, trace};
use super::{check, row};
use crate::model::{Event, Trace};

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

/// Reads a recording.
pub struct Reader {
    frames: Frames,
    schema: SchemaRef,
    /// The columns this program knows; any others are passed over.
    known: Vec<usize>,
    names: HashMap<i64, ArrayRef>,
    trace: Trace,
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
        let act = || format!("read recording {}", path.display());
        // Asked before it is opened, since to open a pipe may wait for ever.
        let found = std::fs::metadata(path).with_context(act)?;
        if !found.is_file() {
            return Err(anyhow::anyhow!("it is not a plain file")).with_context(act);
        }
        let file = File::open(path).with_context(act)?;
        let length = file.metadata().with_context(act)?.len();
        Self::new(BufReader::with_capacity(1 << 18, file), length).with_context(act)
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
            names: HashMap::new(),
            trace,
            ended: false,
            done: false,
            cut: None,
        })
    }

    /// What the header says about the trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Bytes of the file that have been read.
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
    /// None at this time: damage is a [`Cut`]. Kept for what a later source may need.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Event>>> {
        while !self.done {
            let reason = match self.step() {
                Ok(Step::Events(events)) => {
                    self.whole_bytes = self.frames.read_bytes();
                    return Ok(Some(events));
                }
                Ok(Step::Names) => continue,
                Ok(Step::End) => self.at_end(),
                Err(error) => Some(format!("{error:#}")),
            };
            self.done = true;
            self.cut = reason.map(|reason| Cut {
                whole_bytes: self.whole_bytes,
                lost_bytes: self.frames.length_bytes().saturating_sub(self.whole_bytes),
                reason,
            });
        }
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
            MessageHeader::RecordBatch => Ok(Step::Events(self.read_events(message, &body)?)),
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
            &mut self.names,
            &message.version(),
        )
        .context("a dictionary is damaged")?;
        Ok(())
    }

    fn read_events(
        &mut self,
        message: Message<'_>,
        body: &arrow_buffer::Buffer,
    ) -> Result<Vec<Event>> {
        let batch = message
            .header_as_record_batch()
            .context("a batch is damaged")?;
        let types = self.schema.fields().iter().map(|field| field.data_type());
        check::batch(batch, types, body).context("a batch is damaged")?;
        let version = message.version();
        let batch =
            RecordBatchDecoder::try_new(body, batch, self.schema.clone(), &self.names, &version)
                .and_then(|decoder| {
                    decoder
                        .with_projection(Some(&self.known))
                        .read_record_batch()
                })
                .context("a batch is damaged")?;
        let cells = Cells::new(&batch).context("a batch is damaged")?;
        let mut events = Vec::with_capacity(batch.num_rows());
        for at in 0..batch.num_rows() {
            row::events(&cells.row(at), &mut events)
                .with_context(|| format!("row {at} of a batch is damaged"))?;
        }
        self.ended = matches!(events.last(), Some(Event::End(_)));
        Ok(events)
    }
}

enum Step {
    Events(Vec<Event>),
    Names,
    End,
}

/// What a file is whose first message can't be read.
fn header_hint(frames: &Frames) -> &'static str {
    if frames.has_mark() {
        "it was cut before the first batch, or its header is damaged"
    } else {
        "not a recording of waitscope"
    }
}
