/**
 * A server that speaks the page's protocol about a made-up trace, for tests and for working on the
 * page: `node fake-server.mjs [--live] [--lanes N] [--seconds N]`.
 *
 * Loopback only. It keeps the guard's rules (token, cookie, Host, Origin) and the real headers.
 */

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { answer, descriptorOf } from "./fake-answers.mjs";
import { connectionOf, delayOf } from "./fake-connection.mjs";
import { fakeReport } from "./fake-report.mjs";
import { bandOf } from "./fake-turns.mjs";
import { storyOf } from "./stories.mjs";
import { makeTrace, NAMES } from "./synthetic.mjs";
import { joinTiles, makeTile } from "./tile.mjs";

const ASSETS = new URL("../assets/", import.meta.url);
const TYPES = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };
const SECURITY = { "Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" };

export class FakeServer {
  /** @param {{ live?: boolean, trace?: object, nowNs?: number, keptNs?: number, port?: number }} options */
  constructor({ live = false, trace = {}, nowNs, keptNs = 0, port = 0 } = {}) {
    this.port = port;
    this.live = live;
    this.truth = makeTrace(trace);
    this.nowNs = nowNs ?? this.truth.endNs;
    this.keptNs = keptNs;
    /** What is missing of a recording, in the server's words. @type {string | null} */
    this.cut = null;
    this.token = randomBytes(16).toString("hex");
    this.streams = new Set();
    this.tiles = 0;
    /** @type {string[]} what was asked about calls */
    this.questions = [];
    /** @type {string[]} what was asked about connections along time */
    this.connections = [];
    this.empty = false;
    /** @type {{ read_bytes: number, all_bytes: number } | null} while a recording is being summed up */
    this.reading = null;
    this.failed = null;
    /** What can be exported, as `/api/trace` says it, and a status to refuse it with. */
    this.exports = { file: "dir/made up.waitscope", grows: false, why_not: null };
    this.exportStatus = 200;
    /** What a flight recorder has captured; null without one. */
    this.captures = null;
    /** How often a capture was asked for. */
    this.wishes = 0;
    /** The answer of `/api/diff`: there is no second recording. */
    this.diff = { names: null, diff: null, reading: null, failed: null };
    this.ended = !live;
  }

  /** @returns {Promise<string>} the address with its token */
  async listen() {
    this.http = createServer((request, response) => {
      this.answer(request, response).catch((error) => {
        response.writeHead(500).end();
        console.error(error);
      });
    });
    await new Promise((resolve) => this.http.listen(this.port, "127.0.0.1", resolve));
    this.port = this.http.address().port;
    return this.url;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/?token=${this.token}`;
  }

  async close() {
    for (const stream of this.streams) stream.destroy();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  /** Lets the trace go on to a time, and tells the pages. */
  advance(nowNs) {
    this.nowNs = nowNs;
    for (const stream of this.streams) stream.write(this.message());
  }

  message() {
    return `data: ${JSON.stringify(this.state())}\n\n`;
  }

  async answer(request, response) {
    const send = (status, headers = {}, body = "") => response.writeHead(status, { ...SECURITY, ...headers }).end(body);
    const host = request.headers.host ?? "";
    if (host !== `127.0.0.1:${this.port}` && host !== `localhost:${this.port}`) return send(421);
    const { origin, cookie = "" } = request.headers;
    if (origin !== undefined && origin !== `http://${host}`) return send(403);
    const isWish = request.method === "POST" && request.url === "/api/capture";
    if (!isWish && request.method !== "GET" && request.method !== "HEAD") return send(405);
    const url = new URL(request.url, `http://${host}`);
    const name = `waitscope_${this.port}`;
    if (url.pathname === "/" && url.searchParams.has("token")) {
      if (url.searchParams.get("token") !== this.token) return send(403);
      return send(303, { Location: "/", "Set-Cookie": `${name}=${this.token}; HttpOnly; SameSite=Strict; Path=/` });
    }
    if (!cookie.split("; ").includes(`${name}=${this.token}`)) return send(403);
    if (isWish) return this.wish(request, send);
    if (!url.pathname.startsWith("/api/")) return this.asset(url.pathname, send);
    return this.api(url.pathname.slice(5).split("/"), url.searchParams, request, response, send);
  }

