//! Descriptors as exports and the page have them, what readiness calls found of them, and the requests that rings were
//! given for them.
//!
//! A field that is not there is not known. Names are what the kernel or the program gave, unescaped.

use std::borrow::Cow;

use serde::Serialize;

use crate::model::{Descriptor, Ready, Request, operation_name};
use crate::text;

/// A descriptor as exports and the page have it.
pub fn descriptor_json(descriptor: &Descriptor) -> serde_json::Value {
    serde_json::to_value(DescriptorJson::new(descriptor)).unwrap_or_default()
}

/// What came of one descriptor of a readiness call, as exports and the page have it.
pub fn ready_json(ready: &Ready) -> serde_json::Value {
    serde_json::to_value(ReadyJson::new(ready)).unwrap_or_default()
}

/// A request as exports and the page have it.
pub fn request_json(request: &Request) -> serde_json::Value {
    serde_json::to_value(RequestJson::new(request)).unwrap_or_default()
}

/// One of `descriptors`.
#[derive(Serialize)]
pub(super) struct DescriptorJson<'a> {
    id: u32,
    pid: u32,
    fd: i32,
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_ns: Option<u64>,
}

impl<'a> DescriptorJson<'a> {
    pub(super) fn new(descriptor: &'a Descriptor) -> Self {
        Self {
            id: descriptor.id,
            pid: descriptor.pid,
            fd: descriptor.fd,
            kind: descriptor.kind.word(),
            name: &descriptor.name,
            local: descriptor.local.as_deref(),
            peer: descriptor.peer.as_deref(),
            peer_pid: descriptor.peer_pid,
            object: Some(descriptor.object).filter(|&object| object != 0),
            opened_ns: descriptor.opened_ns,
            closed_ns: descriptor.closed_ns,
        }
    }
}

/// One of `ready`.
#[derive(Serialize)]
pub(super) struct ReadyJson {
    tid: u32,
    pid: u32,
    call_start_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<u32>,
    ready: u32,
}

impl ReadyJson {
    pub(super) fn new(ready: &Ready) -> Self {
        let Ready {
            pid,
            tid,
            call_start_ns,
            fd,
            descriptor,
            asked,
            ready,
        } = *ready;
        Self {
            tid,
            pid,
            call_start_ns,
            fd,
            descriptor,
            asked,
            ready,
        }
    }
}

/// One of `requests`.
#[derive(Serialize)]
pub(super) struct RequestJson {
    tid: u32,
    pid: u32,
    operation: Cow<'static, str>,
    opcode: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_ns: Option<u64>,
    user_data: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ret: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'static, str>>,
    shot: u32,
    more: bool,
}

impl RequestJson {
    pub(super) fn new(request: &Request) -> Self {
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
        } = *request;
        Self {
            tid,
            pid,
            operation: operation_name(opcode),
            opcode,
            ring,
            fd,
            descriptor,
            submit_ns,
            complete_ns,
            user_data,
            ret,
            error: ret.and_then(|ret| text::error_name(ret.into())),
            shot,
            more,
        }
    }
}
