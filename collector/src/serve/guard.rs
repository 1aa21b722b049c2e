//! Who may ask: a browser of this machine that was given the secret, for the page itself.
//!
//! It comes before any routing and covers everything. What it guards against: other users of the machine
//! (the secret), other pages in the same browser (`Origin`, `Sec-Fetch-Site`, the cookie's `SameSite`), and
//! other names for this machine (`Host`: DNS rebinding). A refusal must never say more than its number: only who was let in
//! is told why something can't be had, where that is [`said`].

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION,
            ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::secret::Secret;

/// The page's own addresses are far shorter.
const URL_MAX_BYTES: usize = 2048;

/// The only path for anything but a question.
pub(super) const CAPTURE: &str = "/api/capture";

/// On every answer. The page needs nothing from anywhere else, and nobody else needs the page.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request must show.
pub(super) struct Guard {
    secret: Secret,
    /// Cookies know no ports: without the port in its name, two servers would take each other's cookie.
    cookie: String,
    /// The names under which a browser of this machine may know the server.
    hosts: Vec<String>,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    /// It brings the secret of the printed address, and gets the cookie.
    Exchange,
    Refuse(StatusCode),
}

impl Guard {
    /// For a server that listens on `address`.
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let port = address.port();
        let mut hosts = vec![
            address.to_string(),
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
        ];
        if port == 80 {
            // Browsers leave it out.
            hosts.extend(
                hosts
                    .clone()
                    .iter()
                    .filter_map(|host| host.strip_suffix(":80"))
                    .map(String::from),
            );
        }
        Ok(Self {
            secret: Secret::new()?,
            cookie: format!("waitscope_{port}"),
            hosts,
        })
    }

    /// What follows the server's address in the address to open: the secret.
    pub(super) fn entrance(&self) -> String {
        format!("/?token={}", self.secret.reveal())
    }

    fn judge(&self, request: &Request) -> Verdict {
        let (uri, headers) = (request.uri(), request.headers());
        let is_wish = request.method() == Method::POST && uri.path() == CAPTURE;
        if !is_wish && !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Verdict::Refuse(StatusCode::METHOD_NOT_ALLOWED);
        }
        if uri.path().len() + uri.query().map_or(0, str::len) > URL_MAX_BYTES {
            return Verdict::Refuse(StatusCode::URI_TOO_LONG);
        }
        // A host in the request line would be meant instead of the header: browsers write none.
        if uri.authority().is_some()
            || !single(headers, &HOST).is_some_and(|host| self.is_host(host))
        {
            return Verdict::Refuse(StatusCode::MISDIRECTED_REQUEST);
        }
        let own_origin = |origin: &[u8]| {
            origin
                .strip_prefix(b"http://".as_slice())
                .is_some_and(|host| self.is_host(host))
        };
        // With a wish every browser says who makes it.
        if (is_wish || headers.contains_key(ORIGIN))
            && !single(headers, &ORIGIN).is_some_and(own_origin)
        {
            return Verdict::Refuse(StatusCode::FORBIDDEN);
        }
        let own_site = |site: &[u8]| site == b"same-origin" || site == b"none";
        if headers.contains_key(SEC_FETCH_SITE)
            && !single(headers, &SEC_FETCH_SITE).is_some_and(own_site)
        {
            return Verdict::Refuse(StatusCode::FORBIDDEN);
        }
        if uri.path() == "/"
            && let Some(token) = uri.query().and_then(|query| query.strip_prefix("token="))
        {
            return match self.secret.is(token.as_bytes()) {
                true => Verdict::Exchange,
                false => Verdict::Refuse(StatusCode::FORBIDDEN),
            };
        }
        match self.has_cookie(headers) {
            true => Verdict::Pass,
            false => Verdict::Refuse(StatusCode::FORBIDDEN),
        }
    }

    fn is_host(&self, host: &[u8]) -> bool {
        self.hosts
            .iter()
            .any(|own| own.as_bytes().eq_ignore_ascii_case(host))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|header| header.as_bytes().split(|&byte| byte == b';'))
            .filter_map(|pair| {
                pair.trim_ascii()
                    .strip_prefix(self.cookie.as_bytes())?
                    .strip_prefix(b"=")
            })
            .any(|value| self.secret.is(value))
    }

    /// To the page, with the cookie.
    fn exchange(&self) -> Response {
        let cookie = format!(
            "{}={}; HttpOnly; SameSite=Strict; Path=/",
            self.cookie,
            self.secret.reveal()
        );
        let mut response = empty(StatusCode::SEE_OTHER);
        response
            .headers_mut()
            .insert(LOCATION, HeaderValue::from_static("/"));
        // Hexadecimal digits and our own words: always a valid header.
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }
}

/// The layer around everything.
pub(super) async fn keep(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let asks = request.uri().path() != CAPTURE;
    let mut response = match guard.judge(&request) {
        Verdict::Pass => next.run(request).await,
        Verdict::Exchange => guard.exchange(),
        Verdict::Refuse(status) => refuse(status, asks),
    };
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && response.extensions().get::<Said>().is_none() {
        // What the router has to say about a wrong request helps nobody.
        *response.body_mut() = Body::empty();
        for header in ["content-type", "content-length"] {
            response.headers_mut().remove(header);
        }
    }
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Marks an answer whose words are ours, and for someone who was let in.
#[derive(Clone, Copy)]
struct Said;

/// A "no" that says why.
pub(super) fn said(status: StatusCode, words: String) -> Response {
    let mut response = (status, words + "\n").into_response();
    response.extensions_mut().insert(Said);
    response
}

/// Strangers get no second word on the same connection: there are few.
fn refuse(status: StatusCode, asks: bool) -> Response {
    let mut response = empty(status);
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(
            ALLOW,
            HeaderValue::from_static(if asks { "GET, HEAD" } else { "POST" }),
        );
    }
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A header that is there exactly once.
fn single<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}
