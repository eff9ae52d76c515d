/**
 * The command that is looked at: its row and the pages of its transcript. More is asked for when it is scrolled to, and,
 * while the command runs, when an event says that its agent did something.
 *
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./cards.js').Entry} Entry
 *
 * @typedef {object} Opened
 * @property {number} id
 * @property {any} row - As `GET /api/commands/ID`; null while it is loaded.
 * @property {Entry[]} entries
 * @property {number} next
 * @property {boolean} atEnd
 * @property {boolean} loading
 * @property {string} error
 * @property {unknown} mark - What was last known of the command when it was asked for.
 * @property {number} askedAt
 */
import { get } from './api.js';

const PAGE = 100;
/** While a command runs, it is asked for at most so often, in milliseconds. */
const EVERY = 1_000;

/** @param {Store} store @returns {Opened | undefined} */
export function opened(store) {
  return store.state.local.command;
}

/**
 * Have the transcript of a command, as new as `mark` says it can be.
 * @param {Store} store
 * @param {number} id
 * @param {unknown} mark
 */
export function need(store, id, mark) {
  const now = opened(store);
  if (now?.id !== id) {
    store.keep('command', { id, row: null, entries: [], next: 0, atEnd: false, loading: false, error: '', mark, askedAt: 0, from: 0, expanded: {}, find: '', show: '' });
    void refresh(store, id);
  } else if (now.mark !== mark && !now.loading) {
    store.keep('command', { mark });
    setTimeout(() => void refresh(store, id), Math.max(0, now.askedAt + EVERY - Date.now()));
  }
}

/** The row, and what there is behind the last page. @param {Store} store @param {number} id */
async function refresh(store, id) {
  try {
    const row = await get(`/api/commands/${id}`);
    change(store, id, { row });
    await more(store, id);
  } catch (error) {
    change(store, id, { error: /** @type {Error} */ (error).message, loading: false });
  }
}

/** The next page. @param {Store} store @param {number} id */
export async function more(store, id) {
  const now = opened(store);
  if (now?.id !== id || now.loading) return;
  change(store, id, { loading: true, askedAt: Date.now() });
  try {
    const page = await get(`/api/commands/${id}/transcript`, { after: now.next, limit: PAGE });
    change(store, id, { entries: [...now.entries, ...page.entries], next: page.next, atEnd: page.at_end, loading: false, error: '' });
  } catch (error) {
    change(store, id, { error: /** @type {Error} */ (error).message, loading: false });
  }
}

/** An answer for what is not looked at any more is dropped. @param {Store} store @param {number} id @param {object} changes */
function change(store, id, changes) {
  if (opened(store)?.id === id) store.keep('command', changes);
}
