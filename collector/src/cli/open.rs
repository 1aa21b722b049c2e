//! `open`: the page on a recording.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};

use super::{Exit, args::Page, page, say::say, signals::EndSignals};
use crate::{
    attach::drop_all,
    recording::Reader,
    serve::{Server, Shared},
    store::Store,
    text::{bytes, escape},
};

/// `waitscope open`
pub(super) fn open(file: &Path, page: &Page) -> Result<Exit> {
    drop_all()?;
    let mut reader = Reader::open(file)?;
    let mut store = Store::new(reader.trace().clone(), page.memory << 20);
    let progress = super::export::progress(reader.bytes_total(), "reading");
    while let Some(events) = reader.next_batch()? {
        store.extend(events);
        progress.set_position(reader.bytes_read());
    }
    progress.finish_and_clear();
    let name = file.display().to_string();
    let cut = reader.cut().map(ToString::to_string);
    if let Some(cut) = &cut {
        say(format_args!(
            "waitscope: {}: {}",
            escape(&name),
            escape(cut)
        ));
    }
    say(format_args!(
        "read {} from {}",
        bytes(reader.bytes_read()),
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
