//! Giving up all rights, once the programs are attached and before anything else is done.
//!
//! Everything that reads files, speaks HTTP or starts threads runs after this. It must be called while
//! the process has one thread: capabilities are a thread's, not a process's.

use std::{env, ffi::CString, fs};

use anyhow::{Context as _, Result, ensure};
use caps::{CapSet, Capability};
use nix::{
    sys::prctl,
    unistd::{Gid, Uid, User, initgroups, setgroups, setresgid, setresuid},
};

/// Becomes the user who called `sudo` (if one did), without any capability, for good.
pub fn drop_all() -> Result<()> {
    let threads = fs::read_dir("/proc/self/task")
        .context("count the own threads")?
        .count();
    ensure!(
        threads == 1,
        "drop all rights: {threads} threads have them, and only one can be asked"
    );
    prctl::set_no_new_privs().context("forbid new rights")?;
    caps::clear(None, CapSet::Ambient).context("drop the ambient capabilities")?;
    let bounded = caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(false);
    if bounded {
        caps::clear(None, CapSet::Bounding).context("drop the bounding capabilities")?;
    }
    become_invoking_user()?;
    for set in [CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        caps::clear(None, set).with_context(|| format!("drop the {set:?} capabilities"))?;
    }
    let mut sets = vec![
        CapSet::Effective,
        CapSet::Permitted,
        CapSet::Inheritable,
        CapSet::Ambient,
    ];
    // Who never could drop these has no way to use them either.
    sets.extend(bounded.then_some(CapSet::Bounding));
    for set in sets {
        let left =
            caps::read(None, set).with_context(|| format!("read the {set:?} capabilities"))?;
        ensure!(
            left.is_empty(),
            "drop all rights: {left:?} is still {set:?}"
        );
    }
    Ok(())
}

/// Becomes the user who called `sudo`, with that user's groups, and tells who that is, if the system
/// knows. Does nothing without `sudo`.
pub fn become_invoking_user() -> Result<Option<User>> {
    let Some((uid, gid)) = invoking_user().filter(|_| Uid::effective().is_root()) else {
        return Ok(None);
    };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let user = User::from_uid(uid).with_context(|| format!("look up user {uid}"))?;
    match &user {
        Some(user) => {
            let name = CString::new(user.name.as_bytes()).context("name the invoking user")?;
            initgroups(&name, gid).with_context(|| format!("join the groups of {}", user.name))?;
        }
        None => setgroups(&[gid]).context("leave root's groups")?,
    }
    setresgid(gid, gid, gid).with_context(|| format!("become group {gid}"))?;
    setresuid(uid, uid, uid).with_context(|| format!("become user {uid}"))?;
    Ok(user)
}

/// Whom `sudo` says it runs for, by user and group id.
pub fn invoking_user() -> Option<(u32, u32)> {
    let id = |name: &str| env::var(name).ok()?.parse().ok();
    Some((id("SUDO_UID")?, id("SUDO_GID")?))
}
