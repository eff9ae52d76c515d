/**
 * The lists that no event brings in full: the sprint, the batches, the plan. Each is asked for again when an event has
 * made it old.
 *
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./store.js').Store} Store
 * @typedef {'sprint' | 'batches' | 'plan'} Name
 */
import { get } from './api.js';

/** A list that has become old is asked for again at most so often, in milliseconds. */
const SETTLE = 400;
/** @type {Name[]} */
const ALL = ['sprint', 'batches', 'plan'];
/** @type {[RegExp, Name][]} */
const MAKES_OLD = [
  [/^(story:|cycle:|batch:(start|end)$)/, 'sprint'],
  [/^(cycle:|batch:(start|end|state)$)/, 'batches'],
  [/^(cycle:end|batch:(start|end))$/, 'plan'],
];

export class Lists {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Map<Name, number>} */
    this.old = new Map();
  }

  refreshAll() {
    for (const list of ALL) void this.refresh(list);
  }

  /** What these events have made old is asked for again soon. @param {Envelope[]} events */
  outdate(events) {
    for (const [types, list] of MAKES_OLD) if (events.some(({ type }) => types.test(type))) this.outdated(list);
  }

  /** @param {Name} list */
  outdated(list) {
    if (this.old.has(list)) return;
    this.old.set(list, setTimeout(() => {
      this.old.delete(list);
      void this.refresh(list);
    }, SETTLE));
  }

  /** @param {Name} list */
  async refresh(list) {
    if (list === 'sprint') await this.refreshSprint();
    else if (list === 'batches') await this.refreshBatches();
    else await get('/api/plan').then((plan) => this.store.set({ plan }), () => this.store.set({ plan: null }));
  }

  async refreshSprint() {
    try {
      const [sprint, descriptions] = await Promise.all([get('/api/sprint-status'), get('/story-descriptions.json')]);
      this.store.set({ sprint, descriptions, sprintError: null });
    } catch (error) {
      const { message, hint = '' } = /** @type {any} */ (error);
      this.store.set({ sprintError: { error: message, hint } });
    }
  }

  /** The batches that are shown, and `more` of them. @param {number} [more] */
  async refreshBatches(more = 0) {
    const { batches } = this.store.state;
    const { live: { board } } = this.store.state;
    const { rows } = batches;
    // A batch that has just begun must not push another one out of sight.
    const begun = board.batch_id !== null && !rows.some(({ id }) => id === board.batch_id) ? 1 : 0;
    const limit = rows.length ? Math.min(1000, rows.length + begun + more) : undefined;
    this.store.set({ batches: { ...batches, loading: true } });
    try {
      const { batches: found, total } = await get('/api/batches', { limit });
      this.store.set({ batches: { rows: found, total, loading: false, error: '' } });
    } catch (error) {
      this.store.set({ batches: { ...batches, loading: false, error: /** @type {Error} */ (error).message } });
    }
  }
}
