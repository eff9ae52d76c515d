/**
 * Sorting of the stories by any column. Pure. What is not known comes last, whichever way round.
 *
 * @typedef {import('./stories.js').Row} Row
 * @typedef {'key' | 'title' | 'epic' | 'status' | 'phase' | 'reviews' | 'duration' | 'cost' | 'tokens'} Column
 */
import { PHASES } from './reducer.js';
import { STATUSES } from './stories.js';

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
const placeIn = (/** @type {string[]} */ names, /** @type {string} */ name) => {
  const place = names.indexOf(name);
  return place < 0 ? null : place;
};

/** @type {Record<Column, (row: Row, place: number, now: number) => number | string | null>} */
const VALUES = {
  key: (row, place) => place,
  title: (row) => row.title,
  epic: (row) => row.epic,
  status: (row) => placeIn(STATUSES, row.status),
  phase: (row) => placeIn(PHASES, row.phases[row.phases.length - 1]),
  reviews: (row) => row.reviews || null,
  duration: (row, place, now) => (row.since === null ? row.duration : now - row.since),
  cost: (row) => row.cost,
  tokens: (row) => row.tokens,
};
export const COLUMNS = /** @type {Column[]} */ (Object.keys(VALUES));

/**
 * @param {Row[]} rows - In the order of the sprint, which equals keep.
 * @param {Column} column
 * @param {boolean} down - The greatest first.
 * @param {number} now
 */
export function sorted(rows, column, down, now) {
  const valued = rows.map((row, place) => ({ row, place, value: VALUES[column](row, place, now) }));
  const turn = down ? -1 : 1;
  valued.sort((one, other) => {
    if (one.value === null || other.value === null) {
      return Number(one.value === null) - Number(other.value === null) || one.place - other.place;
    }
    const order = typeof one.value === 'string' ? words.compare(one.value, String(other.value)) : one.value - Number(other.value);
    return turn * order || one.place - other.place;
  });
  return valued.map(({ row }) => row);
}

/**
 * What the address or, without it, the preferences say.
 * @param {string | undefined} text - `cost`, or `-cost` for the greatest first.
 * @param {Record<string, any>} prefs
 * @returns {{column: Column, down: boolean}}
 */
export function sorting(text, prefs) {
  const wanted = text ?? `${prefs.sortDown ? '-' : ''}${prefs.sort}`;
  const column = /** @type {Column} */ (wanted.replace(/^-/, ''));
  return COLUMNS.includes(column) ? { column, down: wanted.startsWith('-') } : { column: 'key', down: false };
}
