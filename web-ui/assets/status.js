/**
 * What the page says of itself in words: how much of time is in view, whether it follows, why there is nothing to see.
 *
 * Must never leave an empty page without saying why.
 *
 * @import { Link } from "./live.js"
 * @import { State, Trace } from "./messages.js"
 * @import { Timeline } from "./timeline.js"
 */

import { byId, el, setText } from "./dom.js";
import { formatNs, formatTime } from "./format.js";
import { say } from "./words.js";

/** Nobody reads words that change with every frame, and each time the page is laid out anew for them. */
const WHERE_MS = 100;

let whereMs = -Infinity;
let waiting = false;

/** Says what is in view: at once, but while the view moves only now and then. @param {Timeline} timeline */
function showWhere(timeline) {
  const restMs = whereMs + WHERE_MS - performance.now();
  if (restMs <= 0) {
    whereMs = performance.now();
    const spanNs = timeline.view.nsPerPx * timeline.frame.widthPx;
    const from = formatTime(Math.max(0, timeline.view.startNs), spanNs / 1000);
    setText(byId("where", HTMLElement), timeline.state ? say("status.where", { span: formatNs(spanNs), from }) : "");
  } else if (!waiting) {
    waiting = true;
    setTimeout(() => {
      waiting = false;
      showWhere(timeline);
    }, restMs);
  }
}

/** @param {Timeline} timeline @param {State | null} state @param {Trace | null} trace @param {Link} link */
export function showStatus(timeline, state, trace, link) {
  const follow = byId("follow", HTMLButtonElement);
  follow.hidden = !(trace?.live === true && state !== null && !state.ended);
  setText(follow, timeline.following ? say("pause") : say("follow"));
  follow.setAttribute("aria-pressed", String(timeline.following));
  showWhere(timeline);
  const empty = byId("empty", HTMLElement);
  const [title, words] = emptyWords(state, link);
  empty.hidden = title === "";
  if (empty.firstElementChild?.textContent !== title) empty.replaceChildren(el("strong", "", title), words);
}

/** @param {State | null} state @param {Link} link @returns {[string, string]} */
function emptyWords(state, link) {
  if (link === "refused") return [say("empty.refused"), say("empty.refused.says")];
  if (!state) return [say("empty.connecting"), say("empty.connecting.says")];
  if (state.lanes === 0) return [say("empty.threads"), say("empty.threads.says")];
  if (state.calls === 0 && state.offcpu === 0 && state.open.size === 0) {
    return [say("empty.calls"), say("empty.calls.says")];
  }
  return ["", ""];
}
