/**
 * Which entry of a transcript an event is about. Entries have no times; but each text and each call of a tool is one
 * event, in the same order, so the n-th of one is the n-th of the other.
 *
 * @typedef {import('./cards.js').Entry} Entry
 */
import { get } from './api.js';

const PAGE = 1_000;
const MOST_PAGES = 10;

/** Whether an entry is one that is told of. @param {Entry} entry */
export function spoken({ kind, parent_tool_use_id }) {
  return kind === 'tool_use' || ((kind === 'text' || kind === 'error') && parent_tool_use_id === '');
}

/**
 * The number of the entry, from 1; 0: none yet; Infinity: the last one.
 * @param {number} id
 * @param {number} at - The event's `seq`.
 */
export async function ordinal(id, at) {
  let count = 0;
  let before = at + 1;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const { events } = await get('/api/events', { command: id, before, limit: PAGE });
    if (pages === 0 && events[events.length - 1]?.type === 'command:end') return Infinity;
    count += events.filter(tells).length;
    if (events.length < PAGE) break;
    before = events[0].seq;
  }
  return count;
}

/** @param {import('./types.js').Envelope} event */
function tells({ type, payload: { kind, status } }) {
  return type === 'command:progress' && (kind === 'text' || (kind === 'tool' && status === 'start'));
}
