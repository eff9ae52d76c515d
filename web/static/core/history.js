/**
 * The past: a batch that is over, shown through the same views, and played again. The present goes on behind it.
 *
 * @typedef {import('./types.js').Route} Route
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').Past} Past
 * @typedef {import('./store.js').Store} Store
 */
import { get } from './api.js';
import { EventLog } from './event_log.js';
import { byId } from './feed.js';
import { Replay } from './replay.js';

const LINES = 500;
const PAGE = 1000;
/** Events that a replay takes; of a longer batch, what the agents said in between is left out. */
export const MOST_REPLAYED = 50_000;
export const SPEEDS = [1, 5, 20, 100];

export class History {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.frame = 0;
  }

  /** Show what the address says. @param {Route} route */
  follow({ batch }) {
    const { past } = this.store.state;
    if (batch === (past?.batchId ?? null)) return;
    cancelAnimationFrame(this.frame);
    if (batch === null) this.store.set({ past: null });
    else void this.open(batch);
  }

  /** @param {number} batchId */
  async open(batchId) {
    /** @type {Past} */
    const past = { batchId, scene: null, error: '', log: new EventLog(), player: null };
    this.store.set({ past });
    try {
      const { board, attempts, chains, waits } = await get('/api/board', { batch: batchId });
      const { events } = await get('/api/events', { batch: batchId, limit: LINES });
      past.log.prepend(events, events.length < LINES);
      this.change(batchId, { scene: { board, attempts: byId(attempts), chains: byId(chains), waits } });
    } catch (error) {
      this.change(batchId, { error: /** @type {Error} */ (error).message });
    }
  }

  /** Older lines of its log. */
  async older() {
    const { past } = this.store.state;
    if (!past || past.player || past.log.complete || !past.log.firstSeq) return;
    const before = past.log.firstSeq;
    const { events } = await get('/api/events', { batch: past.batchId, before, limit: LINES });
    if (past.log.firstSeq !== before) return;
    past.log.prepend(events, events.length < LINES);
    this.change(past.batchId, {});
  }

  /** Load all of it, and play it from its beginning. */
  async replay() {
    const { past } = this.store.state;
    if (!past?.scene || past.player) return;
    const { batchId } = past;
    this.change(batchId, { player: { replay: null, loaded: 0, at: 0, speed: 20, playing: false } });
    try {
      const replay = new Replay(await this.all(batchId));
      this.seek(replay.begin, { replay, playing: true });
      this.play();
    } catch (error) {
      this.change(batchId, { player: null, error: /** @type {Error} */ (error).message });
    }
  }

  /** @param {number} batchId @returns {Promise<Envelope[]>} */
  async all(batchId) {
    /** @type {Envelope[]} */
    const events = [];
    for (let after = 0; events.length < MOST_REPLAYED;) {
      const { events: page } = await get('/api/events', { batch: batchId, after, limit: PAGE });
      if (page.length === 0 || this.store.state.past?.batchId !== batchId) break;
      events.push(...page);
      after = page[page.length - 1].seq;
      this.player({ loaded: events.length });
    }
    return events;
  }

  /** End the replay: the batch as it was in the end. */
  leave() {
    const { past } = this.store.state;
    if (past) void this.open(past.batchId);
  }

  /** Go on, or stand still. @param {boolean} [playing] */
  play(playing = true) {
    this.player({ playing });
    cancelAnimationFrame(this.frame);
    if (!playing) return;
    let before = performance.now();
    const step = (/** @type {number} */ now) => {
      const player = this.store.state.past?.player;
      if (!player?.playing || !player.replay) return;
      const at = Math.min(player.replay.end, player.at + (now - before) * player.speed);
      before = now;
      this.seek(at, { playing: at < player.replay.end });
      this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /**
   * The moment that is shown, in epoch milliseconds.
   * @param {number} at
   * @param {Partial<import('./types.js').Player>} [changes]
   */
  seek(at, changes = {}) {
    const { past } = this.store.state;
    const replay = changes.replay ?? past?.player?.replay;
    if (!past?.player || !replay) return;
    const count = replay.until(at);
    past.log.become(replay.events, count);
    const scene = replay.after(count);
    this.change(past.batchId, { scene: { ...scene, board: { ...scene.board, at } }, player: { ...past.player, ...changes, at } });
  }

  /** @param {Partial<import('./types.js').Player>} changes */
  player(changes) {
    const { past } = this.store.state;
    if (past?.player) this.change(past.batchId, { player: { ...past.player, ...changes } });
  }

  /** @param {number} batchId @param {Partial<Past>} changes */
  change(batchId, changes) {
    const { past, logVersion } = this.store.state;
    if (past?.batchId === batchId) this.store.set({ past: { ...past, ...changes }, logVersion: logVersion + 1 });
  }
}
