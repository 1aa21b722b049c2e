//! Events to rows and back, without losing anything.
//!
//! The words in a recording are a promise to programs that read it: none may change.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail, ensure};

use super::column::NAME_BYTES_MAX;
use super::schema::{Cells, Fill, Row};
use super::set::Entry;
use crate::model::{
    Call, Context, Copying, Descriptor, DescriptorKind, End, Event, Gap, Life, LifeKind, OffCpu,
    OpenThread, Ready, Request, Timeout, Waker,
};

const LIVES: [(LifeKind, &str); 5] = [
    (LifeKind::Found, "found"),
    (LifeKind::Began, "began"),
    (LifeKind::Exec, "exec"),
    (LifeKind::Renamed, "renamed"),
    (LifeKind::Ended, "ended"),
];

/// Appends the row of an event to a batch. `call_name` is the name that belongs to the event's syscall number, or to
/// its operation.
///
/// One push for each kind, so that the compiler sees which cells are empty: with one for all, each row was laid out in
/// memory and asked for every column.
pub(super) fn push<'a>(
    event: &'a Event,
    call_name: Option<&'a str>,
    fill: &mut Fill,
) -> Result<()> {
    match event {
        Event::Call(call) => fill.push(call_row(call, call_name)),
        Event::OffCpu(span) => fill.push(span_row(span)?),
        Event::Life(life) => fill.push(life_row(life)?),
        Event::Descriptor(descriptor) => fill.push(descriptor_row(descriptor)?),
        Event::Ready(ready) => push_set(*ready, &[entry(*ready)], fill),
        Event::Request(request) => fill.push(request_row(*request, call_name)),
        Event::Gap(gap) => fill.push(gap_row(*gap)),
        Event::Open(open) => fill.push(open_row(*open, call_name)),
        Event::End(end) => fill.push(end_row(*end)),
    }
    Ok(())
}

/// Appends one row for all that a readiness call waited for and found: `of` is one of them.
pub(super) fn push_set(of: Ready, entries: &[Entry], fill: &mut Fill) {
    fill.push(Row {
        kind: Some("ready"),
        pid: Some(of.pid),
        tid: Some(of.tid),
        start_ns: Some(of.call_start_ns),
        descriptors: Some(Cow::Borrowed(entries)),
        ..Row::default()
    });
}

/// Appends the events of a row to `events`: one, but for a set.
///
/// One row for each kind, so that the compiler sees which cells are asked for: with one for all, every cell of each row
/// was read, and an event took three times as long.
///
/// # Errors
/// The row's kind is not known, or a cell that such a row must have is empty or makes no sense.
pub(super) fn events(cells: &Cells, at: usize, events: &mut Vec<Event>) -> Result<()> {
    read(cells, at, events).with_context(|| format!("row {at} of a batch is damaged"))
}

#[inline(always)]
fn read(cells: &Cells, at: usize, events: &mut Vec<Event>) -> Result<()> {
    events.push(match cells.row(at).kind.context("the kind is empty")? {
        "call" => Event::Call(call(&cells.row(at))?),
        "offcpu" => Event::OffCpu(span(&cells.row(at))?),
        "life" => Event::Life(life(&cells.row(at))?),
        "descriptor" => Event::Descriptor(descriptor(&cells.row(at))?),
        "ready" => return set(&cells.row(at), events),
        "request" => Event::Request(request(&cells.row(at))?),
        "gap" => Event::Gap(gap(&cells.row(at))?),
        "open" => Event::Open(open(&cells.row(at))?),
        "end" => Event::End(end(&cells.row(at))?),
        other => bail!("the kind {other:?} is not known"),
    });
    Ok(())
}

