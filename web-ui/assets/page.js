/**
 * The page as a whole: keeps trace, state and lanes, and hands them to the parts that show them.
 *
 * Must never draw: parts do, once per frame of the timeline.
 *
 * @import { Link } from "./live.js"
 * @import { State, Trace } from "./messages.js"
 * @import { Range, ViewName, ViewState } from "./view-state.js"
 */

import { Address } from "./address.js";
import { byId, el, setText } from "./dom.js";
import { FindBar } from "./find-bar.js";
import { formatNs, formatTime } from "./format.js";
import { Gutter } from "./gutter.js";
import { Header } from "./header.js";
import { listen } from "./input.js";
import { contentPx, ROW_PX } from "./layout.js";
import { showLegend } from "./legend.js";
import { Live } from "./live.js";
import { listenToOverview } from "./overview-input.js";
import { Overview } from "./overview.js";
import { Panel } from "./panel.js";
import { DARK, LIGHT } from "./phases.js";
import { xToTime } from "./scale.js";
import { SelectionBar } from "./selection-bar.js";
import { withEdge } from "./selection.js";
import { fetchCall, fetchLanes, fetchNames, fetchTile, fetchTrace, Refused } from "./server.js";
import { Timeline } from "./timeline.js";
import { Tooltip } from "./tooltip.js";
import { VIEWS } from "./view-state.js";

/** How far from the panel's edge a clicked call is kept. */
const UNCOVER_PX = 80;

export class Page {
  constructor() {
    /** @type {Trace | null} */
    this.trace = null;
    /** @type {State | null} */
    this.state = null;
    /** @type {Link} */
    this.link = "connecting";
    this.waitMs = 0;
    this.lanesVersion = -1;
    this.lanesCount = -1;
    this.fetchingLanes = false;
    /** @type {{ answer: Record<string, unknown>, thread: string } | null} */
    this.chosen = null;
    /** The latest click wins. */
    this.picks = 0;
    /** @type {ViewName} */
    this.view = "timeline";
    /** @type {ViewState["filter"]} */
    this.filter = { lane: null, nr: null };
    /** @type {ViewState["call"]} that an address asks for, until its lane is known */
    this.wantedCall = null;
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.header = new Header();
    this.gutter = new Gutter();
    this.tooltip = new Tooltip();
    this.overview = new Overview();
    this.address = new Address({ state: () => this.viewState(), show: (state) => this.showState(state), onRest: () => this.onRest() });
    this.selectionBar = new SelectionBar({ onZoom: () => this.fit(), onClear: () => this.select(null) });
    this.findBar = new FindBar({
      names: () => this.timeline.names,
      lanes: () => this.timeline.lanes,
      fromNs: () => this.timeline.pinned?.startNs ?? this.timeline.window.fromNs,
      onFound: (call) => void this.choose(call.lane, call.startNs),
      onClosed: () => this.timeline.canvas.focus(),
    });
    this.panel = new Panel({ onClose: () => this.close(), onZoom: () => this.zoomToPinned() });
    this.scroller = byId("scroller", HTMLElement);
    this.followButton = byId("follow", HTMLButtonElement);
    this.timeline = new Timeline(byId("timeline", HTMLCanvasElement), this.palette(), {
      onFrame: () => this.showFrame(),
      onRefused: (error) => this.onRefused(error),
      fetch: fetchTile,
      alsoWanted: (timeline, state) => this.overview.wishes(timeline, state),
    });
    this.live = new Live({ onState: (state) => this.onState(state), onLink: (link, waitMs) => this.onLink(link, waitMs) });
  }

  palette() {
    return this.dark.matches ? DARK : LIGHT;
  }

