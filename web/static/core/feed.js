/**
 * The feed: keeps the present up to date. `init` on the socket means "begin anew", so everything is asked for once;
 * from there on events alone move it, over every reconnect, and nothing is asked for again but lists that an event
 * has made old.
 *
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').Scene} Scene
 * @typedef {import('./store.js').Store} Store
 */
import { get } from './api.js';
import { Lists } from './lists.js';
import { confirmed, undecided } from './orders.js';
import { Pace } from './pace.js';
import { follow } from './scene.js';
import { isDamaged, isRecord } from './shape.js';
import { Socket } from './socket.js';
import { tell } from './toasts.js';
import { cause } from './trouble.js';

const FIRST_LINES = 300;
const OLDER_LINES = 500;
const RETRY = 2_000;

export class Feed {
  /** @param {Store} store @param {() => void} anew - Forget everything, this page too. */
  constructor(store, anew) {
    this.store = store;
    this.anew = anew;
    /** Which one the events are of: another has other events under the same numbers. Empty: not known. */
    this.database = '';
    /** The last event that came; -1: everything has to be asked for first. */
    this.seq = -1;
    this.loading = false;
    /** Whether the server answered when it was last asked why there is no line. */
    this.answered = false;
    /** What the server's clock is ahead of this one. */
    this.offset = 0;
    /** @type {Envelope[]} Came, but are not in the state yet. */
    this.waiting = [];
    this.pace = new Pace(() => this.flush());
    /** @type {number[]} */
    this.latencies = [];
    this.lists = new Lists(store);
    /** The newest look at everything, and when it is tried again. */
    this.looks = 0;
    this.again = 0;
    /** After which event there was a gap the last time. */
    this.gapAfter = -1;
    this.socket = new Socket({
      after: () => (this.seq < 0 ? null : this.seq),
      of: () => this.database,
      event: (event) => this.event(event),
      message: (type, payload) => this.message(type, payload),
      state: (state, retryAt) => this.line(state, retryAt),
    });
  }

  start() {
    this.socket.open();
    document.addEventListener('visibilitychange', () => this.watch());
    this.pace.start();
  }

  /** Now, by the server's clock. */
  now() {
    return Date.now() + this.offset;
  }

  /** @param {'connecting' | 'live' | 'reconnecting'} state @param {number} retryAt */
  line(state, retryAt) {
    const { line } = this.store.state;
    // Since when the data is old, not since the last attempt to get new.
    const { since, from, cause } = line.state !== 'live' && state !== 'live' ? line
      : { since: Date.now(), from: performance.now(), cause: /** @type {const} */ ('') };
    this.store.set({ line: { ...line, state, since, from, cause, retryAt } });
    if (state === 'live') this.watch();
    else if (this.socket.failures > 1) void this.explain();
  }

  /** Find out why there is no line. */
  async explain() {
    const found = await cause();
    const { line } = this.store.state;
    if (line.state === 'live') return;
    // A runner that has just come back answers before it is connected to.
    const isSure = found !== 'full' || this.answered;
    this.answered = found === 'full';
    if (isSure) this.store.set({ line: { ...line, cause: found } });
  }

  /** What only somebody who looks at it needs. */
  watch() {
    this.socket.say({ type: 'watch', overview: !document.hidden });
  }

  /** @param {string} type @param {any} payload */
  message(type, payload) {
    if (type === 'init') this.begin(payload?.database ?? '');
    else if (type === 'overview') this.store.set({ overview: payload.overview, health: payload.health });
  }

  /** @param {Envelope} told */
  event(told) {
    const event = isRecord(told.payload) ? told : { ...told, payload: {} };
    if (this.loading) this.waiting.push(event);
    else if (event.seq === this.seq + 1) {
      this.seq = event.seq;
      this.waiting.push(event);
      this.measure(event);
      this.pace.ask();
    } else if (event.seq > this.seq) this.gap();
  }

  /** Something is missing: it is asked for, and when that brings the same gap, everything is. */
  gap() {
    if (this.gapAfter !== this.seq) {
      this.gapAfter = this.seq;
      this.socket.restart();
      return;
    }
    this.flush();
    this.seq = -1;
    this.socket.lost();
  }

