//! `open`: the page on a recording.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{Exit, args::Page, page, say::say, signals::EndSignals};
use crate::{
    attach::drop_all,
    diff::{self, Diff},
    export::Source,
    opened::{self, Opened, Rest},
    reading::Reading,
    recording::Reader,
    report,
    serve::{Comparison, Exports, Reports, Server, Shared},
    text::{self, escape},
};

/// How much (as `nice` counts it) threads give way that read the recording for an answer: a browser that must wait for the CPU
/// shows nothing at all, one that waits for an answer shows what it has.
const ANSWERS_ASIDE: i32 = 5;
/// The same of those that read all of it, which nobody waits for.
const READING_ASIDE: i32 = 15;

/// While somebody moves about on the page, those rest for so long after each part that they read, as many times as long as
/// it took. `nice` alone counts for little where the kernel groups threads by session, and the browser is in another.
const GIVEN_PARTS: u32 = 4;
const GIVEN_MOST: Duration = Duration::from_millis(100);

/// `waitscope open`
pub(super) fn open(file: &Path, against: Option<&Path>, page: &Page) -> Result<Exit> {
    drop_all()?;
    // Opened before the store is filled: whatever takes the file's name meanwhile is not what is reported on, nor exported.
    let reader = Reader::open(file)?;
    let exports = Exports::recorded(Source::open(file)?);
    let against = against
        .map(|before| Against::open(before, file))
        .transpose()?;
    let progress = super::export::progress(0, "reading");
    let opened = opened::open(file, page.memory << 20, |read, all| {
        progress.set_length(all);
        progress.set_position(read);
    });
    progress.finish_and_clear();
    let (Opened { store, cut, bytes }, rest) = opened?;
    let reading = Arc::new(Reading::default());
    let reports = Reports::of_recording(Arc::clone(&reading));
    let name = file.display().to_string();
    let cut = cut.as_ref().map(ToString::to_string);
    if let Some(cut) = &cut {
        say_of(&name, cut);
    }
    say(format_args!(
        "opened {}, {}",
        escape(&name),
        text::bytes(bytes)
    ));
    let mut signals = EndSignals::catch()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(|| step_aside(ANSWERS_ASIDE))
        .build()
        .context("start the server's loop")?;
    runtime.block_on(async {
        let bound = Server::bind(page.listen).await?;
        page::announce(&bound.address());
        let shared = Shared::recorded(store, &name, cut.clone(), reports).exporting(exports);
        let shared = match &against {
            Some(against) => shared.compared(against.comparison.clone()),
            None => shared,
        };
        let shared = Arc::new(shared);
        let more = shared.clone();
        // It ends with the program, if not before.
        std::thread::Builder::new()
            .name("read".to_owned())
            .spawn(move || {
                step_aside(READING_ASIDE);
                let mut pace = Pace::of(&more);
                read(rest, &more, &name, cut.as_deref(), &mut pace);
                reading.run(|progress| {
                    report::sum_up(reader, &mut |read, all| {
                        progress(read, all);
                        pace.step();
                    })
                });
                if let Some(against) = against
                    && let Err(error) = against.begin()
                {
                    say_of(&name, &format!("{error:#}"));
                }
                let fill = more.store().filler();
                fill(&mut || pace.step());
            })
            .context("start a thread to read the recording")?;
        bound
            .serve(shared, async move { signals.first().await })
            .await?;
        Ok(Exit::Done)
    })
}

/// Another recording, with which the one that is shown is compared: both opened, neither read.
struct Against {
    readers: [Reader; 2],
    comparison: Comparison,
    reading: Arc<Reading<Diff>>,
}

impl Against {
    fn open(before: &Path, shown: &Path) -> Result<Self> {
        let readers = [Reader::open(before)?, Reader::open(shown)?];
        let reading = Arc::new(Reading::default());
        let names = [before, shown].map(|path| path.display().to_string());
        let [before, shown] = &names;
        Ok(Self {
            readers,
            comparison: Comparison::new(before, shown, Arc::clone(&reading)),
            reading,
        })
    }

    /// Compares them on a thread, which ends with the program, if not before.
    fn begin(self) -> Result<()> {
        let [before, shown] = self.readers;
        let reading = self.reading;
        std::thread::Builder::new()
            .name("compare".to_owned())
            .spawn(move || reading.run(|progress| diff::diff(before, shown, progress)))
            .context("start a thread to compare recordings")?;
        Ok(())
    }
}

/// Reads all of a recording that is shown at a glance until then.
fn read(rest: Rest, shared: &Shared, name: &str, told: Option<&str>, pace: &mut Pace<'_>) {
    match rest.read(|_, _| pace.step()) {
        Ok(Opened { store, cut, .. }) => {
            let cut = cut.as_ref().map(ToString::to_string);
            if let Some(cut) = &cut
                && told != Some(cut)
            {
                say_of(name, cut);
            }
            shared.replace(store, cut);
        }
        // What there is shows all of it, if slowly.
        Err(error) => say_of(name, &format!("{error:#}")),
    }
}

/// How fast something is read that nobody waits for, part by part.
struct Pace<'a> {
    shared: &'a Shared,
    last: Instant,
}

impl<'a> Pace<'a> {
    fn of(shared: &'a Shared) -> Self {
        let last = Instant::now();
        Self { shared, last }
    }

    /// A part is read: rests, if somebody moves about on the page.
    fn step(&mut self) {
        if self.shared.is_asked() {
            std::thread::sleep((self.last.elapsed() * GIVEN_PARTS).min(GIVEN_MOST));
        }
        self.last = Instant::now();
    }
}

/// Lets this thread, and those that it starts, give way to others. Where that is not allowed, all goes on as well.
fn step_aside(by: i32) {
    let _ = rustix::process::nice(by);
}

fn say_of(name: &str, what: &str) {
    say(format_args!(
        "waitscope: {}: {}",
        escape(name),
        escape(what)
    ));
}
