/**
 * How far a batch is: what is finished for good, and what the cycle that runs adds to it. Pure.
 *
 * @typedef {import('./types.js').Board} Board
 * @typedef {{done: number, begun: number, whole: number}} Headway
 *   `begun`: what is under way, as a part of the same whole; it is estimated from the phases of the stories.
 */
import { PHASES } from './reducer.js';

/**
 * Of a batch with a number of cycles, in cycles; of one until no story is left, in stories of the sprint. Null: nobody
 * knows where it ends.
 * @param {Board} board
 * @param {{done: number, total: number}} stories - Of the sprint.
 * @returns {Headway | null}
 */
export function headway(board, { done, total }) {
  const shares = board.cycle_keys.map((key) => share(board, key));
  const under = shares.reduce((sum, one) => sum + one, 0);
  if (board.max_cycles !== null) {
    // Between two cycles the stories of the last one are still there.
    const works = board.cycle > board.cycles_completed && shares.length > 0;
    return { done: board.cycles_completed, begun: works ? under / shares.length : 0, whole: board.max_cycles };
  }
  if (total === 0) return null;
  const finished = shares.filter((one) => one === 1).length;
  return { done, begun: Math.min(total - done, under - finished), whole: total };
}

/** How much of its way through a cycle a story has behind it, from 0 to 1. @param {Board} board @param {string} key */
function share(board, key) {
  if (!Object.hasOwn(board.stories, key)) return 0;
  const { status, phases } = board.stories[key];
  if (status === 'done' || status === 'blocked') return 1;
  return Math.max(0, PHASES.indexOf(phases[phases.length - 1] ?? '')) / PHASES.length;
}
