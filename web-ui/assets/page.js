/**
 * The page as a whole: keeps trace, state and lanes, and hands them to the parts that show them.
 *
 * Must never draw: parts do, once per frame of the timeline.
 *
 * @import { Link } from "./live.js"
 * @import { State, Trace } from "./messages.js"
 * @import { Reported } from "./report.js"
 * @import { ViewName } from "./view-state.js"
 * @import { Go } from "./views.js"
 */

import { Bands, pieceUnder } from "./bands.js";
import { CaptureButton } from "./capture-button.js";
import { countOf } from "./captures.js";
import { Choice } from "./choice.js";
import { readCompared } from "./compare.js";
import { CompareView } from "./compare-view.js";
import { CONNECTIONS_MAX } from "./connection-lane.js";
import { ConnectionLanes } from "./connection-lanes.js";
import { showConnectionLegend } from "./connection-legend.js";
import { ConnectionStrip } from "./connection-strip.js";
import { ConnectionsView } from "./connections-view.js";
import { byId, setText } from "./dom.js";
import { ExportMenu } from "./export-menu.js";
import { FindBar } from "./find-bar.js";
import { Gutter } from "./gutter.js";
import { Header } from "./header.js";
import { InViewTable } from "./in-view-table.js";
import { listen } from "./input.js";
import { ROW_PX } from "./layout.js";
import { LaneList } from "./lane-list.js";
import { LatencyView } from "./latency-view.js";
import { showLegend } from "./legend.js";
import { Live } from "./live.js";
import { listenToOverview } from "./overview-input.js";
import { Overview } from "./overview.js";
import { listenToLanguages } from "./page-words.js";
import { DARK, LIGHT } from "./phases.js";
import { Places } from "./places.js";
import { askFound } from "./questions.js";
import { readReported } from "./report.js";
import { Reports } from "./reports.js";
import { xToTime } from "./scale.js";
import { rangeOf } from "./selection.js";
import { fetchNames, fetchTiles, fetchTrace, Refused } from "./server.js";
import { showStatus } from "./status.js";
import { SummaryView } from "./summary-view.js";
import { Timeline } from "./timeline.js";
import { Tooltip } from "./tooltip.js";
import { TurnsView } from "./turns-view.js";
import { VIEWS } from "./view-state.js";
import { Views } from "./views.js";
import { say } from "./words.js";

/** While a live trace grows, views are refreshed this often. */
const REFRESH_MS = 1000;

