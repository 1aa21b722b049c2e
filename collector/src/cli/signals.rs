//! Ctrl-C and SIGTERM: the first ends tracing in order, a second ends the program at once.

use anyhow::{Context as _, Result};
use nix::sys::{
    signal::{SigSet, Signal as Number},
    signalfd::{SfdFlags, SignalFd},
};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::Exit;

/// Whether the program has been asked to end.
pub(super) struct EndSignals {
    asked: watch::Receiver<bool>,
}

impl EndSignals {
    /// From now on, the first signal ends nothing by itself.
    ///
    /// It is a thread of its own that listens: the second signal must end the program whatever the others
    /// are waiting for. So rights must have been dropped before.
    pub(super) fn catch() -> Result<Self> {
        let listener = runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("listen for signals")?;
        let (interrupt, terminate) = {
            let _inside = listener.enter();
            (
                signal(SignalKind::interrupt()).context("catch SIGINT")?,
                signal(SignalKind::terminate()).context("catch SIGTERM")?,
            )
        };
        let (sender, asked) = watch::channel(false);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || listener.block_on(listen(interrupt, terminate, sender)))
            .context("start the thread that listens for signals")?;
        Ok(Self { asked })
    }

    /// Whether one has come.
    pub(super) fn have_come(&self) -> bool {
        *self.asked.borrow()
    }

    /// Returns when one has come.
    pub(super) async fn first(&mut self) {
        // An error means that the listener is gone, which ends with the program only.
        let _ = self.asked.wait_for(|&asked| asked).await;
    }
}

/// The same for who may not start a thread, because it still has rights: whoever holds it looks often.
pub(super) struct HeldSignals {
    set: SigSet,
    pending: SignalFd,
    asked: bool,
}

impl HeldSignals {
    /// From now on, the first signal ends nothing by itself. Programs that are started get signals as ever.
    pub(super) fn hold() -> Result<Self> {
        let mut set = SigSet::empty();
        set.add(Number::SIGINT);
        set.add(Number::SIGTERM);
        set.thread_block().context("hold back SIGINT and SIGTERM")?;
        let pending = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        Ok(Self {
            set,
            pending: pending.context("hold back SIGINT and SIGTERM")?,
            asked: false,
        })
    }

    /// Whether one has come. The next one ends the program at once.
    pub(super) fn have_come(&mut self) -> Result<bool> {
        let look = "look for SIGINT and SIGTERM";
        if !self.asked && self.pending.read_signal().context(look)?.is_some() {
            self.asked = true;
            self.set.thread_unblock().context(look)?;
        }
        Ok(self.asked)
    }
}

async fn listen(mut interrupt: Signal, mut terminate: Signal, asked: watch::Sender<bool>) {
    next(&mut interrupt, &mut terminate).await;
    asked.send_replace(true);
    next(&mut interrupt, &mut terminate).await;
    // Without a word: it might be words that the others hang in.
    std::process::exit(Exit::Failed as i32);
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
