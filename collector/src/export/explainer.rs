//! Hands on the events of a recording in their order, each call with why its wait ended.
//!
//! An event waits here while the call before it is not explained yet, which takes a bounded number of events.

use std::collections::VecDeque;

use anyhow::Result;

use super::why::{Explained, WhyJson};
use crate::model::{Arch, CallKinds, Chains, Event, Finding, Findings};

/// What is known of a recording so far, and the events that wait.
pub(crate) struct Explainer {
    arch: Option<Arch>,
    findings: Findings,
    chains: Chains,
    held: VecDeque<(Event, Option<Explained>)>,
}

impl Explainer {
    pub(crate) fn new(arch: Option<Arch>) -> Self {
        Self {
            arch,
            findings: Findings::new(CallKinds::new(arch)),
            chains: Chains::default(),
            held: VecDeque::new(),
        }
    }

    /// Takes in an event, and hands those to `take` that nothing holds up any more.
    pub(crate) fn push(
        &mut self,
        event: &Event,
        mut take: impl FnMut(&Event, Option<WhyJson>) -> Result<()>,
    ) -> Result<()> {
        self.findings.push(event);
        let whys = self.findings.whys();
        self.chains.push(event, whys);
        for (_, explained) in &mut self.held {
            if let Some(explained) = explained {
                explained.follow(event, whys);
            }
        }
        let settled =
            |explained: &Option<Explained>| explained.as_ref().is_none_or(Explained::is_settled);
        while let Some((event, explained)) = self.held.pop_front_if(|(_, of)| settled(of)) {
            take(&event, explained.map(|explained| explained.told(whys)))?;
        }
        let explained = match event {
            Event::Call(call) if whys.tells_of(call) => {
                Some(Explained::new(self.arch, call, whys, &self.chains))
            }
            _ => None,
        };
        if self.held.is_empty() && settled(&explained) {
            return take(event, explained.map(|explained| explained.told(whys)));
        }
        self.held.push_back((event.clone(), explained));
        Ok(())
    }

    /// Hands on what is left, as far as it is explained, and says what was found.
    pub(crate) fn finish(
        self,
        mut take: impl FnMut(&Event, Option<WhyJson>) -> Result<()>,
    ) -> Result<Vec<Finding>> {
        let whys = self.findings.whys();
        for (event, explained) in &self.held {
            take(
                event,
                explained.as_ref().map(|explained| explained.told(whys)),
            )?;
        }
        Ok(self.findings.finish())
    }
}