fn call_row<'a>(call: &Call, name: Option<&'a str>) -> Row<'a> {
    // A new field must be given a column here.
    let Call {
        pid,
        tid,
        cpu,
        nr,
        start_ns,
        end_ns,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        copying,
        sleeps,
        preemptions,
        first_sleep_ns,
        last_wake_ns,
        waker,
        fd,
        descriptor,
        ready_delay_ns,
        requested,
        timeout,
        ret,
        began_before,
        killed,
        continues,
        unseen,
        others,
        other_ns,
    } = *call;
    let (timeout, timeout_ns) = timeout_cells(timeout);
    let copy_start_ns = copying.start_ns();
    let phases_ns = [kernel_ns, blocked_ns, runnable_ns, copying_ns];
    Row {
        kind: Some("call"),
        pid: Some(pid),
        tid: Some(tid),
        cpu: Some(cpu),
        nr: Some(nr),
        call: name,
        start_ns: Some(start_ns),
        // Both would say once more what the phases say, and nothing in a row takes more room.
        end_ns: Some(end_ns).filter(|_| end_by_phases(start_ns, phases_ns) != Some(end_ns)),
        copy_start_ns: copy_start_ns.filter(|_| end_ns.checked_sub(copying_ns) != copy_start_ns),
        kernel_ns: Some(kernel_ns),
        blocked_ns: Some(blocked_ns),
        runnable_ns: Some(runnable_ns),
        copying_ns: Some(copying_ns),
        copying: Some(match copying {
            Copying::None => "none",
            Copying::Seen(_) => "seen",
            Copying::Inferred(_) => "inferred",
        }),
        sleeps: Some(sleeps),
        preemptions: Some(preemptions),
        first_sleep_ns,
        last_wake_ns,
        waker_tid: waker.map(|waker| waker.tid),
        waker_pid: waker.map(|waker| waker.pid),
        waker_context: waker.map(|waker| waker.context.word()),
        fd,
        descriptor,
        ready_delay_ns,
        requested,
        timeout,
        timeout_ns,
        ret,
        began_before: Some(began_before),
        killed: Some(killed),
        continues: Some(continues),
        unseen: Some(unseen),
        others: Some(others),
        other_ns: Some(other_ns),
        ..Row::default()
    }
}

/// When a call ended, as its start and its phases say.
fn end_by_phases(start_ns: u64, phases_ns: [u64; 4]) -> Option<u64> {
    let mut phases_ns = phases_ns.into_iter();
    phases_ns.try_fold(start_ns, u64::checked_add)
}

/// When a call ended, which is said only where its phases do not say it.
#[inline(always)]
pub(super) fn end_of_call(start_ns: u64, phases_ns: [u64; 4], told_ns: Option<u64>) -> Result<u64> {
    let end_ns = told_ns.or_else(|| end_by_phases(start_ns, phases_ns));
    end_ns.context("the phases are too long")
}

/// When copying began, which is not said if it was the last thing the call did, and all in one go.
#[inline(always)]
pub(super) fn copying(
    word: Option<&str>,
    copying_ns: u64,
    end_ns: u64,
    told_ns: Option<u64>,
) -> Result<Copying> {
    let at_ns = told_ns.or_else(|| end_ns.checked_sub(copying_ns));
    Ok(match (word, at_ns) {
        (Some("none"), _) if told_ns.is_none() => Copying::None,
        (Some("seen"), Some(at_ns)) => Copying::Seen(at_ns),
        (Some("inferred"), Some(at_ns)) => Copying::Inferred(at_ns),
        (word, at_ns) => bail!("copying {word:?} from {at_ns:?} makes no sense"),
    })
}

#[inline(always)]
fn call(row: &Row<'_>) -> Result<Call> {
    let start_ns = row.start_ns.context("start_ns is empty")?;
    let kernel_ns = row.kernel_ns.context("kernel_ns is empty")?;
    let blocked_ns = row.blocked_ns.context("blocked_ns is empty")?;
    let runnable_ns = row.runnable_ns.context("runnable_ns is empty")?;
    let copying_ns = row.copying_ns.context("copying_ns is empty")?;
    let phases_ns = [kernel_ns, blocked_ns, runnable_ns, copying_ns];
    let end_ns = end_of_call(start_ns, phases_ns, row.end_ns)?;
    Ok(Call {
        pid: row.pid.context("pid is empty")?,
        tid: row.tid.context("tid is empty")?,
        cpu: row.cpu.context("cpu is empty")?,
        nr: row.nr.context("nr is empty")?,
        start_ns,
        end_ns,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        copying: copying(row.copying, copying_ns, end_ns, row.copy_start_ns)?,
        sleeps: row.sleeps.context("sleeps is empty")?,
        preemptions: row.preemptions.context("preemptions is empty")?,
        first_sleep_ns: row.first_sleep_ns,
        last_wake_ns: row.last_wake_ns,
        waker: waker(row.waker_tid, row.waker_pid, row.waker_context)?,
        fd: row.fd,
        descriptor: row.descriptor,
        ready_delay_ns: row.ready_delay_ns,
        requested: row.requested,
        timeout: timeout(row.timeout, row.timeout_ns)?,
        ret: row.ret,
        began_before: row.began_before.context("began_before is empty")?,
        killed: row.killed.context("killed is empty")?,
        continues: row.continues.context("continues is empty")?,
        // Version 1 did not look.
        unseen: row.unseen.unwrap_or(false),
        others: row.others.context("others is empty")?,
        other_ns: row.other_ns.context("other_ns is empty")?,
    })
}