  /** Wires the parts, asks the server who is traced, and begins to listen. */
  async start() {
    this.wire();
    this.showState(this.address.opened());
    showLegend(this.palette());
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
    const whole = () => this.whole();
    const dialog = byId("help", HTMLDialogElement);
    const help = () => dialog.showModal();
    listen(this.timeline, {
      follow, toggleFollow, whole, help,
      pick: (xPx, row) => void this.pick(xPx, row),
      close: () => (byId("panel", HTMLElement).hidden ? this.select(null) : this.close()),
      zoomToPinned: () => this.zoomToPinned(),
      scrollBy: (px) => this.scroller.scrollBy({ top: px }),
      select: (range, done) => this.select(range, done),
      setEdge: (edge, xPx) => this.select(withEdge(this.timeline.selection, edge, xToTime(this.timeline.view, xPx), this.timeline.window)),
      mark: () => this.mark(),
      fit: () => this.fit(),
      back: () => this.travel("back"),
      forth: () => this.travel("forth"),
      find: () => this.findBar.open(),
      step: (which) => void this.findBar.step(which),
      view: (index) => this.showView(VIEWS[index] ?? "timeline"),
    });
    listenToOverview(this.overview, this.timeline);
    byId("back", HTMLButtonElement).addEventListener("click", () => this.travel("back"));
    byId("forth", HTMLButtonElement).addEventListener("click", () => this.travel("forth"));
    byId("find-open", HTMLButtonElement).addEventListener("click", () => this.findBar.open());
    this.followButton.addEventListener("click", toggleFollow);
    byId("whole", HTMLButtonElement).addEventListener("click", whole);
    const middle = () => this.timeline.frame.widthPx / 2;
    byId("closer", HTMLButtonElement).addEventListener("click", () => this.timeline.zoomAt(2, middle()));
    byId("wider", HTMLButtonElement).addEventListener("click", () => this.timeline.zoomAt(0.5, middle()));
    byId("help-open", HTMLButtonElement).addEventListener("click", help);
    this.scroller.addEventListener("scroll", () => this.timeline.scrollTo(this.scroller.scrollTop));
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    new ResizeObserver(() => this.resizeOverview()).observe(byId("overview-strip", HTMLElement));
    this.dark.addEventListener("change", () => {
      this.timeline.setPalette(this.palette());
      showLegend(this.palette());
      this.selectionBar.latest.forget();
      this.select(this.timeline.selection);
      if (this.chosen) this.panel.show(this.chosen.answer, this.chosen.thread, this.palette());
    });
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
    this.state = state;
    this.timeline.setState(state);
    this.refreshLanes(state);
  }

  /** @param {State} state */
  refreshLanes(state) {
    // Not the number of lanes at hand: the server sends 4096 at most, and there may be more.
    if (state.lanesVersion !== this.lanesVersion || state.lanes !== this.lanesCount) void this.updateLanes(state);
  }

  /** @param {State} state */
  async updateLanes(state) {
    if (this.fetchingLanes) return;
    this.fetchingLanes = true;
    try {
      const { lanes } = await fetchLanes();
      this.timeline.setLanes(lanes);
      // The state's version, not the answer's: a newer answer is fetched again, an older one never kept.
      this.lanesVersion = state.lanesVersion;
      this.lanesCount = state.lanes;
      byId("stage", HTMLElement).style.height = `${contentPx(lanes.length)}px`;
      this.resize();
      // What an address asked for could not be shown before.
      this.select(this.timeline.selection);
      this.chooseWanted();
    } catch (error) {
      this.onRefused(error);
    } finally {
      this.fetchingLanes = false;
    }
    // A state that came meanwhile may be the last one for a long time.
    if (this.state && this.state !== state) this.refreshLanes(this.state);
  }

