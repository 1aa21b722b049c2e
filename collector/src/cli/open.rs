//! `open`: the page on a recording.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};

use super::{Exit, args::Page, page, say::say, signals::EndSignals};
use crate::{
    attach::drop_all,
    opened::{self, Opened, Rest},
    recording::Reader,
    report::Reading,
    serve::{Reports, Server, Shared},
    text::{self, escape},
};

/// `waitscope open`
pub(super) fn open(file: &Path, page: &Page) -> Result<Exit> {
    drop_all()?;
    // Opened before the store is filled: whatever takes the file's name meanwhile is not what is reported on.
    let reader = Reader::open(file)?;
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
        .build()
        .context("start the server's loop")?;
    runtime.block_on(async {
        let bound = Server::bind(page.listen).await?;
        page::announce(&bound.address());
        let shared = Arc::new(Shared::glanced(store, &name, cut.clone(), reports));
        let more = shared.clone();
        // It ends with the program, if not before.
        std::thread::Builder::new()
            .name("read".to_owned())
            .spawn(move || {
                read(rest, &more, &name, cut.as_deref());
                reading.run(reader);
                let fill = more.store().filler();
                fill();
            })
            .context("start a thread to read the recording")?;
        bound
            .serve(shared, async move { signals.first().await })
            .await?;
        Ok(Exit::Done)
    })
}

/// Reads all of a recording that is shown at a glance until then.
fn read(rest: Rest, shared: &Shared, name: &str, told: Option<&str>) {
    match rest.read(|_, _| {}) {
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

fn say_of(name: &str, what: &str) {
    say(format_args!(
        "waitscope: {}: {}",
        escape(name),
        escape(what)
    ));
}