fn span_row(span: &OffCpu) -> Result<Row<'_>> {
    let OffCpu {
        pid,
        tid,
        cpu,
        start_ns,
        woken_ns,
        end_ns,
        times,
        unseen,
        in_call,
        state,
        waker,
        ref waker_comm,
    } = *span;
    Ok(Row {
        kind: Some("offcpu"),
        pid: Some(pid),
        tid: Some(tid),
        cpu: Some(cpu),
        start_ns: Some(start_ns),
        woken_ns,
        end_ns: Some(end_ns),
        times: Some(times),
        unseen: Some(unseen),
        in_call: Some(in_call),
        state: Some(state),
        waker_tid: waker.map(|waker| waker.tid),
        waker_pid: waker.map(|waker| waker.pid),
        waker_context: waker.map(|waker| waker.context.word()),
        waker_name: Some(short(waker_comm)?),
        ..Row::default()
    })
}

#[inline(always)]
fn span(row: &Row<'_>) -> Result<OffCpu> {
    Ok(OffCpu {
        pid: row.pid.context("pid is empty")?,
        tid: row.tid.context("tid is empty")?,
        cpu: row.cpu.context("cpu is empty")?,
        start_ns: row.start_ns.context("start_ns is empty")?,
        woken_ns: row.woken_ns,
        end_ns: row.end_ns.context("end_ns is empty")?,
        // Version 1 knew of no other.
        times: row.times.unwrap_or(1),
        unseen: row.unseen.unwrap_or(false),
        in_call: row.in_call.context("in_call is empty")?,
        state: row.state.context("state is empty")?,
        waker: waker(row.waker_tid, row.waker_pid, row.waker_context)?,
        waker_comm: short(row.waker_name.context("waker_name is empty")?)?.to_owned(),
    })
}

fn life_row(life: &Life) -> Result<Row<'_>> {
    let Life {
        pid,
        tid,
        at_ns,
        kind,
        ref name,
    } = *life;
    Ok(Row {
        kind: Some("life"),
        pid: Some(pid),
        tid: Some(tid),
        start_ns: Some(at_ns),
        life: LIVES
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, word)| *word),
        name: Some(short(name)?),
        ..Row::default()
    })
}

#[inline(always)]
fn life(row: &Row<'_>) -> Result<Life> {
    let word = row.life.context("life is empty")?;
    let kind = LIVES
        .iter()
        .find(|(_, known)| *known == word)
        .map(|(kind, _)| *kind);
    Ok(Life {
        pid: row.pid.context("pid is empty")?,
        tid: row.tid.context("tid is empty")?,
        at_ns: row.start_ns.context("start_ns is empty")?,
        kind: kind.with_context(|| format!("life {word:?} is not known"))?,
        name: short(row.name.context("name is empty")?)?.to_owned(),
    })
}

fn descriptor_row(descriptor: &Descriptor) -> Result<Row<'_>> {
    let Descriptor {
        id,
        pid,
        fd,
        kind,
        ref name,
        ref local,
        ref peer,
        peer_pid,
        object,
        opened_ns,
        closed_ns,
    } = *descriptor;
    Ok(Row {
        kind: Some("descriptor"),
        descriptor: Some(id),
        pid: Some(pid),
        fd: Some(fd),
        descriptor_kind: Some(kind.word()),
        name: Some(short(name)?),
        local: local.as_deref().map(short).transpose()?,
        peer: peer.as_deref().map(short).transpose()?,
        peer_pid,
        object: Some(object),
        start_ns: opened_ns,
        end_ns: closed_ns,
        ..Row::default()
    })
}

