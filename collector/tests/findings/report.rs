//! Findings in reports; and that no trace, however senseless, breaks them.

use waitscope::model::{Event, Findings, readiness as bit};
use waitscope::report::Summary;

use super::story::*;
use super::support::honest::{end_of, honest};
use super::support::{Random, any_end, any_events, trace};

fn report(story: &Story) -> waitscope::report::Report {
    let mut summary = Summary::new(&trace());
    story.events.iter().for_each(|event| summary.push(event));
    summary.finish()
}

/// A loop that spins on connections.
fn spinning(connections: u32) -> Story {
    let mut story = Story::new();
    let mut entries = Vec::new();
    for id in 1..=connections {
        story.tcp(id, 7 + id as i32);
        entries.push(ready(id, Some(bit::IN), bit::IN));
    }
    for _ in 0..500 {
        story.finds(&entries);
    }
    story
}

#[test]
fn findings_come_first_and_fit_a_terminal() {
    let text = report(&spinning(7)).to_string();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| *line == "findings").unwrap();
    assert_eq!(
        lines[at + 1..at + 4],
        [
            "- severe: thread redis-server 4711 spun on tcp 127.0.0.1:6379 ← 127.0.0.1:50001",
            "  (fd 8): ready 499 times in 499 µs and never read",
            "and 6 more (all with --json)",
        ],
        "{text}"
    );
    let table = lines
        .iter()
        .position(|line| line.starts_with("thread "))
        .unwrap();
    assert!(at < table, "{text}");
    assert!(
        text.contains("\nI/O model: 4711 epoll, level-triggered\n"),
        "{text}"
    );
    for line in &lines[at..table] {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn without_findings_there_is_no_word_of_them() {
    let events = honest(1, 500);
    let mut summary = Summary::new(&trace());
    events.iter().for_each(|event| summary.push(event));
    summary.push(&Event::End(end_of(&events)));
    let report = summary.finish();
    // Random threads sleep anywhere; what matters is that nothing is said of descriptors.
    let of_descriptors = [
        "spin",
        "never_read",
        "hang_up_ignored",
        "herd",
        "late_reading",
    ];
    let wrong = report
        .findings
        .iter()
        .find(|finding| of_descriptors.contains(&finding.kind));
    assert_eq!(wrong, None);
    assert!(!self::report(&Story::new()).to_string().contains("findings"));
}

#[test]
fn programs_get_the_words_and_numbers() {
    let mut story = spinning(1);
    story.sleeps(5_000_000, &[ready(1, Some(bit::IN), bit::IN)]);
    let report = serde_json::to_value(report(&story)).unwrap();
    let finding = &report["findings"][0];
    for (field, value) in [
        ("kind", "spin".into()),
        ("severity", "severe".into()),
        ("tid", PID.into()),
        ("descriptor", 1.into()),
        ("fd", 8.into()),
        ("times", 1.into()),
        ("inferred", false.into()),
        ("numbers", serde_json::json!({ "ready": 499, "bits": 1 })),
    ] {
        assert_eq!(finding[field], value, "{field}: {finding}");
    }
    let model = &report["threads"][0]["io_model"];
    assert_eq!(
        (
            &model["model"],
            &model["with"],
            &model["trigger"],
            &model["epolls"]
        ),
        (
            &"multiplexing".into(),
            &"epoll".into(),
            &"level".into(),
            &501.into()
        )
    );
    let why = &report["longest_waits"][0]["why"];
    assert_eq!(
        (&why["cause"], &why["short"], &why["inferred"]),
        (&"data".into(), &"data, fd 8".into(), &false.into())
    );
}

#[test]
fn what_the_kernel_says_is_escaped_on_the_terminal() {
    let mut story = spinning(1);
    let mut evil = descriptor(1, 8, waitscope::model::DescriptorKind::Tcp);
    evil.name = format!("\u{1b}[31m\n{}", "x".repeat(500));
    story.open(evil);
    story.thread(PID, "a\u{1b}[2Jb\u{202e}");
    let text = report(&story).to_string();
    assert!(text.contains("spun on"), "{text}");
    let bad = text
        .chars()
        .find(|letter| letter.is_control() && *letter != '\n' || *letter == '\u{202e}');
    assert_eq!(bad, None, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn senseless_events_break_nothing_and_findings_are_few() {
    for seed in 1..9 {
        let mut findings = Findings::new(kinds());
        for event in any_events(seed, 30_000) {
            findings.push(&event);
        }
        findings.push(&Event::End(any_end(&mut Random::new(seed))));
        assert!(findings.finish().len() <= 256);
    }
}

#[test]
fn however_many_threads_and_descriptors_there_are_findings_are_bounded() {
    let mut story = Story::new();
    for tid in 0..6_000 {
        story.tcp(tid, 8 + tid as i32);
        story.go_on(10_000 + tid);
        for _ in 0..3 {
            story.waits(EPOLL_WAIT, &[ready(tid, Some(bit::IN), bit::IN)], |call| {
                asleep(call, 1_000);
            });
        }
        for _ in 0..110 {
            story.finds(&[ready(tid, Some(bit::IN), bit::IN)]);
        }
        if tid % 3 == 0 {
            let mut life = story.events[0].clone();
            if let Event::Life(life) = &mut life {
                life.tid = 10_000 + tid;
                life.kind = waitscope::model::LifeKind::Ended;
            }
            story.events.push(life);
        }
    }
    let found = story.found();
    assert_eq!(found.len(), 256);
    assert!(found.iter().all(|finding| finding.what.word() == "spin"));
}