  /** The server begins from nothing. @param {string} database */
  begin(database) {
    if (database && this.database && database !== this.database) {
      this.anew();
      return;
    }
    this.database = database;
    void this.load();
  }

  /** Everything about the present. What comes meanwhile waits; only the newest look counts. */
  async load() {
    clearTimeout(this.again);
    this.looks += 1;
    const look = this.looks;
    this.loading = true;
    this.waiting = [];
    try {
      const { present, events } = await this.look();
      if (look === this.looks) this.loaded(present, events);
    } catch (error) {
      if (look !== this.looks) return;
      this.store.set({ loadError: error instanceof Error ? error.message : String(error) });
      this.again = setTimeout(() => this.load(), RETRY);
    }
  }

  async look() {
    const began = Date.now();
    const present = await get('/api/board');
    const took = Date.now() - began;
    const ahead = present.server_time - (began + took / 2);
    // A difference that the way there explains is none.
    this.offset = Math.abs(ahead) <= took ? 0 : Math.round(ahead);
    return { present, events: (await get('/api/events', { before: present.seq + 1, limit: FIRST_LINES })).events };
  }

  /** @param {any} present @param {Envelope[]} events */
  loaded(present, events) {
    this.present(present, events);
    const late = this.waiting.filter((event) => event.seq > this.seq);
    this.loading = false;
    this.waiting = [];
    late.forEach((event) => this.event(event));
    this.lists.refreshAll();
  }

  /** @param {any} present @param {Envelope[]} events */
  present({ seq, project, idle_minutes, board, attempts, chains, waits }, events) {
    const { log } = this.store.state;
    log.clear();
    log.prepend(events, events.length < FIRST_LINES);
    this.seq = seq;
    this.store.set({
      live: { board, attempts: byId(attempts), chains: byId(chains), waits },
      logVersion: this.store.state.logVersion + 1, loaded: true, loadError: '', orders: {}, project, idleMinutes: idle_minutes,
      now: this.now(),
    });
  }

  /** Older lines of the log; whether there were any. */
  async older() {
    const { log } = this.store.state;
    if (log.complete || !log.firstSeq) return;
    const before = log.firstSeq;
    const { events } = await get('/api/events', { before, limit: OLDER_LINES });
    if (log.firstSeq !== before) return;
    log.prepend(events, events.length < OLDER_LINES);
    this.store.set({ logVersion: this.store.state.logVersion + 1 });
  }

  /** Bring what has come into the state, in one go. */
  flush() {
    if (this.loading || this.waiting.length === 0) return;
    const events = this.waiting;
    this.waiting = [];
    const { state } = this.store;
    state.log.append(events);
    this.store.set({
      live: events.reduce(follow, state.live),
      logVersion: state.logVersion + 1,
      line: { ...state.line, latency: this.latency() },
      orders: confirmed(state.orders, events),
      toasts: undecided(state.toasts, events),
      now: this.now(),
    });
    for (const event of events) if (!isDamaged(event)) tell(this.store, event);
    this.lists.outdate(events);
  }

  /** @param {Envelope} event */
  measure({ timestamp }) {
    // What is told after a pause was not on its way all that time.
    if (timestamp - this.offset < this.store.state.line.since) return;
    this.latencies.push(Math.max(0, this.now() - timestamp));
    if (this.latencies.length > 100) this.latencies.shift();
  }

  /** The median of the last ones: what was replayed after a pause says nothing about now. */
  latency() {
    const sorted = [...this.latencies].sort((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  }

  /** @param {import('./lists.js').Name} list */
  refresh(list) {
    return this.lists.refresh(list);
  }

  /** The batches that are shown, and `more` of them. @param {number} [more] */
  refreshBatches(more = 0) {
    return this.lists.refreshBatches(more);
  }
}

/**
 * @template {{id: number}} Item
 * @param {Item[]} items
 * @returns {Record<string, Item>}
 */
export function byId(items) {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}