export class Page {
  constructor() {
    /** @type {Trace | null} */
    this.trace = null;
    /** @type {State | null} */
    this.state = null;
    /** @type {Link} */
    this.link = "connecting";
    this.waitMs = 0;
    this.refreshedMs = -Infinity;
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    // Read here and when it changes only: who asks in between is told, and no event comes any more.
    this.dark = this.scheme.matches;
    this.header = new Header();
    this.gutter = new Gutter((pid) => this.laneList.toggle(pid));
    this.tooltip = new Tooltip();
    this.overview = new Overview();
    this.connectionsView = new ConnectionsView();
    this.views = new Views(
      { summary: new SummaryView(), latency: new LatencyView(), connections: this.connectionsView, turns: new TurnsView(), compare: new CompareView() },
      (name) => this.showView(name));
    this.comparisons = new Reports({
      path: "/api/diff",
      read: readCompared,
      isWatched: () => this.views.current()?.wantsDiff === true,
      grows: () => false,
      onReport: () => this.refreshView(),
    });
    this.reports = new Reports({
      path: "/api/report",
      read: readReported,
      isWatched: () => this.views.current()?.wantsReport === true,
      grows: () => this.trace === null || (this.trace.live && this.state?.ended !== true),
      onReport: (reported) => this.onReport(reported),
    });
    this.findBar = new FindBar({
      names: () => this.timeline.names,
      lanes: () => this.timeline.allLanes,
      fromNs: () => this.timeline.pinned?.startNs ?? this.timeline.window.fromNs,
      onFound: (call) => void this.choice.go(call.lane, call.startNs),
      onClosed: () => this.timeline.canvas.focus(),
    });
    this.exportMenu = new ExportMenu(() => this.exported());
    this.scroller = byId("scroller", HTMLElement);
    /** @type {Go} where views lead */
    this.go = {
      call: (lane, atNs) => void this.choice.go(lane, atNs),
      range: (range, lane) => {
        this.places.select(range);
        this.showView("timeline");
        this.timeline.show(range.fromNs, range.toNs);
        const row = this.laneList.rowOf(lane);
        if (row >= 0) this.scroller.scrollTo({ top: row * ROW_PX - this.scroller.clientHeight / 3 });
      },
      filter: (filter) => {
        this.places.filter = filter;
        this.refreshView();
        this.timeline.invalidate();
      },
      view: (name) => this.showView(name),
      connection: (id) => this.connections.toggle(id),
    };
    this.timeline = new Timeline(byId("timeline", HTMLCanvasElement), this.palette(), {
      onFrame: () => this.showFrame(),
      onRefused: (error) => this.onRefused(error),
      fetch: fetchTiles,
      ground: (timeline, state, lanes) => this.overview.wishes(timeline, state, lanes),
    });
    this.bands = new Bands(this.timeline, (error) => this.onRefused(error));
    this.connections = new ConnectionLanes(this.timeline, {
      onChanged: () => this.onConnections(),
      onFull: () => this.announce(say("strip.full", { most: CONNECTIONS_MAX })),
      onRefused: (error) => this.onRefused(error),
    });
    this.strip = new ConnectionStrip(this.timeline, this.connections, {
      call: (lane, atNs) => void this.choice.go(lane, atNs),
      inside: (id, { fromNs }) => void this.step(id, "next", fromNs - 1),
      step: (id, which) => void this.step(id, which, this.timeline.pinned?.startNs ?? this.timeline.window.fromNs),
      row: (id) => {
        this.showView("connections");
        this.connectionsView.seek(id);
      },
      select: (range, done) => this.places.select(range, done),
    });
    this.inView = new InViewTable(this.connections);
    this.choice = new Choice(this.timeline, {
      palette: () => this.palette(), resize: () => this.resize(), announce: (text) => this.announce(text),
      onRefused: (error) => this.onRefused(error), rowOf: (lane) => this.laneList.rowOf(lane),
      reveal: (row, startNs, endNs) => this.reveal(row, startNs, endNs),
      connections: this.connections,
    });
    this.laneList = new LaneList(this.timeline, {
      onArranged: () => this.resize(),
      onFetched: () => this.onLanes(),
      onRefused: (error) => this.onRefused(error),
    });
    this.places = new Places(this.timeline, {
      state: () => this.state,
      palette: () => this.palette(),
      viewName: () => this.views.name,
      showView: (name) => this.showView(name),
      connections: () => this.connections.ids,
      showConnections: (ids) => this.connections.set(ids),
      choose: (lane, atNs) => this.choice.go(lane, atNs, false),
      resize: () => this.resize(),
      onRest: () => this.refreshView(),
      onSelected: () => this.refreshView(),
      announce: (text) => this.announce(text),
    });
    this.captureButton = new CaptureButton((text) => this.announce(text));
    this.live = new Live({ onState: (state) => this.onState(state), onLink: (link, waitMs) => this.onLink(link, waitMs) });
  }

  palette() {
    return this.dark ? DARK : LIGHT;
  }

  /** Wires the parts, asks the server who is traced, and begins to listen. */
  async start() {
    this.wire();
    // The timeline's width is that of the window, whichever view shows first.
    this.resize();
    this.places.open();
    this.showLegends();
    try {
      [this.trace, this.timeline.names] = await Promise.all([fetchTrace(), fetchNames()]);
      this.timeline.live = this.trace.live;
    } catch (error) {
      this.onRefused(error);
      if (this.link === "refused") return;
    }
    this.live.open();
  }