  /** @param {Link} link @param {number} waitMs */
  onLink(link, waitMs) {
    if (link !== this.link) this.announce(link === "connected" ? "Connected" : link === "lost" ? "Disconnected" : "");
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
      this.lanesVersion = -1;
      this.close();
    } catch (error) {
      this.onRefused(error);
    }
  }

  /** @param {unknown} error */
  onRefused(error) {
    if (error instanceof Refused && (error.status === 403 || error.status === 421)) this.onLink("refused", 0);
    else console.warn("ask the server:", error);
  }

  /** @param {number} xPx @param {number} row */
  async pick(xPx, row) {
    const lane = this.timeline.lanes[row];
    if (lane && (await this.choose(lane.lane, xToTime(this.timeline.view, xPx), false))) this.uncover(xPx);
  }

  /**
   * Chooses the call of a lane at a time, and shows it in full; on the timeline too, if it is not in view.
   * @param {number} number of the lane
   * @param {number} atNs
   * @param {boolean} [reveal]
   * @returns {Promise<boolean>} whether there is one
   */
  async choose(number, atNs, reveal = true) {
    const row = this.timeline.lanes.findIndex((one) => one.lane === number);
    const lane = this.timeline.lanes[row];
    if (!lane) return false;
    this.picks += 1;
    const pick = this.picks;
    const thread = `${lane.name || "thread"} · thread ${lane.tid} of process ${lane.pid}`;
    try {
      const answer = await fetchCall(number, atNs);
      if (pick !== this.picks) return false;
      const call = /** @type {Record<string, unknown>} */ (answer?.["call"] ?? {});
      if (!answer || typeof call["start_ns"] !== "number" || typeof call["end_ns"] !== "number") {
        this.close();
        this.panel.say("No call", "This thread had made no call by then.");
        return false;
      }
      this.chosen = { answer, thread };
      this.timeline.pin({ lane: lane.lane, startNs: call["start_ns"], endNs: call["end_ns"] });
      this.panel.show(answer, thread, this.palette());
      this.announce(`${String(call["call"])}, ${formatNs(call["end_ns"] - call["start_ns"])}`);
      if (reveal) this.reveal(row, call["start_ns"], call["end_ns"]);
      return true;
    } catch (error) {
      this.onRefused(error);
      this.panel.say("No answer", "The server did not tell about this call; click again.");
      return false;
    }
  }

  /** @param {number} row @param {number} startNs @param {number} endNs */
  reveal(row, startNs, endNs) {
    this.showView("timeline");
    this.resize();
    this.timeline.reveal(startNs, endNs);
    const { scrollTop, clientHeight } = this.scroller;
    const topPx = row * ROW_PX;
    if (topPx < scrollTop || topPx + 2 * ROW_PX > scrollTop + clientHeight) this.scroller.scrollTo({ top: topPx - clientHeight / 2 });
  }

  /** The panel takes room from the timeline: what was clicked stays in view. @param {number} xPx */
  uncover(xPx) {
    this.resize();
    const coveredPx = xPx - this.timeline.frame.widthPx + UNCOVER_PX;
    if (coveredPx > 0) this.timeline.panBy(coveredPx);
  }

  zoomToPinned() {
    const { pinned } = this.timeline;
    if (!pinned) return;
    const aroundNs = Math.max(20, (pinned.endNs - pinned.startNs) * 0.5);
    this.timeline.show(pinned.startNs - aroundNs, pinned.endNs + aroundNs);
  }

  /** @param {Range | null} range @param {boolean} [done] whether it is not being drawn out any more */
  select(range, done = true) {
    const was = this.timeline.selection;
    this.timeline.select(range);
    this.selectionBar.show(range, done, this.timeline.lanes, this.state, this.palette());
    if ((was === null) !== (range === null)) this.resize();
    if (done && range) this.announce(`selected ${formatNs(range.toNs - range.fromNs)}`);
  }

  /** Selects the time of the chosen call. */
  mark() {
    const { pinned } = this.timeline;
    if (pinned) this.select({ fromNs: pinned.startNs, toNs: Math.max(pinned.endNs, pinned.startNs + 1) });
  }

  fit() {
    const { selection } = this.timeline;
    if (selection) this.timeline.show(selection.fromNs, selection.toNs);
    else this.whole();
  }

  whole() {
    this.timeline.show(this.state?.keptNs ?? 0, this.state?.nowNs ?? 1);
  }

  /** To the window before, or the one after. @param {"back" | "forth"} which */
  travel(which) {
    const to = this.address[which](this.timeline.window);
    if (to) this.timeline.showExactly(to);
    this.onRest();
  }

  /** What the address says. @returns {ViewState} */
  viewState() {
    const { timeline } = this;
    const { pinned, selection } = timeline;
    return {
      window: timeline.following || !timeline.placed ? null : timeline.window,
      call: pinned ? { lane: pinned.lane, atNs: pinned.startNs } : this.wantedCall,
      selection,
      view: this.view,
      filter: this.filter,
    };
  }

  /** What an address asks for; what it does not name stays as it is. @param {ViewState} wanted */
  showState(wanted) {
    this.filter = wanted.filter;
    if (wanted.window && this.timeline.placed) this.timeline.showExactly(wanted.window);
    else this.timeline.wanted = wanted.window;
    this.select(wanted.selection);
    this.wantedCall = wanted.call;
    this.showView(wanted.view);
    this.chooseWanted();
  }

  /** The call that the address asks for, once its lane is known. */
  chooseWanted() {
    const call = this.wantedCall;
    if (!call || !this.timeline.lanes.some(({ lane }) => lane === call.lane)) return;
    this.wantedCall = null;
    const { window, following } = this.timeline;
    void this.choose(call.lane, call.atNs, false).then(() => {
      // The panel has taken room: what the address asks for is a window, not a zoom.
      this.resize();
      if (!following) this.timeline.showExactly(window);
    });
  }

  /** @param {ViewName} name */
  showView(name) {
    this.view = name;
  }

  /** The view has come to rest. */
  onRest() {
    byId("back", HTMLButtonElement).disabled = !this.address.history.canGoBack();
    byId("forth", HTMLButtonElement).disabled = !this.address.history.canGoForth();
  }

  close() {
    this.picks += 1;
    this.chosen = null;
    this.timeline.pin(null);
    this.panel.close();
  }

  /** @param {string} text */
  announce(text) {
    if (text) setText(byId("announce", HTMLElement), text);
  }

  /** Everything beside the canvas that shows what the frame shows. */
  showFrame() {
    const { timeline, state, trace } = this;
    this.header.show(trace, state, this.link, this.waitMs);
    this.gutter.show(timeline.frame, timeline.lanes, state, timeline.hover?.row ?? null);
    this.tooltip.show(timeline);
    this.overview.show(timeline);
    this.address.note();
    const canFollow = trace?.live === true && state !== null && !state.ended;
    this.followButton.hidden = !canFollow;
    setText(this.followButton, timeline.following ? "Pause" : "Follow live");
    this.followButton.setAttribute("aria-pressed", String(timeline.following));
    const spanNs = timeline.view.nsPerPx * timeline.frame.widthPx;
    const from = formatTime(Math.max(0, timeline.view.startNs), spanNs / 1000);
    setText(byId("where", HTMLElement), state ? `${formatNs(spanNs)} shown, from ${from}` : "");
    this.showEmpty();
  }

  showEmpty() {
    const empty = byId("empty", HTMLElement);
    const [title, words] = this.emptyWords();
    empty.hidden = title === "";
    if (empty.firstElementChild?.textContent !== title) empty.replaceChildren(el("strong", "", title), words);
  }

  /** @returns {[string, string]} */
  emptyWords() {
    if (this.link === "refused") return ["Not authorised", "The address that waitscope printed carries the token."];
    if (!this.state) return ["Connecting…", "Waiting for the first word from waitscope."];
    if (this.state.lanes === 0) return ["No threads yet", "They appear with the first thing they do."];
    if (this.state.calls === 0 && this.state.offcpu === 0 && this.state.open.size === 0) {
      return ["Nothing yet", "No traced call has ended so far."];
    }
    return ["", ""];
  }
}
