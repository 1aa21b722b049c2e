//! The page's files, embedded in the program exactly as they stand in `assets/`.
//!
//! A leaf: it must never know what the page shows or who serves it.
#![forbid(unsafe_code)]

/// One file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Where the page asks for it: `/style.css`. The page itself is `/`.
    pub path: &'static str,
    /// What it is, for `Content-Type`.
    pub content_type: &'static str,
    /// All of it.
    pub bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of `assets/` under its own name.
macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset {
            path: concat!("/", $name),
            content_type: $content_type,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }
    };
}

/// All files of the page. The first is the page itself.
pub static ASSETS: &[Asset] = &[
    Asset {
        path: "/",
        content_type: HTML,
        bytes: include_bytes!("../assets/index.html"),
    },
    asset!("address.js", JS),
    asset!("answers.js", JS),
    asset!("band.js", JS),
    asset!("bands.js", JS),
    asset!("bracket.js", JS),
    asset!("bucket-chart.js", JS),
    asset!("busy-chart.js", JS),
    asset!("capture-button.js", JS),
    asset!("captures.js", JS),
    asset!("choice.js", JS),
    asset!("columns.js", JS),
    asset!("compare-view.js", JS),
    asset!("compare.js", JS),
    asset!("connection-lane.js", JS),
    asset!("connection-lanes.js", JS),
    asset!("connection-legend.js", JS),
    asset!("connection-picture.js", JS),
    asset!("connection-requests.js", JS),
    asset!("connection-strip.js", JS),
    asset!("connection-unread.js", JS),
    asset!("connection-words.js", JS),
    asset!("connections-view.js", JS),
    asset!("dom.js", JS),
    asset!("draw-axis.js", JS),
    asset!("draw-band.js", JS),
    asset!("draw-calls.js", JS),
    asset!("draw-connection.js", JS),
    asset!("draw-heat.js", JS),
    asset!("draw-losses.js", JS),
    asset!("draw-marks.js", JS),
    asset!("draw-requests.js", JS),
    asset!("draw-selection.js", JS),
    asset!("draw-wakes.js", JS),
    asset!("draw.js", JS),
    asset!("export-menu.js", JS),
    asset!("export.js", JS),
    asset!("favicon.svg", SVG),
    asset!("fetcher.js", JS),
    asset!("find-bar.js", JS),
    asset!("find.js", JS),
    asset!("flags.js", JS),
    asset!("format.js", JS),
    asset!("gutter.js", JS),
    asset!("header.js", JS),
    asset!("heat-grid.js", JS),
    asset!("in-view-table.js", JS),
    asset!("in-view.js", JS),
    asset!("input.js", JS),
    asset!("items.js", JS),
    asset!("lag-chart.js", JS),
    asset!("lane-list.js", JS),
    asset!("lane-order.js", JS),
    asset!("lane-pictures.js", JS),
    asset!("language.js", JS),
    asset!("latency-controls.js", JS),
    asset!("latency-view.js", JS),
    asset!("latest.js", JS),
    asset!("layout.js", JS),
    asset!("legend.js", JS),
    asset!("live.js", JS),
    asset!("main.js", JS),
    asset!("marks.js", JS),
    asset!("messages.js", JS),
    asset!("open-call.js", JS),
    asset!("overview-input.js", JS),
    asset!("overview-picture.js", JS),
    asset!("overview.js", JS),
    asset!("page-words.js", JS),
    asset!("page.js", JS),
    asset!("pair-bars.js", JS),
    asset!("panel.js", JS),
    asset!("phase-rows.js", JS),
    asset!("phases.js", JS),
    asset!("places.js", JS),
    asset!("probe.js", JS),
    asset!("questions.js", JS),
    asset!("raster.js", JS),
    asset!("report-frame.js", JS),
    asset!("report.js", JS),
    asset!("reports.js", JS),
    asset!("said-words.js", JS),
    asset!("scale.js", JS),
    asset!("selection-bar.js", JS),
    asset!("selection.js", JS),
    asset!("server-words-en.js", JS),
    asset!("server-words-zh.js", JS),
    asset!("server-words.js", JS),
    asset!("server.js", JS),
    asset!("status.js", JS),
    asset!("story-sections.js", JS),
    asset!("story.js", JS),
    asset!("stretches.js", JS),
    asset!("style.css", CSS),
    asset!("summary-view.js", JS),
    asset!("swatch.js", JS),
    asset!("table-order.js", JS),
    asset!("table.js", JS),
    asset!("textbook-scope.js", JS),
    asset!("textbook-svg.js", JS),
    asset!("textbook-view.js", JS),
    asset!("textbook.js", JS),
    asset!("tiles.js", JS),
    asset!("timeline.js", JS),
    asset!("tooltip.js", JS),
    asset!("turns-view.js", JS),
    asset!("view-state.js", JS),
    asset!("viewport.js", JS),
    asset!("views.js", JS),
    asset!("wire.js", JS),
    asset!("words-en.js", JS),
    asset!("words-zh.js", JS),
    asset!("words.js", JS),
    asset!("zoom-history.js", JS),
];

/// The file asked for by this path, or `None` if the page has no such file.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_file_in_assets_is_in_the_table_as_it_stands() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let path = if name == "index.html" {
                    "/".to_owned()
                } else {
                    format!("/{name}")
                };
                (path, std::fs::read(entry.path()).unwrap())
            })
            .collect();
        let table: BTreeMap<String, Vec<u8>> = ASSETS
            .iter()
            .map(|asset| (asset.path.to_owned(), asset.bytes.to_vec()))
            .collect();
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            table.keys().collect::<Vec<_>>()
        );
        assert!(files == table, "a file differs from what is embedded");
        assert_eq!(table.len(), ASSETS.len(), "a path is in the table twice");
    }

    #[test]
    fn content_types_go_by_the_name() {
        for asset in ASSETS {
            let expected = match asset.path.rsplit_once('.').map(|(_, extension)| extension) {
                None => HTML,
                Some("css") => CSS,
                Some("js") => JS,
                Some("svg") => SVG,
                Some(other) => panic!("no content type for .{other}"),
            };
            assert_eq!(asset.content_type, expected, "{}", asset.path);
        }
    }

    #[test]
    fn what_is_not_a_file_of_the_page_is_not_found() {
        for path in [
            "",
            "/index.html",
            "/../Cargo.toml",
            "/main.js/",
            "style.css",
        ] {
            assert_eq!(asset(path), None, "{path}");
        }
        assert_eq!(asset("/").map(|asset| asset.content_type), Some(HTML));
    }
}