#[inline(always)]
fn descriptor(row: &Row<'_>) -> Result<Descriptor> {
    let word = row.descriptor_kind.context("descriptor_kind is empty")?;
    let kind = DescriptorKind::ALL.iter().find(|(_, known)| *known == word);
    let (kind, _) = kind.with_context(|| format!("descriptor_kind {word:?} is not known"))?;
    Ok(Descriptor {
        id: row.descriptor.context("descriptor is empty")?,
        pid: row.pid.context("pid is empty")?,
        fd: row.fd.context("fd is empty")?,
        kind: *kind,
        name: short(row.name.context("name is empty")?)?.to_owned(),
        local: row.local.map(short).transpose()?.map(str::to_owned),
        peer: row.peer.map(short).transpose()?.map(str::to_owned),
        peer_pid: row.peer_pid,
        object: row.object.context("object is empty")?,
        opened_ns: row.start_ns,
        closed_ns: row.end_ns,
    })
}

/// What a set holds of a descriptor.
pub(super) fn entry(ready: Ready) -> Entry {
    // Those of the call are in the row.
    let Ready {
        pid: _,
        tid: _,
        call_start_ns: _,
        fd,
        descriptor,
        asked,
        ready,
    } = ready;
    Entry {
        fd,
        descriptor,
        asked,
        ready,
    }
}

fn set(row: &Row<'_>, events: &mut Vec<Event>) -> Result<()> {
    let pid = row.pid.context("pid is empty")?;
    let tid = row.tid.context("tid is empty")?;
    let call_start_ns = row.start_ns.context("start_ns is empty")?;
    let event = |entry: Entry| {
        Event::Ready(Ready {
            pid,
            tid,
            call_start_ns,
            fd: entry.fd,
            descriptor: entry.descriptor,
            asked: entry.asked,
            ready: entry.ready,
        })
    };
    match &row.descriptors {
        Some(entries) => events.extend(entries.iter().copied().map(event)),
        // Version 2 had a row for each.
        None => events.push(event(Entry {
            fd: row.fd,
            descriptor: row.descriptor,
            asked: row.asked,
            ready: row.ready.context("ready is empty")?,
        })),
    }
    Ok(())
}

fn request_row(request: Request, name: Option<&str>) -> Row<'_> {
    let Request {
        pid,
        tid,
        ring,
        opcode,
        fd,
        descriptor,
        submit_ns,
        complete_ns,
        user_data,
        ret,
        shot,
        more,
    } = request;
    Row {
        kind: Some("request"),
        pid: Some(pid),
        tid: Some(tid),
        ring,
        opcode: Some(opcode),
        operation: name,
        fd,
        descriptor,
        start_ns: submit_ns,
        end_ns: complete_ns,
        user_data: Some(user_data),
        ret: ret.map(i64::from),
        shot: Some(shot),
        more: Some(more),
        ..Row::default()
    }
}

#[inline(always)]
fn request(row: &Row<'_>) -> Result<Request> {
    let ret = row.ret.map(i32::try_from).transpose();
    Ok(Request {
        pid: row.pid.context("pid is empty")?,
        tid: row.tid.context("tid is empty")?,
        ring: row.ring,
        opcode: row.opcode.context("opcode is empty")?,
        fd: row.fd,
        descriptor: row.descriptor,
        submit_ns: row.start_ns,
        complete_ns: row.end_ns,
        user_data: row.user_data.context("user_data is empty")?,
        ret: ret.context("ret is too large for a request")?,
        shot: row.shot.context("shot is empty")?,
        more: row.more.context("more is empty")?,
    })
}

fn gap_row<'a>(gap: Gap) -> Row<'a> {
    let Gap {
        cpu,
        start_ns,
        end_ns,
        lost,
    } = gap;
    Row {
        kind: Some("gap"),
        cpu: Some(cpu),
        start_ns: Some(start_ns),
        end_ns: Some(end_ns),
        lost: Some(lost),
        ..Row::default()
    }
}

#[inline(always)]
fn gap(row: &Row<'_>) -> Result<Gap> {
    Ok(Gap {
        cpu: row.cpu.context("cpu is empty")?,
        start_ns: row.start_ns.context("start_ns is empty")?,
        end_ns: row.end_ns.context("end_ns is empty")?,
        lost: row.lost.context("lost is empty")?,
    })
}

