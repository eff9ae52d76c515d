/**
 * The part of a transcript that is here: entries that lie side by side in the file of the run. Pure.
 *
 * @typedef {import('./cards.js').Entry} Entry
 * @typedef {import('./cards.js').Card} Card
 *
 * @typedef {object} Stretch
 * @property {Entry[]} entries
 * @property {Card[]} cards
 * @property {number} from - The byte at which they begin.
 * @property {number} next - The byte behind them.
 * @property {boolean} atEnd - Whether there was nothing behind them when it was asked.
 * @property {string} root - The folder in which the agent works, as it says itself.
 */
import { cards, offsetOf } from './cards.js';

export const MOST_ENTRIES = 3_000;
const MOST_WEIGHT = 24_000_000;

/** @type {Stretch} */
export const NONE = Object.freeze({ entries: [], cards: [], from: 0, next: 0, atEnd: false, root: '' });

/**
 * With the entries of another page behind it.
 * @param {Stretch} now
 * @param {{entries: Entry[], next: number, at_end: boolean}} page
 * @returns {Stretch}
 */
export function appended(now, page) {
  const all = [...now.entries, ...page.entries];
  const entries = within(all, true);
  const from = entries.length < all.length ? offsetOf(entries[0]) : now.from;
  return { entries, cards: cards(entries, now.cards), from, next: page.next, atEnd: page.at_end, root: now.root || rootIn(all) };
}

/**
 * With older entries in front of it.
 * @param {Stretch} now
 * @param {Entry[]} older
 * @param {number} from
 * @returns {Stretch}
 */
export function prepended(now, older, from) {
  const all = [...older, ...now.entries];
  const entries = within(all, false);
  const cut = entries.length < all.length;
  return {
    entries, cards: cards(entries, now.cards), from, next: cut ? offsetOf(all[entries.length]) : now.next,
    atEnd: now.atEnd && !cut, root: now.root || rootIn(all),
  };
}

/** @param {Entry[]} entries */
function rootIn([first]) {
  return /^init: cwd ([^,]+),/.exec(first?.kind === 'system' ? first.text : '')?.[1] ?? '';
}

/**
 * As many entries as may be kept, the last or the first ones, cut between two lines.
 * @param {Entry[]} entries
 * @param {boolean} last
 */
function within(entries, last) {
  const ordered = last ? [...entries].reverse() : entries;
  let weight = 0;
  let count = ordered.findIndex(({ text, input }, place) => {
    weight += text.length + input.length;
    return place > 0 && (weight > MOST_WEIGHT || place >= MOST_ENTRIES);
  });
  if (count < 0) return entries;
  while (count > 1 && offsetOf(ordered[count]) === offsetOf(ordered[count - 1])) count -= 1;
  return last ? entries.slice(-count) : entries.slice(0, count);
}
