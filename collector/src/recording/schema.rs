//! The columns of a recording, each defined once, and the header that describes the trace.
//!
//! A column's meaning never changes within a version; new ones may come at the end.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use arrow_array::types::{Int32Type, Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::column::{Column, Flag, Number, Text, TextFill};
use super::set::Set;
use super::{FORMAT, VERSION};
use crate::model::Trace;

type U16 = Number<UInt16Type>;
pub(super) type U32 = Number<UInt32Type>;
pub(super) type U64 = Number<UInt64Type>;
type I32 = Number<Int32Type>;
type I64 = Number<Int64Type>;

/// From one list of columns: a row, the columns of a batch being filled, and those of one that was read.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// One row. A cell that does not apply to its kind, or is not known, is empty.
        #[derive(Default)]
        pub(super) struct Row<'a> {
            $($(#[$doc])* pub(super) $name: Option<<$type as Column>::Cell<'a>>,)*
        }

        /// A batch being filled.
        #[derive(Default)]
        pub(super) struct Fill {
            rows: usize,
            $($name: <$type as Column>::Fill,)*
        }

        impl Fill {
            /// Appends a row.
            #[inline(always)]
            pub(super) fn push(&mut self, row: Row<'_>) {
                $(if let Some(cell) = row.$name {
                    <$type>::put(&mut self.$name, self.rows, cell);
                })*
                self.rows += 1;
            }

            /// Takes the rows so far as a batch.
            pub(super) fn take(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
                let rows = std::mem::take(&mut self.rows);
                let columns: Vec<ArrayRef> = vec![$(<$type>::take(&mut self.$name, rows)?,)*];
                Ok(RecordBatch::try_new(schema.clone(), columns)?)
            }
        }

        /// A batch that was read.
        pub(super) struct Cells {
            $(pub(super) $name: <$type as Column>::Cells,)*
        }

        impl Cells {
            /// The columns of a batch that has these of them, counted in this order. All others are empty: they have no rows.
            pub(super) fn new(batch: &RecordBatch, there: &[usize]) -> Result<Self> {
                let mut columns = batch.columns().iter().zip(there).peekable();
                let mut at = 0..;
                let mut next = |of: DataType| {
                    let at = at.next();
                    match columns.next_if(|(_, there)| Some(**there) == at) {
                        Some((column, _)) => column.clone(),
                        None => new_null_array(&of, 0),
                    }
                };
                Ok(Self {
                    $($name: <$type>::cells(&next(<$type>::data_type()))
                        .context(concat!("column ", stringify!($name)))?,)*
                })
            }

            /// One row; all of it is empty if there is no such row.
            #[inline(always)]
            pub(super) fn row(&self, row: usize) -> Row<'_> {
                Row { $($name: <$type>::get(&self.$name, row),)* }
            }
        }

        fn fields() -> Vec<Field> {
            vec![$(Field::new(stringify!($name), <$type>::data_type(), true),)*]
        }
    };
}

columns! {
    /// `call`, `offcpu`, `life`, `descriptor`, `ready`, `request`, `gap`, `open` or `end`.
    kind: Text,
    /// The process.
    pid: U32,
    /// The thread.
    tid: U32,
    /// The CPU on which it ended, or whose records were lost.
    cpu: U16,
    /// When it began. Of a life event: when it was.
    start_ns: U64,
    /// When it ended. Of an open thread: when it was looked at.
    end_ns: U64,
    /// Number of the syscall.
    nr: U32,
    /// Its name.
    call: Text,
    /// On the CPU in the call, not copying.
    kernel_ns: U64,
    /// Asleep.
    blocked_ns: U64,
    /// Wanting the CPU.
    runnable_ns: U64,
    /// On the CPU, copying.
    copying_ns: U64,
    /// `none`, `seen` or `inferred`.
    copying: Text,
    /// When copying began.
    copy_start_ns: U64,
    /// How often it fell asleep.
    sleeps: U32,
    /// How often it was preempted.
    preemptions: U32,
    /// When the first sleep began.
    first_sleep_ns: U64,
    /// The last wake-up.
    last_wake_ns: U64,
    /// Thread that ran where the wake-up was made.
    waker_tid: U32,
    /// Its process.
    waker_pid: U32,
    /// What that CPU was doing.
    waker_context: Text,
    /// The waker's name.
    waker_name: Text,
    /// Descriptor.
    fd: I32,
    /// Bytes or events asked for.
    requested: U64,
    /// `infinite`, `zero` or `limited`; empty if not known.
    timeout: Text,
    /// How long it may wait.
    timeout_ns: U64,
    /// What the call returned.
    ret: I64,
    /// It began before the trace.
    began_before: Flag,
    /// The thread died in it.
    killed: Flag,
    /// It goes on with the call before.
    continues: Flag,
    /// Unrecorded calls since the thread's last recorded one.
    others: U32,
    /// The time those took.
    other_ns: U64,
    /// When it was woken.
    woken_ns: U64,
    /// Whether the thread was in a call.
    in_call: Flag,
    /// The scheduler's state as it left the CPU.
    state: U32,
    /// `found`, `began`, `exec`, `renamed` or `ended`.
    life: Text,
    /// The thread's name.
    name: Text,
    /// Off the CPU since then.
    off_since_ns: U64,
    /// Records lost.
    lost: U64,
    /// Records made.
    made: U64,
    /// Threads that could not be tracked.
    untracked: U64,
    /// 32-bit calls.
    compat: U64,
    /// Times off the CPU in it are inferred, for the kernel kept a switch from us.
    unseen: Flag,
    /// How often the thread left the CPU in this time off it.
    times: U32,
    /// How many times off the CPU are inferred.
    unseen_count: U64,
    /// Number of the descriptor in this trace, which is used once only.
    descriptor: U32,
    /// How long what was read had been there.
    ready_delay_ns: U64,
    /// What the descriptor is.
    descriptor_kind: Text,
    /// The kernel's number of the thing behind it.
    object: U64,
    /// A socket's own address.
    local: Text,
    /// The address it is connected to.
    peer: Text,
    /// The process it is connected to.
    peer_pid: U32,
    /// What was waited for: in version 2, which had a row for each descriptor.
    asked: U32,
    /// What it is ready for: likewise.
    ready: U32,
    /// Number of the operation of a request.
    opcode: U32,
    /// Its name.
    operation: Text,
    /// Descriptor of the ring.
    ring: I32,
    /// The program's own word for the request.
    user_data: U64,
    /// How often it was complete before.
    shot: U32,
    /// It will be complete again.
    more: Flag,
    /// What a readiness call waited for and found.
    descriptors: Set,
}