fn open_row(open: OpenThread, name: Option<&str>) -> Row<'_> {
    let OpenThread {
        pid,
        tid,
        at_ns,
        nr,
        since_ns,
        fd,
        began_before,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        off_since_ns,
        woken_ns,
    } = open;
    Row {
        kind: Some("open"),
        pid: Some(pid),
        tid: Some(tid),
        start_ns: Some(since_ns),
        end_ns: Some(at_ns),
        in_call: Some(nr.is_some()),
        nr: nr.flatten(),
        call: name,
        fd,
        began_before: Some(began_before),
        kernel_ns: Some(kernel_ns),
        blocked_ns: Some(blocked_ns),
        runnable_ns: Some(runnable_ns),
        copying_ns: Some(copying_ns),
        off_since_ns,
        woken_ns,
        ..Row::default()
    }
}

#[inline(always)]
fn open(row: &Row<'_>) -> Result<OpenThread> {
    let in_call = row.in_call.context("in_call is empty")?;
    ensure!(
        in_call || row.nr.is_none(),
        "a thread in no call has a syscall number"
    );
    Ok(OpenThread {
        pid: row.pid.context("pid is empty")?,
        tid: row.tid.context("tid is empty")?,
        at_ns: row.end_ns.context("end_ns is empty")?,
        nr: in_call.then_some(row.nr),
        since_ns: row.start_ns.context("start_ns is empty")?,
        fd: row.fd,
        began_before: row.began_before.context("began_before is empty")?,
        kernel_ns: row.kernel_ns.context("kernel_ns is empty")?,
        blocked_ns: row.blocked_ns.context("blocked_ns is empty")?,
        runnable_ns: row.runnable_ns.context("runnable_ns is empty")?,
        copying_ns: row.copying_ns.context("copying_ns is empty")?,
        off_since_ns: row.off_since_ns,
        woken_ns: row.woken_ns,
    })
}

fn end_row<'a>(end: End) -> Row<'a> {
    let End {
        at_ns,
        made,
        lost,
        untracked,
        compat,
        unseen,
    } = end;
    Row {
        kind: Some("end"),
        end_ns: Some(at_ns),
        made: Some(made),
        lost: Some(lost),
        untracked: Some(untracked),
        compat: Some(compat),
        unseen_count: Some(unseen),
        ..Row::default()
    }
}

#[inline(always)]
fn end(row: &Row<'_>) -> Result<End> {
    Ok(End {
        at_ns: row.end_ns.context("end_ns is empty")?,
        made: row.made.context("made is empty")?,
        lost: row.lost.context("lost is empty")?,
        untracked: row.untracked.context("untracked is empty")?,
        compat: row.compat.context("compat is empty")?,
        unseen: row.unseen_count.unwrap_or(0),
    })
}

fn timeout_cells(timeout: Timeout) -> (Option<&'static str>, Option<u64>) {
    match timeout {
        Timeout::Unknown => (None, None),
        Timeout::Infinite => (Some("infinite"), None),
        Timeout::Zero => (Some("zero"), Some(0)),
        Timeout::Nanos(nanos) => (Some("limited"), Some(nanos)),
    }
}

#[inline(always)]
pub(super) fn timeout(word: Option<&str>, nanos: Option<u64>) -> Result<Timeout> {
    Ok(match (word, nanos) {
        (None, None) => Timeout::Unknown,
        (Some("infinite"), None) => Timeout::Infinite,
        (Some("zero"), Some(0)) => Timeout::Zero,
        (Some("limited"), Some(nanos)) => Timeout::Nanos(nanos),
        (word, nanos) => bail!("timeout {word:?} of {nanos:?} makes no sense"),
    })
}

#[inline(always)]
pub(super) fn waker(
    tid: Option<u32>,
    pid: Option<u32>,
    context: Option<&str>,
) -> Result<Option<Waker>> {
    Ok(match (tid, pid, context) {
        (None, None, None) => None,
        (Some(tid), Some(pid), Some(word)) => {
            let context = Context::ALL.iter().find(|(_, known)| *known == word);
            let (context, _) =
                context.with_context(|| format!("waker_context {word:?} is not known"))?;
            Some(Waker {
                tid,
                pid,
                context: *context,
            })
        }
        _ => bail!("only part of the waker is there"),
    })
}

/// A reader must be able to hold any batch, so no name may be of any length.
pub(super) fn short(name: &str) -> Result<&str> {
    ensure!(
        name.len() <= NAME_BYTES_MAX,
        "a name has {} bytes, and at most {NAME_BYTES_MAX} can be kept",
        name.len()
    );
    Ok(name)
}
