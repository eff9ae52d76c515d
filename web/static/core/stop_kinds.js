/**
 * The kinds of a stop: what each does to the batch as it is, and which of them a stop that is under way leaves. Pure.
 *
 * @typedef {import('./types.js').Board} Board
 * @typedef {{after: string, label: string, help: string, standing: '' | 'under way' | 'too late'}} Kind
 *   `standing`: of a stop under way, which can be made sooner and not later.
 */
import { shortKey } from './format.js';
import { isOver } from './reducer.js';

const LABELS = { cycle: 'After this cycle', story: 'After this story', command: 'After this command', now: 'Now…' };
/** What waits for most comes first. */
const BY_PATIENCE = Object.keys(LABELS);

/** The kind of the stop that is under way; empty: none is. @param {Board} board */
export function underWay({ state, detail }) {
  if (state !== 'stopping') return '';
  return /\bafter this (command|story|cycle)\b/.exec(detail)?.[1] ?? 'now';
}

/** As the menu lists them. @param {Board} board @returns {Kind[]} */
export function kinds(board) {
  const present = underWay(board);
  const patience = (/** @type {string} */ after) => BY_PATIENCE.indexOf(after);
  return ['command', 'story', 'cycle', 'now'].map((after) => ({
    after, label: LABELS[/** @type {keyof LABELS} */ (after)], help: help(after, board),
    standing: after === present ? 'under way' : present && patience(after) < patience(present) ? 'too late' : '',
  }));
}

/** @param {string} after @param {Board} board */
function help(after, board) {
  switch (after) {
    case 'command':
      return 'What runs now ends normally';
    case 'story':
      return ofStories(board);
    case 'cycle':
      return 'The cycle is finished, with its commit';
    default:
      return 'Agents are interrupted; resume goes on there';
  }
}

/** Two stories are developed one after the other, though what comes before is done for both. @param {Board} board */
function ofStories({ cycle_keys, stories }) {
  const open = cycle_keys.filter((key) => !Object.hasOwn(stories, key) || !isOver(stories[key].status));
  if (open.length < 2) return 'The story that is worked on is finished';
  const [first, ...others] = open.map(shortKey);
  return `${first} is developed and reviewed; ${others.join(', ')} waits`;
}
