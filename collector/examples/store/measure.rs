//! Opens a recording and asks for pictures at every zoom: how long each takes, and the memory it all took.
//!
//! It must never leave out an answer for being slow.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use waitscope::opened::{self, Opened};
use waitscope::store::{Draft, Filter, LEVEL_MAX, Store, TILE_BUCKETS};

/// Lanes of a picture, as many as the tallest screen shows.
const LANES: u32 = 64;
/// Those of one request, as the page asks.
const LANES_A_REQUEST: usize = 16;
/// Tiles of each lane of a picture: 2,048 buckets.
const TILES: u64 = 4;
/// Pictures at each zoom, at places that look random.
const PICTURES: u64 = 12;
/// The same while there is no more than a glance of it: some take many seconds then.
const GLANCES: u64 = 2;

/// How long something took.
struct Times(Vec<Duration>);

impl Times {
    fn quantile(&mut self, of: f64) -> f64 {
        self.0.sort();
        let at = ((self.0.len() as f64 * of).ceil() as usize).clamp(1, self.0.len());
        self.0[at - 1].as_secs_f64() * 1e3
    }
}

/// Opens it with this memory, and prints what that and the answers take.
pub(super) fn measure(path: &Path, memory_bytes: u64) -> Result<()> {
    let began = Instant::now();
    let (opened, rest) = opened::open(path, memory_bytes, |_, _| {})?;
    let mut store = shown(opened)?;
    let took = began.elapsed();
    let cpu_ns = cpu_ns()?;
    let state = store.state();
    println!(
        "open     {:>11.2} s, {:.0} ns and {:.0} ns of CPU time a call; of {} calls, {:.1} % of the time is kept",
        took.as_secs_f64(),
        took.as_nanos() as f64 / state.calls as f64,
        cpu_ns as f64 / state.calls as f64,
        state.calls,
        100.0 - state.kept_ns as f64 * 100.0 / state.now_ns as f64
    );
    ensure!(
        state.disordered == 0,
        "{} events came out of order",
        state.disordered
    );
    let whole = (0..LEVEL_MAX)
        .find(|level| (TILE_BUCKETS * TILES) << level >= state.now_ns)
        .unwrap_or(LEVEL_MAX);
    let first = picture(&store, whole, 0);
    println!(
        "first    {:>11.2} ms for the whole of it, {:.2} s after the start",
        first.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64()
    );
    println!(
        "pictures {:>11} of {LANES} lanes by {} buckets at each of the levels 0 to {whole}",
        PICTURES,
        TILES * TILE_BUCKETS
    );
    pictures(&store, "  glance", whole, GLANCES);
    memory(&store)?;
    let began = Instant::now();
    // It takes the place of the first, as in the program.
    store = shown(rest.read(|_, _| {})?)?;
    println!(
        "read     {:>11.2} s to read all of it",
        began.elapsed().as_secs_f64()
    );
    memory(&store)?;
    pictures(&store, "  cold", whole, PICTURES);
    let began = Instant::now();
    store.filler()(&mut || {});
    println!(
        "filled   {:>11.2} s to bring what there is memory for",
        began.elapsed().as_secs_f64()
    );
    memory(&store)?;
    pictures(&store, "  filled", whole, PICTURES);
    questions(&store);
    memory(&store)
}

/// Asks for pictures at every zoom, and prints how long they take.
fn pictures(store: &Store, name: &str, whole: u8, count: u64) {
    let mut all = Times(Vec::new());
    let mut slowest = (0.0, 0);
    for level in 0..=whole {
        let numbers = 0..count;
        let mut here = Times(
            numbers
                .map(|number| picture(store, level, number))
                .collect(),
        );
        let worst = here.quantile(0.99);
        if worst > slowest.0 {
            slowest = (worst, level);
        }
        print!(" {level}:{worst:.1}");
        all.0.append(&mut here.0);
    }
    println!();
    println!(
        "{name:<8} {:>11.2} ms half, {:.2} at 90 %, {:.2} at 99 %; the slowest {:.2} at level {}   (wanted: 5 at 99 %)",
        all.quantile(0.5),
        all.quantile(0.9),
        all.quantile(0.99),
        slowest.0,
        slowest.1
    );
}

fn shown(opened: Opened) -> Result<Store> {
    ensure!(opened.cut.is_none(), "{:?}", opened.cut);
    Ok(opened.store)
}

/// Asks each question about all there is, and about one descriptor in the middle third.
fn questions(store: &Store) {
    let now_ns = store.state().now_ns;
    let narrow = Filter {
        from_ns: now_ns / 3,
        to_ns: now_ns / 3 * 2,
        descriptor: Some(1),
        ..Filter::default()
    };
    let never = Filter {
        least_ns: u64::MAX,
        ..Filter::default()
    };
    let ms = |ask: &dyn Fn()| {
        let began = Instant::now();
        ask();
        began.elapsed().as_secs_f64() * 1e3
    };
    for (name, filter) in [("all", Filter::default()), ("narrow", narrow)] {
        println!(
            "{name:<8} {:>11.1} ms totals, {:.1} latency, {:.1} heatmap, {:.1} longest",
            ms(&|| drop(black_box(store.calls().totals(&filter)))),
            ms(&|| drop(black_box(store.calls().latency(&filter)))),
            ms(&|| drop(black_box(store.calls().heatmap(&filter, 512)))),
            ms(&|| drop(black_box(store.calls().longest(&filter, 100)))),
        );
    }
    println!(
        "no match {:>11.1} ms to look for one from the beginning to the end",
        ms(&|| {
            black_box(store.calls().next_call(&never, 0));
        })
    );
}

/// How long a picture takes, the `number`th at this level.
fn picture(store: &Store, level: u8, number: u64) -> Duration {
    let tiles = store.state().now_ns / (TILE_BUCKETS << level) + 1;
    // A step that has no divisor in common with most numbers goes everywhere.
    let first = (number * 0x9e37_79b9 + 1) % tiles.saturating_sub(TILES).max(1);
    let first = if number == 0 && tiles <= TILES {
        0
    } else {
        first
    };
    let began = Instant::now();
    for index in first..first + TILES {
        for lanes in (0..LANES).step_by(LANES_A_REQUEST) {
            let lanes = lanes..lanes + LANES_A_REQUEST as u32;
            let drafts = lanes.filter_map(|lane| store.draft(lane, level, index));
            black_box(Draft::tiles(drafts.collect()));
        }
    }
    began.elapsed()
}

/// CPU time of all threads of this process: unlike the time that passed, it says little of who else is at work.
fn cpu_ns() -> Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("ask for the CPU time")?;
    Ok((usage.user_time() + usage.system_time()).num_nanoseconds())
}

/// Prints what it takes now, as the kernel has it and as the store counts it, and what it took at most.
fn memory(store: &Store) -> Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let mib = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib
            .with_context(|| format!("find {name}"))?
            .parse::<u64>()?
            / 1024)
    };
    println!(
        "memory   {:>11} MiB, {} at most so far; the store counts {}",
        mib("VmRSS:")?,
        mib("VmHWM:")?,
        store.state().bytes >> 20
    );
    Ok(())
}
