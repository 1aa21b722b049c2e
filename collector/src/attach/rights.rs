//! Giving up all rights, once the programs are attached and before anything else is done.
//!
//! Everything that reads files, speaks HTTP or starts threads runs after this. It must be called while
//! the process has one thread: capabilities are a thread's, not a process's.

use anyhow::{Context as _, Result, ensure};
use caps::CapSet;
use nix::unistd::{Gid, Uid, User, setgroups, setresgid, setresuid};

/// Becomes the user who called `sudo` (if one did), without any capability, for good.
pub fn drop_all() -> Result<()> {
    nix::sys::prctl::set_no_new_privs().context("forbid new rights")?;
    caps::clear(None, CapSet::Ambient).context("drop the ambient capabilities")?;
    if let Ok(true) = caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP) {
        caps::clear(None, CapSet::Bounding).context("drop the bounding capabilities")?;
    }
    if Uid::effective().is_root()
        && let Some((uid, gid)) = invoking_user()
    {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        setgroups(&[gid]).context("drop root's groups")?;
        setresgid(gid, gid, gid).with_context(|| format!("become group {gid}"))?;
        setresuid(uid, uid, uid).with_context(|| format!("become user {uid}"))?;
    }
    for set in [CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        caps::clear(None, set).with_context(|| format!("drop the {set:?} capabilities"))?;
    }
    for set in [
        CapSet::Effective,
        CapSet::Permitted,
        CapSet::Inheritable,
        CapSet::Ambient,
    ] {
        let left =
            caps::read(None, set).with_context(|| format!("read the {set:?} capabilities"))?;
        ensure!(
            left.is_empty(),
            "drop all rights: {left:?} is still {set:?}"
        );
    }
    Ok(())
}

/// Whom `sudo` says it runs for, by user and group id.
pub fn invoking_user() -> Option<(u32, u32)> {
    let uid = Uid::from_raw(std::env::var("SUDO_UID").ok()?.parse().ok()?);
    let user = User::from_uid(uid).ok()??;
    Some((uid.as_raw(), user.gid.as_raw()))
}
