//! Has what was written put on the disk, in a thread of its own: a disk that is busy must never stall who writes.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The thread, and what it has to say.
pub(super) struct Disk {
    /// One wish may wait while another is under way: more would be the same wish.
    wish: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Disk {
    /// Starts it, for this file.
    pub(super) fn start(file: File) -> io::Result<Self> {
        let (wish, wishes) = sync_channel(1);
        let failed = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&failed);
        let thread = std::thread::Builder::new()
            .name("waitscope-disk".to_owned())
            .spawn(move || fulfil(&file, &wishes, &tell))?;
        Ok(Self {
            wish: Some(wish),
            thread: Some(thread),
            failed,
        })
    }

    /// Wishes that all that was written be on the disk soon.
    ///
    /// # Errors
    /// An earlier wish could not be fulfilled.
    pub(super) fn sync(&self) -> io::Result<()> {
        if let Some(wish) = &self.wish {
            match wish.try_send(()) {
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
        let failed = self.failed.lock();
        let failed = failed.unwrap_or_else(PoisonError::into_inner).take();
        failed.map_or(Ok(()), Err)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.wish = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ended = thread.join();
        }
    }
}

fn fulfil(file: &File, wishes: &Receiver<()>, tell: &Mutex<Option<io::Error>>) {
    while wishes.recv().is_ok() {
        if let Err(error) = file.sync_data() {
            *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return;
        }
    }
}