  wire() {
    const follow = () => this.timeline.setFollowing(true);
    const toggleFollow = () => this.timeline.setFollowing(!this.timeline.following);
    const { places } = this;
    const whole = () => places.whole();
    const dialog = byId("help", HTMLDialogElement);
    const help = () => dialog.showModal();
    listen(this.timeline, {
      follow, toggleFollow, whole, help,
      pick: (xPx, row) => this.pick(xPx, row),
      close: () => (byId("panel", HTMLElement).hidden ? places.select(null) : this.choice.close()),
      zoomToPinned: () => this.choice.zoomTo(),
      textbook: () => this.choice.showTextbook(),
      scrollBy: (px) => this.scroller.scrollBy({ top: px }),
      select: (range, done) => places.select(range, done),
      setEdge: (edge, xPx) => places.setEdge(edge, xToTime(this.timeline.view, xPx)),
      range: () => places.range(),
      mark: (xPx) => places.mark(xPx),
      nextMark: () => places.nextMark(),
      flag: (xPx, yPx) => places.flag(xPx, yPx),
      fit: () => places.fit(),
      back: () => places.travel("back"),
      forth: () => places.travel("forth"),
      find: () => this.findBar.open(),
      exports: () => this.exportMenu.open(),
      step: (which) => void this.findBar.step(which),
      view: (index) => this.showView(VIEWS[index] ?? "timeline"),
    });
    listenToOverview(this.overview, this.timeline);
    listenToLanguages(() => places.address.write());
    byId("back", HTMLButtonElement).addEventListener("click", () => places.travel("back"));
    byId("forth", HTMLButtonElement).addEventListener("click", () => places.travel("forth"));
    byId("find-open", HTMLButtonElement).addEventListener("click", () => this.findBar.open());
    byId("follow", HTMLButtonElement).addEventListener("click", toggleFollow);
    byId("whole", HTMLButtonElement).addEventListener("click", whole);
    const middle = () => this.timeline.frame.widthPx / 2;
    byId("closer", HTMLButtonElement).addEventListener("click", () => this.timeline.zoomAt(2, middle()));
    byId("wider", HTMLButtonElement).addEventListener("click", () => this.timeline.zoomAt(0.5, middle()));
    byId("help-open", HTMLButtonElement).addEventListener("click", help);
    this.scroller.addEventListener("scroll", () => this.timeline.scrollTo(this.scroller.scrollTop));
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    new ResizeObserver(() => this.resizeOverview()).observe(byId("overview-strip", HTMLElement));
    this.scheme.addEventListener("change", () => {
      this.dark = this.scheme.matches;
      this.timeline.setPalette(this.palette());
      this.showLegends();
      places.bar.latest.forget();
      places.refresh();
      this.refreshView();
      this.choice.show();
    });
  }

  showLegends() {
    showLegend(this.palette());
    showConnectionLegend(this.palette());
  }

  resizeOverview() {
    const labelPx = byId("overview-label", HTMLElement).offsetWidth;
    const scale = Math.min(2, Math.max(1, Math.round(devicePixelRatio)));
    this.overview.resize(byId("overview-strip", HTMLElement).clientWidth - labelPx, scale);
    this.timeline.invalidate();
  }

  resize() {
    if (!this.timeline.shown) return;
    const gutterPx = byId("gutter", HTMLElement).offsetWidth;
    const widthPx = this.scroller.clientWidth - gutterPx;
    const heightPx = this.scroller.clientHeight;
    byId("sticky", HTMLElement).style.height = `${heightPx}px`;
    this.timeline.resize(widthPx, heightPx, devicePixelRatio);
    this.timeline.canvas.style.width = `${this.timeline.frame.widthPx}px`;
    this.timeline.canvas.style.height = `${this.timeline.frame.heightPx}px`;
  }

  /** @param {State} state */
  onState(state) {
    const newest = state.captures?.list.at(-1);
    if (this.state && newest && countOf(state.captures) > countOf(this.state.captures)) this.announce(say("announce.captured", { trigger: newest.trigger }));
    this.state = state;
    this.captureButton.show(state);
    this.timeline.setState(state);
    this.laneList.refresh(state);
    this.choice.follow();
    const nowMs = performance.now();
    if (nowMs - this.refreshedMs < REFRESH_MS) return;
    this.refreshedMs = nowMs;
    this.refreshView();
  }

  /** There are lanes, or others than before. */
  onLanes() {
    this.places.refresh();
    this.reports.want();
  }

  /** @param {Reported} reported */
  onReport(reported) {
    const threads = (reported.report?.threads ?? []).filter(({ model }) => model !== "unknown");
    this.gutter.models = new Map(threads.map(({ pid, tid, model }) => [`${pid}/${tid}`, model]));
    this.timeline.invalidate();
    this.refreshView();
  }

  /** @param {Link} link @param {number} waitMs */
  onLink(link, waitMs) {
    if (link !== this.link) this.announce(link === "connected" ? say("announce.connected") : link === "lost" ? say("announce.lost") : "");
    // Another trace may answer at the same address: its lanes and names are others.
    const again = this.link === "lost" || !this.trace;
    if (link === "connected" && this.link !== "connected" && again) void this.reconnected();
    this.link = link;
    this.waitMs = waitMs;
    this.timeline.invalidate();
  }

