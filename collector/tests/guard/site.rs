//! A server with a small trace, on a thread of its own, as the program runs it.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, OnceLock, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use waitscope::{
    export::Source,
    model::{
        Call, End, Event, Life, LifeKind, Piece, Ready, Rule, Run, SHORT_BITS, Series, Sketch, Sum,
        Trace,
    },
    recording::{Batches, FlightPlan, Writer},
    report::Growing,
    serve::{Comparison, Exports, Reports, Server, Shared},
    store::Store,
};

use crate::blank;
use crate::client::{Answer, PATIENCE, Stream};

pub(crate) const END_NS: u64 = 10_000_000_000;

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A server on a thread of its own, as the program runs it.
pub(crate) struct Site {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    /// Path and query of the printed address.
    pub(crate) entrance: String,
    pub(crate) cookie: String,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Site {
    pub(crate) fn recorded() -> Self {
        let mut store = store();
        store.extend([end()]);
        let cut = Some("torn".to_owned());
        let reports = Reports::of_live(growing());
        Self::new(Shared::recorded(store, "file.arrow", cut, reports).exporting(recording()))
    }

    pub(crate) fn exporting(exports: Exports) -> Self {
        let reports = Reports::of_live(growing());
        Self::new(Shared::recorded(store(), "file.arrow", None, reports).exporting(exports))
    }

    pub(crate) fn compared(comparison: Comparison) -> Self {
        let reports = Reports::of_live(growing());
        Self::new(Shared::recorded(store(), "file.arrow", None, reports).compared(comparison))
    }

    pub(crate) fn live() -> Self {
        Self::living(store())
    }

    pub(crate) fn living(store: Store) -> Self {
        Self::new(Shared::live(store, "attach", Reports::of_live(growing())))
    }

    pub(crate) fn gone() -> Self {
        let reports = Reports::of_recording(Arc::default());
        Self::new(Shared::recorded(gone(), "file.arrow", None, reports))
    }

    fn new(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let (shutdown, asked) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let bound = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
                tell.send(bound.address()).unwrap();
                tokio::spawn(bound.serve(serving, async { asked.await.unwrap_or_default() }))
                    .await
                    .unwrap()
            })
        });
        let printed = told.recv().unwrap();
        let (host, query) = printed
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let address: SocketAddr = host.parse().unwrap();
        let secret = query.strip_prefix("?token=").unwrap();
        Self {
            shared,
            address,
            entrance: format!("/{query}"),
            cookie: format!("waitscope_{}={secret}", address.port()),
            shutdown: Some(shutdown),
            thread: Some(thread),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        drop(self.shutdown.take());
        self.thread
            .take()
            .map_or(Ok(()), |thread| thread.join().unwrap())
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn head(
        &self,
        method: &str,
        path: &str,
        host: &str,
        headers: &[(&str, &str)],
    ) -> String {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("Cookie", &self.cookie)])
    }

    pub(crate) fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.ask("GET", path, &[("Cookie", &self.cookie), (name, value)])
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(&self.head(method, path, &self.host(), headers))
    }

    pub(crate) fn send(&self, head: &str) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may have closed it already.
        let _ = stream.write_all(head.as_bytes());
        Answer::read(&mut stream, head.starts_with("HEAD"))
    }

    pub(crate) fn stream(&self) -> Stream {
        let mut stream = self.connect();
        let head = self.head(
            "GET",
            "/api/live",
            &self.host(),
            &[("Cookie", &self.cookie)],
        );
        stream.write_all(head.as_bytes()).unwrap();
        Stream {
            stream,
            text: String::new(),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

pub(crate) fn trace() -> Trace {
    Trace {
        pid: 7,
        command: "prog <b>".to_owned(),
        host: "host".to_owned(),
        kernel: "6.1.0".to_owned(),
        arch: "x86_64".to_owned(),
        start_boot_ns: 5,
        start_unix_ns: 1_700_000_000_000_000_000,
        backend: "tp_btf".to_owned(),
        follow: false,
    }
}

/// One thread with one call.
fn store() -> Store {
    let mut store = Store::new(trace(), 64 << 20);
    store.extend(events());
    store
}

/// The same in a file, which has no name any more.
fn recording() -> Exports {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    writer.append(&events()).unwrap();
    writer.append(&[end()]).unwrap();
    writer.flush().unwrap();
    Exports::recorded(Source::open(file.path()).unwrap())
}

/// The same summed up.
pub(crate) fn growing() -> Growing {
    let growing = Growing::new(&trace());
    growing.push(&events());
    growing.push(&[end()]);
    growing
}

pub(crate) fn events() -> [Event; 3] {
    let found = Life {
        pid: 7,
        tid: 8,
        at_ns: 0,
        kind: LifeKind::Found,
        name: "<i>".to_owned(),
    };
    let ready = Ready {
        pid: 7,
        tid: 8,
        call_start_ns: 100,
        fd: Some(5),
        descriptor: None,
        asked: Some(1),
        ready: 17,
    };
    [Event::Life(found), Event::Ready(ready), Event::Call(call())]
}

fn call() -> Call {
    Call {
        start_ns: 100,
        end_ns: 150,
        kernel_ns: 50,
        fd: Some(3),
        requested: Some(16),
        ret: Some(16),
        ..blank::call(7, 8, 0)
    }
}

pub(crate) fn end() -> Event {
    Event::End(End {
        at_ns: END_NS,
        made: 3,
        lost: 0,
        untracked: 0,
        compat: 0,
        unseen: 0,
    })
}

/// A flight recorder that keeps a few seconds, and writes them there.
pub(crate) fn flight_plan(dir: &Path, rules: Vec<Rule>) -> FlightPlan {
    FlightPlan {
        path: dir.join("flight.waitscope"),
        window: Duration::from_secs(5),
        after: Duration::from_secs(1),
        memory_bytes: 1 << 20,
        cool_down: Duration::ZERO,
        disk_bytes: 1 << 20,
        rules,
    }
}

/// A recording of one short call, of which nothing can be read again.
pub(crate) fn gone() -> Store {
    let never = Arc::<OnceLock<Batches>>::default();
    let mut store = Store::shelved(trace(), 64 << 20, Box::new(never));
    let run = Run {
        series: Series::one(7, 8, 100, 150),
        sum: Sum {
            calls: 1,
            kernel_ns: 50,
            ..Sum::default()
        },
    };
    store.sketch(Sketch {
        bits: SHORT_BITS,
        pieces: vec![Piece::Run(run), Piece::Event(end())],
        ready: Vec::new(),
    });
    store
}
