//! `open`: the page on a recording.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};

use super::{Exit, args::Page, page, say::say, signals::EndSignals};
use crate::{
    attach::drop_all,
    opened::{self, Opened, Rest},
    serve::{Server, Shared},
    text::{self, escape},
};

/// `waitscope open`
pub(super) fn open(file: &Path, page: &Page) -> Result<Exit> {
    drop_all()?;
    let progress = super::export::progress(0, "reading");
    let opened = opened::open(file, page.memory << 20, |read, all| {
        progress.set_length(all);
        progress.set_position(read);
    });
    progress.finish_and_clear();
    let (Opened { store, cut, bytes }, rest) = opened?;
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
        let shared = Arc::new(Shared::recorded(store, &name, cut.clone()));
        let more = shared.clone();
        // It ends with the program, if not before.
        std::thread::Builder::new()
            .name("read".to_owned())
            .spawn(move || read(rest, &more, &name, cut.as_deref()))
            .context("start a thread to read the recording")?;
        bound
            .serve(shared, async move { signals.first().await })
            .await?;
        Ok(Exit::Done)
    })
}

/// Reads all of a recording that is shown at a glance until then, and has at hand what there is memory for.
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
    let fill = shared.store().filler();
    fill();
}

fn say_of(name: &str, what: &str) {
    say(format_args!(
        "waitscope: {}: {}",
        escape(name),
        escape(what)
    ));
}
