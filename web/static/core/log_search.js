/**
 * The search through all stored events, not only those that are loaded. What it finds is a log of its own, which the
 * same list shows.
 *
 * @typedef {import('./store.js').Store} Store
 * @typedef {{q: string, story: string, batch: number | null}} Wanted
 * @typedef {object} Found
 * @property {string} of - What was looked for.
 * @property {EventLog} log
 * @property {number} version
 * @property {boolean} loading
 * @property {string} error
 */
import { get } from './api.js';
import { EventLog } from './event_log.js';

const PAGE = 200;
/** What the server takes as words. */
const LONGEST = 500;

/** @param {Wanted} wanted */
export function nameOf({ q, story, batch }) {
  return JSON.stringify([q, story, batch]);
}

/** @param {Store} store @param {Wanted} wanted */
export async function search(store, wanted) {
  const of = nameOf(wanted);
  if (store.state.local.found?.of === of) return;
  store.keep('found', { of, log: new EventLog(), version: 0, loading: false, error: '' });
  await more(store, wanted);
}

/** Older ones. @param {Store} store @param {Wanted} wanted */
export async function more(store, wanted) {
  const of = nameOf(wanted);
  /** @type {Found} */
  const found = store.state.local.found;
  if (found.loading || found.log.complete) return;
  store.keep('found', { loading: true, error: '' });
  const { q, ...where } = wanted;
  try {
    const before = found.log.firstSeq || null;
    const { events } = await get('/api/events', { ...where, q: q.slice(0, LONGEST), before, limit: PAGE });
    found.log.prepend(events, events.length < PAGE);
    answer(store, of, { loading: false, version: found.version + 1 });
  } catch (error) {
    answer(store, of, { loading: false, error: /** @type {Error} */ (error).message });
  }
}

/** @param {Store} store @param {string} of @param {Partial<Found>} changes */
function answer(store, of, changes) {
  if (store.state.local.found?.of === of) store.keep('found', changes);
}
