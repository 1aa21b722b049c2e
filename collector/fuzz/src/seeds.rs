//! The inputs that a target begins with, made from the recordings that the tests keep.
//!
//! It must never touch what a run has found: it writes files of its own names only.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::MetadataVersion;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use waitscope::model::{End, Event, GLANCE_BITS, Piece, Run, Sketch, Sketcher};
use waitscope::recording::{Reader, Writer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A recording of each version before the one that is written now.
const OLDER: [(&str, &[u8]); 2] = [
    (
        "version-1",
        include_bytes!("../../tests/data/version-1.arrows"),
    ),
    (
        "version-2",
        include_bytes!("../../tests/data/version-2.arrows"),
    ),
];
/// Rows in a seed: few, since a fuzzer finds more in small inputs, and sooner.
const ROWS: usize = 24;
/// What the writer pads with.
const ALIGNMENT_BYTES: usize = 8;

/// Puts an input where libFuzzer looks for those of this target.
pub fn seed(target: &str, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&dir)?;
    let path = dir.join(name);
    fs::write(&path, bytes)?;
    Ok(path)
}

/// Puts recordings there: of every version, as they are written and not compressed.
pub fn recordings(target: &str) -> Result<()> {
    for (name, bytes) in OLDER {
        short(target, name, bytes)?;
    }
    let (_, before) = OLDER[1];
    let path = seed(target, "newest", &[])?;
    write(before, &path)?;
    short(target, "newest", &fs::read(path)?)
}

/// Puts notes there: what a few events of each recording are as they are, and summed.
pub fn notes(target: &str) -> Result<()> {
    for (name, bytes) in OLDER {
        let mut reader = Reader::new(Cursor::new(bytes), bytes.len() as u64)?;
        let mut sketcher = Sketcher::new(GLANCE_BITS);
        let mut ready = Vec::new();
        for event in reader
            .next_batch()?
            .unwrap_or_default()
            .into_iter()
            .take(ROWS)
        {
            match event {
                Event::Ready(found) => ready.push(found),
                Event::Call(call) => match Run::of_call(&call, GLANCE_BITS) {
                    Some(run) => sketcher.run(run),
                    None => sketcher.event(Event::Call(call)),
                },
                Event::OffCpu(span) => {
                    sketcher.off((&span).into());
                    sketcher.event(Event::OffCpu(span));
                }
                other => sketcher.event(other),
            }
        }
        let mut pieces: Vec<Piece> = sketcher.take();
        pieces.push(Piece::Event(Event::End(End::default())));
        let sketch = Sketch {
            bits: GLANCE_BITS,
            pieces,
            ready,
        };
        seed(target, name, &postcard::to_allocvec(&sketch)?)?;
    }
    Ok(())
}

/// Writes the first events of a recording as today's version.
fn write(recording: &'static [u8], path: &Path) -> Result<()> {
    let mut reader = Reader::new(Cursor::new(recording), recording.len() as u64)?;
    let mut writer = Writer::create(path, reader.trace())?;
    let events = reader.next_batch()?.unwrap_or_default();
    let is_end = |event: &Event| matches!(event, Event::End(_));
    let few: Vec<Event> = events.into_iter().filter(|event| !is_end(event)).collect();
    for part in few.chunks(ROWS).take(2) {
        writer.append(part)?;
        writer.flush()?;
    }
    writer.finish(End::default())?;
    Ok(())
}

/// Puts a few rows of a recording there, compressed and not.
fn short(target: &str, name: &str, recording: &[u8]) -> Result<()> {
    let batches = StreamReader::try_new(Cursor::new(recording), None)?
        .collect::<std::result::Result<Vec<RecordBatch>, _>>()?;
    for compression in [None, Some(arrow_ipc::CompressionType::ZSTD)] {
        let options = IpcWriteOptions::try_new(ALIGNMENT_BYTES, false, MetadataVersion::V5)?
            .try_with_compression(compression)?;
        let Some(first) = batches.first() else {
            return Err("a recording has no rows".into());
        };
        let schema = first.schema();
        let mut stream = StreamWriter::try_new_with_options(Vec::new(), &schema, options)?;
        for batch in batches.first().into_iter().chain(batches.last()) {
            stream.write(&batch.slice(0, batch.num_rows().min(ROWS)))?;
        }
        stream.finish()?;
        let form = if compression.is_some() {
            "packed"
        } else {
            "plain"
        };
        seed(target, &format!("{name}-{form}"), &stream.into_inner()?)?;
    }
    Ok(())
}
