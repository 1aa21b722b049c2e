//! `open`: the page on a recording.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};

use super::{Exit, args::Page, page, say::say, signals::EndSignals};
use crate::{
    attach::drop_all,
    opened::{self, Opened},
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
    let Opened { store, cut, bytes } = opened?;
    // It ends with the program, if not before.
    std::thread::Builder::new()
        .name("fill".to_owned())
        .spawn(store.filler())
        .context("start a thread to read ahead")?;
    let name = file.display().to_string();
    let cut = cut.as_ref().map(ToString::to_string);
    if let Some(cut) = &cut {
        say(format_args!(
            "waitscope: {}: {}",
            escape(&name),
            escape(cut)
        ));
    }
    say(format_args!(
        "read {} from {}",
        text::bytes(bytes),
        escape(&name)
    ));
    let mut signals = EndSignals::catch()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the server's loop")?;
    runtime.block_on(async {
        let bound = Server::bind(page.listen).await?;
        page::announce(&bound.address());
        let shared = Arc::new(Shared::recorded(store, &name, cut));
        bound
            .serve(shared, async move { signals.first().await })
            .await?;
        Ok(Exit::Done)
    })
}
