//! A recording made of events, and what it is exported as.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::{TempDir, tempdir};
use waitscope::export::{Format, Range, Summary, export};
use waitscope::model::{Event, Trace};
use waitscope::recording::{Reader, Writer};

use super::honest::{end_of, honest, linked};
use super::{any_events, trace};

/// A recording of these events.
pub(crate) struct Recording {
    dir: TempDir,
    pub(crate) events: Vec<Event>,
}

impl Recording {
    pub(crate) fn new(events: Vec<Event>) -> Self {
        Self::of(&trace(), events)
    }

    pub(crate) fn of(trace: &Trace, events: Vec<Event>) -> Self {
        let dir = tempdir().unwrap();
        let mut writer = Writer::create(dir.path().join("a.arrows"), trace).unwrap();
        writer.append(&events).unwrap();
        writer.finish(end_of(&events)).unwrap();
        Self { dir, events }
    }

    pub(crate) fn honest() -> Self {
        Self::new(honest(21, 400))
    }

    pub(crate) fn linked() -> Self {
        Self::new(linked(24, 400))
    }

    pub(crate) fn senseless() -> Self {
        let mut events = honest(22, 10);
        events.extend(any_events(22, 3_000));
        Self::new(events)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("a.arrows")
    }

    /// Takes so many bytes off its end.
    pub(crate) fn cut(&self, bytes: usize) {
        let whole = std::fs::read(self.path()).unwrap();
        std::fs::write(self.path(), &whole[..whole.len() - bytes]).unwrap();
    }

    pub(crate) fn export(&self, format: Format) -> (Vec<u8>, Summary) {
        self.export_range(format, Range::default())
    }

    pub(crate) fn export_range(&self, format: Format, range: Range) -> (Vec<u8>, Summary) {
        let mut out = Vec::new();
        let mut told = (0, 0);
        let summary = export(
            || Reader::open(self.path()),
            format,
            range,
            &mut out,
            |done, all| {
                assert!(
                    done >= told.0 && done <= all,
                    "{done} of {all} after {told:?}"
                );
                told = (done, all);
                Ok(())
            },
        );
        assert_eq!(told.0, told.1, "progress ends at the end");
        (out, summary.unwrap())
    }

    pub(crate) fn export_file(&self, format: Format) -> PathBuf {
        self.file_of(&self.export(format).0)
    }

    pub(crate) fn file_of(&self, export: &[u8]) -> PathBuf {
        let path = self.dir.path().join("export");
        std::fs::write(&path, export).unwrap();
        path
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.export(Format::Json).0).unwrap()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    /// The report of the same recording.
    pub(crate) fn report(&self) -> Value {
        let report = waitscope::report::report(Reader::open(self.path()).unwrap()).unwrap();
        serde_json::to_value(report).unwrap()
    }
}
