//! Cuts a file into messages, each whole, and none larger than any we write.
//!
//! ```text
//!   ff ff ff ff | length: u32 | metadata, that many bytes | body, as many as the metadata says
//!   ff ff ff ff | 0                                         the end of the stream
//! ```

use std::fs::File;
use std::io::{self, BufReader, Read};

use anyhow::{Context, Result, bail, ensure};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::root_as_message;

const CONTINUATION: [u8; 4] = [0xff; 4];
/// A command line may have 2 MiB, and stands in the header.
pub(super) const METADATA_BYTES_MAX: u64 = 8 << 20;
/// 65,536 rows, not compressed at all, are far less.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What comes next in a file.
pub(super) enum Frame {
    /// A message, but for its body.
    Message {
        /// Its flatbuffer, unverified.
        metadata: Vec<u8>,
        /// Bytes of what that refers to: to be read or passed over next.
        body_bytes: u64,
    },
    /// The stream was ended properly.
    End,
    /// The file ends where another message could begin.
    Nothing,
}

/// What a recording is read from.
pub(super) enum Source {
    /// A file, in which one may go on elsewhere.
    File(BufReader<File>),
    /// Anything else.
    Other(Box<dyn Read + Send>),
}

impl Source {
    fn read_exact(&mut self, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_exact(into),
            Self::Other(other) => other.read_exact(into),
        }
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.seek_relative(i64::try_from(bytes).map_err(io::Error::other)?),
            Self::Other(other) => io::copy(&mut other.take(bytes), &mut io::sink()).map(drop),
        }
    }
}

/// A file and how far it has been read.
pub(super) struct Frames {
    input: Source,
    read: u64,
    length: u64,
    /// Whether the first message began as messages do.
    has_mark: bool,
}

impl Frames {
    /// Reads the messages of a file that has this many bytes.
    pub(super) fn new(input: Source, length: u64) -> Self {
        Self {
            input,
            read: 0,
            length,
            has_mark: false,
        }
    }

    /// Bytes taken so far.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Bytes of the whole file.
    pub(super) fn length_bytes(&self) -> u64 {
        self.length
    }

    /// Whether anything was found that began as messages do.
    pub(super) fn has_mark(&self) -> bool {
        self.has_mark
    }

    fn left(&self) -> u64 {
        self.length.saturating_sub(self.read)
    }

    /// The next message. Its body must be read or passed over before another.
    ///
    /// # Errors
    /// The file ends within it, or what stands there is no message of ours.
    pub(super) fn next(&mut self) -> Result<Frame> {
        if self.left() == 0 {
            return Ok(Frame::Nothing);
        }
        let missing = 8_u64.saturating_sub(self.left());
        let head = self.take(8 - missing, "a message")?;
        let (mark, length) = head.split_at(head.len().min(CONTINUATION.len()));
        ensure!(
            CONTINUATION.starts_with(mark),
            "no message begins where one should"
        );
        self.has_mark = true;
        ensure!(
            missing == 0,
            "the file ends within a message: {missing} bytes are missing"
        );
        let length = u32::from_le_bytes(length.try_into().context("a message has no length")?);
        if length == 0 {
            return Ok(Frame::End);
        }
        ensure!(
            u64::from(length) <= METADATA_BYTES_MAX,
            "a message says it has {length} bytes of metadata"
        );
        let metadata = self.take(u64::from(length), "a message")?.to_vec();
        let Ok(message) = root_as_message(&metadata) else {
            bail!("a message is damaged");
        };
        let body_bytes =
            u64::try_from(message.bodyLength()).context("a batch has fewer than no bytes")?;
        ensure!(
            body_bytes <= BODY_BYTES_MAX,
            "a batch says it has {body_bytes} bytes"
        );
        Ok(Frame::Message {
            metadata,
            body_bytes,
        })
    }

    /// The body of the message before.
    ///
    /// # Errors
    /// The file ends within it.
    pub(super) fn body(&mut self, bytes: u64) -> Result<Buffer> {
        self.take(bytes, "a batch")
    }

    /// Passes over the body of the message before.
    ///
    /// # Errors
    /// See [`body`](Self::body).
    pub(super) fn pass_body(&mut self, bytes: u64) -> Result<()> {
        self.has_left(bytes, "a batch")?;
        self.input.pass(bytes)?;
        self.read += bytes;
        Ok(())
    }

    fn has_left(&self, bytes: u64, what: &str) -> Result<()> {
        let left = self.left();
        ensure!(
            bytes <= left,
            "the file ends within {what}: {} bytes are missing",
            bytes - left
        );
        Ok(())
    }

    fn take(&mut self, bytes: u64, what: &str) -> Result<Buffer> {
        self.has_left(bytes, what)?;
        let mut buffer = MutableBuffer::from_len_zeroed(usize::try_from(bytes)?);
        self.input.read_exact(buffer.as_slice_mut())?;
        self.read += bytes;
        Ok(buffer.into())
    }
}
