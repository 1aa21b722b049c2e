//! The page's own files.
//!
//! Looked up by name in what the program carries: no path ever reaches a file system.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::{
    http::{
        HeaderMap, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK},
    },
    response::{IntoResponse as _, Response},
};

/// Anything that is not a query.
pub(super) async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let Some(asset) = web_ui::asset(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(asset.bytes);
    // The next version of the program has the same addresses: a browser always has to ask.
    let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, "no-cache")];
    if is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(CONTENT_TYPE, asset.content_type)];
    if asset.path == "/" {
        // Else it would find out about one module from another, a way to the server each time.
        return (caching, kind, [(LINK, modules())], asset.bytes).into_response();
    }
    (caching, kind, asset.bytes).into_response()
}

/// All modules of the page, to be fetched at once.
fn modules() -> String {
    let modules = web_ui::ASSETS
        .iter()
        .filter(|asset| asset.path.ends_with(".js"))
        .map(|asset| format!("<{}>; rel=modulepreload", asset.path));
    modules.collect::<Vec<_>>().join(", ")
}

/// Whether the browser has it already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag)
}

/// Another one for other contents. It guards against nothing but mistaking one version for another.
fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
