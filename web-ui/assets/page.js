/**
 * The page as a whole: keeps trace, state and lanes, and hands them to the parts that show them.
 *
 * Must never draw: parts do, once per frame of the timeline.
 *
 * @import { Link } from "./live.js"
 * @import { State, Trace } from "./messages.js"
 */

import { byId, el, setText } from "./dom.js";
import { formatNs, formatTime } from "./format.js";
import { Gutter } from "./gutter.js";
import { Header } from "./header.js";
import { listen } from "./input.js";
import { contentPx } from "./layout.js";
import { showLegend } from "./legend.js";
import { Live } from "./live.js";
import { Panel } from "./panel.js";
import { DARK, LIGHT } from "./phases.js";
import { xToTime } from "./scale.js";
import { fetchCall, fetchLanes, fetchNames, fetchTile, fetchTrace, Refused } from "./server.js";
import { Timeline } from "./timeline.js";
import { Tooltip } from "./tooltip.js";

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
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.header = new Header();
    this.gutter = new Gutter();
    this.tooltip = new Tooltip();
    this.panel = new Panel({ onClose: () => this.close(), onZoom: () => this.zoomToPinned() });
    this.scroller = byId("scroller", HTMLElement);
    this.followButton = byId("follow", HTMLButtonElement);
    this.timeline = new Timeline(byId("timeline", HTMLCanvasElement), this.palette(), {
      onFrame: () => this.showFrame(),
      onRefused: (error) => this.onRefused(error),
      fetch: fetchTile,
    });
    this.live = new Live({ onState: (state) => this.onState(state), onLink: (link, waitMs) => this.onLink(link, waitMs) });
  }

  palette() {
    return this.dark.matches ? DARK : LIGHT;
  }

  /** Wires the parts, asks the server who is traced, and begins to listen. */
  async start() {
    this.wire();
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
    const whole = () => this.timeline.show(this.state?.keptNs ?? 0, this.state?.nowNs ?? 1);
    const dialog = byId("help", HTMLDialogElement);
    const help = () => dialog.showModal();
    listen(this.timeline, {
      follow, toggleFollow, whole, help,
      pick: (xPx, row) => void this.pick(xPx, row),
      close: () => this.close(),
      zoomToPinned: () => this.zoomToPinned(),
      scrollBy: (px) => this.scroller.scrollBy({ top: px }),
    });
    this.followButton.addEventListener("click", toggleFollow);
    byId("whole", HTMLButtonElement).addEventListener("click", whole);
    const middle = () => this.timeline.frame.widthPx / 2;
    byId("closer", HTMLButtonElement).addEventListener("click", () => this.timeline.zoomAt(2, middle()));
    byId("wider", HTMLButtonElement).addEventListener("click", () => this.timeline.zoomAt(0.5, middle()));
    byId("help-open", HTMLButtonElement).addEventListener("click", help);
    this.scroller.addEventListener("scroll", () => this.timeline.scrollTo(this.scroller.scrollTop));
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    this.dark.addEventListener("change", () => {
      this.timeline.setPalette(this.palette());
      showLegend(this.palette());
      if (this.chosen) this.panel.show(this.chosen.answer, this.chosen.thread, this.palette());
    });
  }

  resize() {
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
    if (!lane) return;
    this.picks += 1;
    const pick = this.picks;
    const thread = `${lane.name || "thread"} · thread ${lane.tid} of process ${lane.pid}`;
    try {
      const answer = await fetchCall(lane.lane, xToTime(this.timeline.view, xPx));
      if (pick !== this.picks) return;
      const call = /** @type {Record<string, unknown>} */ (answer?.["call"] ?? {});
      if (!answer || typeof call["start_ns"] !== "number" || typeof call["end_ns"] !== "number") {
        this.close();
        this.panel.say("No call", "This thread had made no call by then.");
        return;
      }
      this.chosen = { answer, thread };
      this.timeline.pin({ lane: lane.lane, startNs: call["start_ns"], endNs: call["end_ns"] });
      this.panel.show(answer, thread, this.palette());
      this.uncover(xPx);
      this.announce(`${String(call["call"])}, ${formatNs(call["end_ns"] - call["start_ns"])}`);
    } catch (error) {
      this.onRefused(error);
      this.panel.say("No answer", "The server did not tell about this call; click again.");
    }
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
