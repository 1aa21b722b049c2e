//! Listening on loopback, and who may be connected for how long.
//!
//! The accept loop is our own, over hyper: `axum::serve` has neither a limit of connections nor a limit of
//! time for a request to arrive, and waits for open streams at the end. It must never outlive `shutdown`.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{guard::Guard, router, shared::Shared};

/// A browser opens six for a page.
const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take to arrive, and how long a connection may be idle. Short, since
/// anybody on this machine can connect.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// A request's head, and what is buffered of it.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// After an accept that failed for want of something: trying at once would only fail again.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The page's server.
pub struct Server;

impl Server {
    /// Listens on `listen`, which must be a loopback address. Port 0 takes a free one.
    pub async fn bind(listen: SocketAddr) -> Result<Bound> {
        if !listen.ip().is_loopback() {
            bail!(
                "listen on {listen}: not a loopback address, and the page is for users of this machine only; \
                 use `--listen 127.0.0.1:{}`, and `ssh -L` to see it from another machine",
                listen.port()
            );
        }
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => anyhow::anyhow!(
                    "listen on {listen}: the port is taken, perhaps by another waitscope; \
                 `--listen {}` takes a free one",
                    SocketAddr::new(listen.ip(), 0)
                ),
                _ => anyhow::Error::new(error).context(format!("listen on {listen}")),
            })?;
        let address = listener
            .local_addr()
            .with_context(|| format!("listen on {listen}"))?;
        Ok(Bound {
            listener,
            address,
            guard: Arc::new(Guard::new(address)?),
        })
    }
}

/// A server that listens, but does not answer yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    guard: Arc<Guard>,
}

impl Bound {
    /// The address to open in a browser. It holds the secret.
    pub fn address(&self) -> String {
        format!("http://{}{}", self.address, self.guard.entrance())
    }

    /// Answers until `shutdown`. Then open connections are cut, for the page notices and nothing is lost.
    pub async fn serve(
        self,
        shared: Arc<Shared>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let Self {
            listener,
            address: _,
            guard,
        } = self;
        let app = router(shared, guard);
        let mut shutdown = pin!(shutdown);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                // Without room, who comes waits in the kernel's queue.
                stream = accept(&listener), if connections.len() < CONNECTIONS_MAX => {
                    let service = TowerToHyperService::new(app.clone());
                    connections.spawn(async move {
                        // An error is the browser's going away, or not speaking HTTP.
                        let _ = http1::Builder::new()
                            .timer(TokioTimer::new())
                            .header_read_timeout(HEAD_MAX)
                            .max_buf_size(HEAD_MAX_BYTES)
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    });
                }
                // Takes ended ones out of the set; pending while there are none.
                Some(_) = connections.join_next() => {}
            }
        }
        connections.shutdown().await;
        Ok(())
    }
}

/// The next connection, whatever becomes of others.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Events are small, and late if they wait for more to fill a packet.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(ACCEPT_AGAIN_AFTER).await,
        }
    }
}
