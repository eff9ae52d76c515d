/**
 * The command that is looked at: its row, and a stretch of its transcript. That may be a gigabyte long, so the stretch
 * grows where one scrolls to and what is far away is dropped. Nothing is asked for but then and when an event tells.
 *
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./cards.js').Entry} Entry
 * @typedef {import('./stretch.js').Stretch} Stretch
 * @typedef {{entries: Entry[], next: number, at_end: boolean}} Page
 *
 * @typedef {object} Looking
 * @property {number} id
 * @property {object} token - Of this opening: an answer for another one is dropped.
 * @property {any} row - As `GET /api/commands/ID`; null while it is loaded.
 * @property {{error: string, hint: string, status: number} | null} fault - Why there is no row.
 * @property {boolean} asked - Whether the first entries have come.
 * @property {'' | 'first' | 'next' | 'before'} loading
 * @property {object} turn - Of what is being loaded: the answer to another request is dropped.
 * @property {string} error
 * @property {number} target - The card that was asked for, by its rank; -1: none.
 *
 * @typedef {Looking & Stretch} Opened
 */
import { get } from './api.js';
import { offsetOf, rankOf } from './cards.js';
import { appended, MOST_ENTRIES, NONE, prepended } from './stretch.js';
import { ordinal, spoken } from './transcript_moment.js';

const FIRST = 100;
const PAGE = 200;
const MOST_PAGE = 500;
/** Entries that are loaded unasked, so that errors and words are found in most transcripts. */
const AHEAD = 1_000;
/** Bytes that going back looks at. */
const CHUNK = 256 * 1024;
/** While a command runs, it is asked for at most so often, in milliseconds. */
const EVERY = 1_000;
let due = 0;

/** @type {(store: Store) => Opened | undefined} */
export const opened = (store) => store.state.local.command;

/**
 * Look at a command.
 * @param {Store} store
 * @param {number} id
 * @param {{at: number, running: boolean}} how - `at`: the event that it is looked at for, 0: none.
 */
export async function open(store, id, { at, running }) {
  const token = {};
  const still = () => opened(store)?.token === token;
  store.keep('command', { id, token, row: null, fault: null, asked: false, loading: '', turn: {}, error: '', target: -1, ...NONE });
  await refresh(store, id);
  if (!still() || !opened(store)?.row) return;
  if (at) await ask(store, 'first', (now) => moment(now, at));
  else if (running) await tail(store);
  else await ask(store, 'first', (now) => forward(now, FIRST));
  while (still() && short(opened(store))) await next(store);
}

/** Whether more of it may be loaded unasked. @param {Opened | undefined} now */
function short(now) {
  return now && !now.atEnd && !now.error && !now.loading && now.entries.length < AHEAD;
}

/** Nobody looks at it any more. @param {Store} store @param {object | undefined} token - Another one may be open already. */
export function close(store, token) {
  if (opened(store)?.token === token) store.keep('command', { id: -1, token: {}, row: null, fault: null, ...NONE });
}

/** The row anew. @param {Store} store @param {number} id */
export async function refresh(store, id) {
  const { token } = opened(store) ?? {};
  try {
    change(store, token, { row: await get(`/api/commands/${id}`), fault: null });
  } catch (error) {
    const { message, hint = '', status = 0 } = /** @type {any} */ (error);
    change(store, token, { fault: { error: message, hint, status } });
  }
}

/**
 * Its agent did something, or has ended.
 * @param {Store} store
 * @param {() => boolean} follows - Whether somebody waits for what comes.
 */
export function stir(store, follows) {
  if (due) return;
  due = setTimeout(async () => {
    due = 0;
    const now = opened(store);
    if (now?.loading) return stir(store, follows);
    if (!now?.row || !(follows() || (now.atEnd && now.entries.length < MOST_ENTRIES - PAGE))) return;
    await next(store);
    const then = opened(store);
    if (then?.row && !then.atEnd && !then.error && follows()) stir(store, follows);
  }, EVERY);
}

