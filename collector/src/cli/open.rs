//! `open`: the page on a recording.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};

use super::{Exit, args::Page, page, signals::EndSignals};
use crate::{
    recording::Reader,
    serve::{Server, Shared},
    store::Store,
    text::bytes,
};

/// `waitscope open`
pub(super) fn open(file: &Path, page: &Page) -> Result<Exit> {
    let mut reader = Reader::open(file)?;
    let mut store = Store::new(reader.trace().clone(), page.memory << 20);
    let progress = super::export::progress(reader.bytes_total(), "reading");
    while let Some(events) = reader.next_batch()? {
        store.extend(events);
        progress.set_position(reader.bytes_read());
    }
    progress.finish_and_clear();
    let cut = reader.cut().map(ToString::to_string);
    if let Some(cut) = &cut {
        eprintln!("waitscope: {}: {cut}", file.display());
    }
    eprintln!(
        "read {} from {}",
        bytes(reader.bytes_read()),
        file.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the server's loop")?;
    runtime.block_on(async {
        let mut signals = EndSignals::catch()?;
        let bound = Server::bind(page.listen).await?;
        page::announce(&bound.address());
        let shared = Arc::new(Shared::recorded(store, &file.display().to_string(), cut));
        bound
            .serve(shared, async move { signals.next().await })
            .await?;
        Ok(Exit::Done)
    })
}