  async reconnected() {
    try {
      const trace = await fetchTrace();
      if (this.trace && trace.startUnixNs === this.trace.startUnixNs) return;
      this.timeline.names = await fetchNames();
      this.trace = trace;
      this.timeline.live = trace.live;
      this.timeline.cache.clear();
      this.timeline.placed = false;
      this.reports.forget();
      this.comparisons.forget();
      this.laneList.forget();
      this.bands.forget();
      this.connections.forget();
      this.choice.close();
      this.places.forget();
    } catch (error) {
      this.onRefused(error);
    }
  }

  /** @param {unknown} error */
  onRefused(error) {
    if (error instanceof Refused && (error.status === 403 || error.status === 421)) this.onLink("refused", 0);
    else console.warn("ask the server:", error);
  }

  /** What is under the pointer is chosen: of a turn, the call that began it. @param {number} xPx @param {number} row */
  pick(xPx, row) {
    const { timeline } = this;
    const piece = timeline.hover ? pieceUnder(timeline, xPx, timeline.pointerY, row) : null;
    const lane = timeline.lanes[row];
    if (piece && lane) void this.choice.go(lane.lane, piece.longest.startNs, false);
    else void this.choice.pick(xPx, row);
  }

  /** Other connections have lanes now, or one has gone. */
  onConnections() {
    this.choice.show();
    this.refreshView();
    this.timeline.invalidate();
  }

  /** To the first call on a connection after a time, or the last before it. @param {number} id @param {"next" | "previous"} which @param {number} atNs */
  async step(id, which, atNs) {
    try {
      const found = await askFound(which, { descriptor: id, atNs });
      if (found) await this.choice.go(found.lane, found.startNs);
      else this.announce(say("strip.none"));
    } catch (error) {
      this.onRefused(error);
    }
  }

  /** Shows a call of a row on the timeline. @param {number} row @param {number} startNs @param {number} endNs */
  reveal(row, startNs, endNs) {
    this.showView("timeline");
    this.resize();
    this.timeline.reveal(startNs, endNs);
    const { scrollTop, clientHeight } = this.scroller;
    const topPx = row * ROW_PX;
    if (topPx < scrollTop || topPx + 2 * ROW_PX > scrollTop + clientHeight) this.scroller.scrollTo({ top: topPx - clientHeight / 2 });
  }

  /** @param {ViewName} name */
  showView(name) {
    if (name === this.views.name) return;
    this.views.choose(name);
    this.timeline.setShown(name === "timeline");
    if (name === "timeline") this.resize();
    if (this.views.current()?.wantsReport) this.reports.hurry();
    if (this.views.current()?.wantsDiff) this.comparisons.hurry();
    this.refreshView();
  }

  /** Shows in the view what there is to show by now. */
  refreshView() {
    const view = this.views.current();
    const { state, timeline, trace } = this;
    if (!view || !state) return;
    const { range, of } = rangeOf(timeline.window, timeline.selection, state);
    view.show({ palette: this.palette(), names: timeline.names, lanes: timeline.allLanes, trace, state, range, of, filter: this.places.filter, reported: this.reports.latest, compared: this.comparisons.latest, connections: this.connections.ids, go: this.go });
  }

  /** What the menu of exports is about. @returns {import("./export-menu.js").Shown} */
  exported() {
    const { trace, state, timeline } = this;
    this.places.address.write();
    return { trace, state, selection: timeline.selection, window: timeline.window, link: location.href };
  }

  /** @param {string} text */
  announce(text) {
    if (text) setText(byId("announce", HTMLElement), text);
  }

  /** Everything beside the canvas that shows what the frame shows. */
  showFrame() {
    const { timeline, state, trace } = this;
    this.header.show(trace, state, this.link, this.waitMs);
    this.gutter.processes = this.laneList.processes;
    const pointed = this.strip.pointed();
    const row = pointed === null ? -1 : timeline.lanes.findIndex(({ lane }) => lane === pointed);
    this.gutter.show(timeline.frame, timeline.lanes, state, timeline.hover?.row ?? (row < 0 ? null : row));
    this.strip.show();
    this.tooltip.show(timeline, this.strip);
    this.overview.show(timeline);
    this.inView.note(timeline);
    this.bands.note();
    this.connections.note();
    this.places.address.note();
    showStatus(timeline, state, trace, this.link);
  }
}