  /** A capture is asked for: the real server wants to know by whom. */
  wish(request, send) {
    if (request.headers.origin === undefined) return send(403);
    if (!this.captures?.by_page) return send(409);
    this.wishes += 1;
    return send(202);
  }

  async asset(path, send) {
    const name = path === "/" ? "index.html" : path.slice(1);
    if (!/^[a-z-]+\.[a-z]+$/.test(name) || (path !== "/" && name === "index.html")) return send(404);
    try {
      const bytes = await readFile(new URL(name, ASSETS));
      return send(200, { "Content-Type": TYPES[name.split(".")[1]], "Cache-Control": "no-store" }, bytes);
    } catch {
      return send(404);
    }
  }

  api([what, ...rest], search, request, response, send) {
    const json = (value) => send(200, { "Content-Type": "application/json", "Cache-Control": "no-store" }, JSON.stringify(value));
    const [a, b, c, d] = rest.map(Number);
    switch (what) {
      case "trace":
        return json(this.trace());
      case "names":
        return json(NAMES);
      case "lanes":
        return json(this.lanes());
      case "live":
        response.writeHead(200, { ...SECURITY, "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
        response.write(this.message());
        this.streams.add(response);
        request.on("close", () => this.streams.delete(response));
        return undefined;
      case "tiles":
        return this.tilesOf(a, b, (rest[2] ?? "").split(",").map(Number), send);
      case "call":
        return this.call(a, b, json, send);
      case "report":
        return json(this.reading || this.failed !== null ? { report: null, reading: this.reading, failed: this.failed } : { report: fakeReport(this, callJson), threads_more: 0, reading: null, failed: null });
      case "diff":
        return json(this.diff);
      case "export":
        return this.export(search, request, response, send);
      case "totals": case "latency": case "heatmap": case "longest": case "next": case "previous": {
        this.questions.push(`${what}?${search}`);
        const said = answer(what, search, this, callJson);
        return typeof said === "number" ? send(said) : json(said);
      }
      case "turns":
        return this.truth.threads[a] ? json(bandOf(this.truth.threads[a], b, c, this.nowNs)) : send(404);
      case "connection":
        this.connections.push(rest.join("/"));
        if (![a, b, c, d].every(Number.isInteger) || c <= b || d < 1 || d > 4096) return send(400);
        return json(connectionOf(this, a, b, c, d));
      case "story":
        return this.story(a, b, json, send);
      default:
        return send(404);
    }
  }

  trace() {
    return {
      trace: {
        pid: 4242, command: "/usr/bin/server --port 7000 --workers 2", host: "fake", kernel: "6.1.0", arch: "x86_64",
        start_unix_ns: 1764000000000000000 + this.port, backend: "tp_btf", follow: false,
      },
      live: this.live,
      source: this.live ? "attach" : "made-up.waitscope",
      tile_buckets: 512,
      export: this.exports,
    };
  }

  shownThreads() {
    return this.empty ? [] : this.truth.threads.filter((thread) => (thread.beganNs ?? 0) <= this.nowNs);
  }

  lanes() {
    const lanes = this.shownThreads().map((thread) => ({
      lane: thread.lane, pid: thread.pid, tid: thread.tid, name: thread.name, began_ns: thread.beganNs,
      ended_ns: thread.endedNs !== null && thread.endedNs <= this.nowNs ? thread.endedNs : null,
      last_ns: thread.calls.findLast((call) => call.end <= this.nowNs)?.end ?? 0,
      calls: thread.calls.filter((call) => call.end <= this.nowNs).length,
    }));
    return { version: this.lanesVersion(), lanes, more: 0 };
  }

  lanesVersion() {
    return this.shownThreads().reduce((sum, one) => sum + 1 + (one.endedNs !== null && one.endedNs <= this.nowNs ? 1 : 0), 1);
  }

  /** What a thread is in the middle of at `nowNs`, from the raw facts. */
  openOf(thread) {
    const at = this.nowNs;
    const call = thread.calls.find((one) => one.start <= at && at < one.end);
    const span = thread.spans.find((one) => one.left <= at && at < one.back);
    const off = { off_since_ns: span ? span.left : null, woken_ns: span && at >= span.woken ? span.woken : null };
    if (call) {
      return { lane: thread.lane, call: call.name, in_call: true, since_ns: call.start, at_ns: at, began_before: (call.flags & 1) !== 0, fd: call.fd, ...off };
    }
    if (thread.open && thread.open.sinceNs <= at) {
      const { call: name, sinceNs, offSinceNs, fd } = thread.open;
      return { lane: thread.lane, call: name, in_call: true, since_ns: sinceNs, at_ns: at, began_before: false, fd, off_since_ns: offSinceNs, woken_ns: null };
    }
    const before = thread.calls.filter((one) => one.end <= at).at(-1);
    return { lane: thread.lane, call: null, in_call: false, since_ns: before?.end ?? thread.beganNs ?? 0, at_ns: at, began_before: false, ...off };
  }

  sealedNs(open) {
    if (this.ended) return this.nowNs;
    return Math.min(this.nowNs, ...open.map((one) => Math.min(one.since_ns, one.off_since_ns ?? Infinity)));
  }

  state() {
    const threads = this.shownThreads();
    const alive = threads.filter((thread) => thread.endedNs === null || thread.endedNs > this.nowNs);
    const open = alive.map((thread) => this.openOf(thread));
    const count = (list) => threads.reduce((sum, thread) => sum + list(thread), 0);
    const calls = count((thread) => thread.calls.filter((call) => call.end <= this.nowNs).length);
    const offcpu = count((thread) => thread.spans.filter((span) => span.back <= this.nowNs).length);
    const gaps = this.truth.gaps.filter(([, end]) => end <= this.nowNs);
    const lost = gaps.reduce((sum, [, , one]) => sum + one, 0);
    return {
      now_ns: this.nowNs, sealed_ns: this.sealedNs(open), kept_ns: this.keptNs, held_ns: this.keptNs, ended: this.ended, cut: this.cut,
      calls, offcpu, made: calls + offcpu + lost, lost, untracked: 0, compat: 0,
      lanes: threads.length, lanes_version: this.lanesVersion(), gaps, open, captures: this.captures,
      cost: { cpu_fraction: 0.0123, rss_bytes: 21_400_000, store_bytes: 6_200_000, recorded_bytes: null, probe_ns_per_call: 310 },
    };
  }

  tilesOf(level, index, lanes, send) {
    if (!Number.isInteger(level) || level < 0 || level > 40 || !Number.isInteger(index) || index < 0 || lanes.length > 16) return send(400);
    if (!lanes.every((lane) => this.truth.threads[lane])) return send(404);
    this.tiles += lanes.length;
    const open = this.shownThreads().map((one) => this.openOf(one));
    const width = 512 * 2 ** level;
    const sealed = (index + 1) * width <= this.sealedNs(open) && index * width >= this.keptNs;
    const tiles = lanes.map((lane) => [lane, makeTile(this.truth.threads[lane], level, index, { sealed, nowNs: this.nowNs, names: NAMES })]);
    return send(200, { "Content-Type": "application/octet-stream", "Cache-Control": "no-store" }, Buffer.from(joinTiles(tiles)));
  }

  /** The call that the protocol wants for a lane and a time. */
  callAt(lane, atNs) {
    return this.truth.threads[lane]?.calls.filter((call) => call.start <= atNs && call.end <= this.nowNs).at(-1) ?? null;
  }

  /** Calls of a range, by the rule of exports: those that ended when it had begun, and began before its end. */
  export(search, request, response, send) {
    this.questions.push(`export?${search}`);
    const [from, to] = ["from_ns", "to_ns"].map((name) => (search.has(name) ? Number(search.get(name)) : null));
    const format = search.get("format");
    if (!["json", "ndjson", "csv", "chrome", "perfetto", "parquet"].includes(format) || (to !== null && to <= (from ?? 0))) return send(400);
    if (this.exportStatus !== 200) return send(this.exportStatus);
    const name = `made_up${from === null ? "" : `-${from}-${to}ns`}.${format}`;
    const headers = { "Content-Type": "application/octet-stream", "Content-Disposition": `attachment; filename="${name}"` };
    if (request.method === "HEAD") return send(200, headers);
    const calls = this.shownThreads().flatMap((thread) => thread.calls
      .filter((call) => call.end <= this.nowNs && call.end >= (from ?? 0) && (to === null || call.start < to))
      .map((call) => callJson(thread, call)));
    return send(200, headers, JSON.stringify({ format: "waitscope", calls }));
  }

  story(lane, atNs, json, send) {
    const thread = this.truth.threads[lane];
    const call = Number.isInteger(atNs) ? this.callAt(lane, atNs) : null;
    if (!thread || !call) return send(404);
    return json(storyOf(thread, call, (one) => callJson(thread, one)));
  }

  call(lane, atNs, json, send) {
    const thread = this.truth.threads[lane];
    const call = Number.isInteger(atNs) ? this.callAt(lane, atNs) : null;
    if (!thread || !call) return send(404);
    const spans = thread.spans.filter((span) => span.inCall && span.left >= call.start && span.back <= call.end);
    return json({
      call: callJson(thread, call),
      offcpu: spans.slice(0, 1000).map((span) => ({
        tid: thread.tid, pid: thread.pid, cpu: 1, start_ns: span.left, ...(span.preempted ? {} : { woken_ns: span.woken }),
        end_ns: span.back, blocked_ns: span.woken - span.left, runnable_ns: span.back - span.woken, in_call: true,
        preempted: span.preempted, state: span.preempted ? 0 : 1, waker: { tid: 0, pid: 0, context: "softirq", name: "swapper/1" },
      })),
      offcpu_more: Math.max(0, spans.length - 1000),
    });
  }
}

export function callJson(thread, call) {
  return {
    tid: thread.tid, pid: thread.pid, cpu: 1, call: call.name, nr: NAMES.indexOf(call.name),
    ...(call.fd === null ? {} : { fd: call.fd, descriptor: descriptorOf(call) }), ...(delayOf(call) === null ? {} : { ready_delay_ns: delayOf(call) }),
    start_ns: call.start, end_ns: call.end, kernel_ns: call.kernel, blocked_ns: call.blocked, runnable_ns: call.runnable,
    copying_ns: call.copying, copying: Number.isNaN(call.copyStart) ? "none" : call.flags & 4 ? "inferred" : "seen",
    ...(Number.isNaN(call.copyStart) ? {} : { copy_start_ns: call.copyStart }), sleeps: call.sleeps, preemptions: call.preemptions,
    ...(call.waker ? { waker: call.waker } : {}), ...(call.ret === null ? {} : { ret: call.ret }),
    ...(call.ret === -11 ? { error: "EAGAIN" } : {}), interrupted: false, check: (call.flags & 16) !== 0,
    began_before: (call.flags & 1) !== 0, killed: (call.flags & 2) !== 0, continues: (call.flags & 8) !== 0,
    others: call.others, other_ns: call.other,
  };
}

async function main() {
  const number = (name, otherwise) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
  };
  const live = process.argv.includes("--live");
  const seconds = number("--seconds", 60);
  const server = new FakeServer({ live, port: number("--port", 0), nowNs: live ? 1e9 : undefined, trace: { seconds, lanes: number("--lanes", 6) } });
  console.log(await server.listen());
  if (live) setInterval(() => server.advance(Math.min(server.nowNs + 1e8, server.truth.endNs)), 100);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