/// Columns of version 1: those after them came with version 2.
const COLUMNS_1: usize = 42;
/// Columns that every recording of version 2 has: those of requests came later.
const COLUMNS_2: usize = 53;
/// Columns of version 3.
const COLUMNS_3: usize = 60;

impl Fill {
    /// Rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the batch must be closed before another row comes: there are too many names, or entries of sets.
    pub(super) fn is_full(&self) -> bool {
        let texts: [&TextFill; 6] = [
            &self.call,
            &self.operation,
            &self.name,
            &self.waker_name,
            &self.local,
            &self.peer,
        ];
        texts.into_iter().any(TextFill::is_full) || self.descriptors.is_full()
    }
}

/// What the header says beside the columns. Arrow has only text there.
fn metadata(trace: &Trace) -> HashMap<String, String> {
    // A new field must be given a name here.
    let Trace {
        pid,
        command,
        host,
        kernel,
        arch,
        start_boot_ns,
        start_unix_ns,
        backend,
        follow,
    } = trace;
    [
        ("format", FORMAT.to_owned()),
        ("version", VERSION.to_string()),
        ("clock", "CLOCK_BOOTTIME".to_owned()),
        ("start_boot_ns", start_boot_ns.to_string()),
        ("start_unix_ns", start_unix_ns.to_string()),
        ("host", host.clone()),
        ("kernel", kernel.clone()),
        ("arch", arch.clone()),
        ("pid", pid.to_string()),
        ("command", command.clone()),
        ("backend", backend.clone()),
        ("follow", follow.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// The header of a recording of this trace.
pub(super) fn schema(trace: &Trace, notes: &[(&str, String)]) -> Schema {
    let notes = notes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()));
    let metadata: HashMap<_, _> = notes.chain(metadata(trace)).collect();
    Schema::new_with_metadata(fields(), metadata)
}

/// What the header of a recording says about its trace.
///
/// # Errors
/// It is not the header of a recording, or of one that is too new.
pub(super) fn trace(schema: &Schema) -> Result<Trace> {
    let format = schema.metadata().get("format").map(String::as_str);
    ensure!(
        format == Some(FORMAT),
        "an Arrow stream, but not a recording of waitscope"
    );
    let version: u32 = number(schema, "version")?;
    if version > VERSION {
        bail!(
            "written by a newer waitscope: it has version {version}, and this one reads up to {VERSION}"
        );
    }
    let columns = match version {
        1 => COLUMNS_1,
        2 => COLUMNS_2,
        VERSION => COLUMNS_3,
        _ => bail!("version {version} was never written by any waitscope"),
    };
    check_columns(schema, columns)?;
    Ok(Trace {
        pid: number(schema, "pid")?,
        command: text(schema, "command")?.to_owned(),
        host: text(schema, "host")?.to_owned(),
        kernel: text(schema, "kernel")?.to_owned(),
        arch: text(schema, "arch")?.to_owned(),
        start_boot_ns: number(schema, "start_boot_ns")?,
        start_unix_ns: number(schema, "start_unix_ns")?,
        backend: text(schema, "backend")?.to_owned(),
        follow: number(schema, "follow")?,
    })
}

/// The first `needed` columns must be there. Those this program does not know may follow those it does.
fn check_columns(schema: &Schema, needed: usize) -> Result<()> {
    let mut found = schema.fields().iter();
    for (index, wanted) in fields().into_iter().enumerate() {
        let Some(found) = found.next() else {
            ensure!(index >= needed, "it has no column {}", wanted.name());
            break;
        };
        ensure!(
            found.name() == wanted.name() && found.data_type() == wanted.data_type(),
            "it has column {:?} of type {} where {} of type {} belongs",
            found.name(),
            found.data_type(),
            wanted.name(),
            wanted.data_type()
        );
    }
    Ok(())
}

/// How many columns this program knows.
pub(super) fn columns() -> usize {
    fields().len()
}

fn text<'a>(schema: &'a Schema, key: &str) -> Result<&'a str> {
    let value = schema.metadata().get(key);
    Ok(value.with_context(|| format!("its header does not say {key}"))?)
}

fn number<T: std::str::FromStr>(schema: &Schema, key: &str) -> Result<T> {
    let value = text(schema, key)?;
    value
        .parse()
        .ok()
        .with_context(|| format!("its header says {key} {value:?}"))
}