/** What comes behind. @param {Store} store */
export function next(store) {
  return ask(store, 'next', (now) => forward(now, PAGE));
}

/** What stands in front. @param {Store} store */
export function before(store) {
  return ask(store, 'before', async (now) => {
    const { entries, from } = await back(now.id, now.from, now.from);
    return prepended(now, entries, from);
  });
}

/** The beginning. @param {Store} store */
export function start(store) {
  return ask(store, 'first', (now) => forward({ ...now, ...NONE, root: now.root }, PAGE));
}

/** The end. @param {Store} store */
export function tail(store) {
  return ask(store, 'first', last);
}

/**
 * @param {Store} store
 * @param {Opened['loading']} what
 * @param {(now: Opened) => Promise<Partial<Opened>>} work
 */
async function ask(store, what, work) {
  const now = opened(store);
  // Who wants to be at an end does not wait for what is loaded unasked; its answer is dropped.
  if (!now || (now.loading && what !== 'first')) return;
  const turn = {};
  const settle = (/** @type {Partial<Opened>} */ changes) => {
    if (opened(store)?.turn === turn) change(store, now.token, { ...changes, loading: '' });
  };
  change(store, now.token, { loading: what, turn, error: '' });
  try {
    settle({ ...await work(now), asked: true });
  } catch (error) {
    settle({ error: /** @type {Error} */ (error).message });
  }
}

/** @param {Store} store @param {object | undefined} token @param {Partial<Opened>} changes */
function change(store, token, changes) {
  if (opened(store)?.token === token) store.keep('command', changes);
}

/** @param {number} id @param {number} after @param {number} limit @returns {Promise<Page>} */
function page(id, after, limit) {
  return get(`/api/commands/${id}/transcript`, { after, limit });
}

/** @param {Opened} now @param {number} limit */
async function forward(now, limit) {
  return appended(now, await page(now.id, now.next, limit));
}

/** @param {Opened} now @returns {Promise<Stretch>} */
async function last({ id, root }) {
  const { next: size } = await page(id, Number.MAX_SAFE_INTEGER, 1);
  const found = await back(id, size, Infinity);
  return appended({ ...NONE, from: found.from, root }, found);
}

/**
 * The entries of some bytes in front of `until`, and on to `to`.
 * @param {number} id
 * @param {number} until
 * @param {number} to
 */
async function back(id, until, to) {
  for (let from = Math.max(0, until - CHUNK); ; from = Math.max(0, until - 4 * (until - from))) {
    const found = await range(id, from, to);
    // One line may be longer than what was looked at.
    if (from === 0 || found.entries.length > 0) return { ...found, from: from === 0 ? 0 : offsetOf(found.entries[0]) };
  }
}

/** @param {number} id @param {number} from @param {number} to @returns {Promise<Page>} */
async function range(id, from, to) {
  /** @type {Entry[]} */
  const entries = [];
  for (let after = from; ;) {
    const found = await page(id, after, MOST_PAGE);
    entries.push(...found.entries.filter((entry) => offsetOf(entry) < to));
    if (found.at_end || found.next >= to || found.next <= after) return { ...found, entries };
    after = found.next;
  }
}

/** @param {Opened} now @param {number} at @returns {Promise<Stretch & {target: number}>} */
async function moment(now, at) {
  const wanted = await ordinal(now.id, at);
  let reached = wanted === Infinity ? await last(now) : NONE;
  for (let counted = 0, limit = FIRST; wanted !== Infinity; limit = MOST_PAGE) {
    const found = await page(now.id, reached.next, limit);
    const said = found.entries.filter(spoken);
    reached = appended(reached, found);
    const there = said[wanted - counted - 1];
    if (there || wanted === 0) return { ...reached, target: there ? rankOf(there) : -1 };
    if (found.at_end) break;
    counted += said.length;
  }
  const end = reached.entries.at(-1);
  return { ...reached, target: end ? rankOf(end) : -1 };
}
