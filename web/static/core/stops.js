/**
 * When a batch stood still between two of its runs. The board does not tell, so it is asked of the events.
 *
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Wait} Wait
 * @typedef {import('./store.js').Store} Store
 * @typedef {{batch: number, run: number}} Wanted - `run`: when the last known run began.
 */
import { get } from './api.js';
import { shown } from './scene.js';

const MOST_RUNS = 1000;
/** More than what is on record of the end of one run. */
const LAST = 200;
/** What the next runner says of what it closes for one that was killed, as late as it begins itself. */
const KILLED = 'the runner ended without warning';
/** @type {Wait[]} */
const NONE = [];

/** Null: the batch has had one run, or none. @param {State} state @returns {Wanted | null} */
export function wanted(state) {
  const { board } = shown(state);
  // Of a past batch all is known at once, also while it is played again.
  const run = state.past ? 0 : board.started_at;
  return board.batch_id !== null && board.worked_ms > 0 ? { batch: board.batch_id, run } : null;
}

/**
 * Those that are over at this moment.
 * @param {State} state
 * @param {number} now
 * @returns {Wait[]}
 */
export function stops(state, now) {
  const { stops: known } = state.local;
  if (!known || known.batch !== wanted(state)?.batch) return NONE;
  return known.waits.filter((/** @type {Wait} */ { to }) => Number(to) <= now);
}

/** @param {Store} store @param {Wanted} what */
export async function load(store, { batch }) {
  try {
    const starts = await eventsOf({ batch, type: 'batch:start', limit: MOST_RUNS });
    const waits = await Promise.all(starts.slice(1).map(async (start, place) => {
      const last = await eventsOf({ batch, before: start.seq, limit: LAST });
      return { from: endOf(last, starts[place]), to: start.timestamp, state: 'stopped' };
    }));
    store.keep('stops', { batch, waits });
  } catch {
    // Without them the timeline is true, and only tells less.
  }
}

/**
 * When a run ended: as it said itself, else with the last that it told of.
 * @param {Envelope[]} last - Its last events, and perhaps some of a run before.
 * @param {Envelope} start
 */
export function endOf(last, start) {
  const own = last.filter(({ seq, payload }) => seq > start.seq && payload.reason !== KILLED);
  return (own.find(({ type }) => type === 'batch:end') ?? own.at(-1) ?? start).timestamp;
}

/** @param {Record<string, string | number>} query @returns {Promise<Envelope[]>} */
async function eventsOf(query) {
  return (await get('/api/events', query)).events;
}
