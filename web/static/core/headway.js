/**
 * How far a batch is: what is finished for good, and what the cycle that runs adds to it. Pure.
 *
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').Scene} Scene
 * @typedef {import('./types.js').Sprint} Sprint
 * @typedef {{done: number, begun: number, whole: number, said: string}} Headway
 *   `begun`: what is under way, as a part of the same whole; it is estimated from the phases of the stories. `said`: the
 *   same in words.
 */
import { plural } from './format.js';
import { baseName, isOver, PHASES } from './reducer.js';

/** The phases of a cycle, and the commands of each. @type {[string, string[]][]} */
const STAGES = [
  ['create-story', ['create-story', 'story-discovery']],
  ['story-review', ['story-review']],
  ['create-tech-spec', ['create-tech-spec']],
  ['tech-spec-review', ['tech-spec-review']],
  ['dev + code-review', ['dev-story', 'code-review']],
  ['batch-commit', ['batch-commit']],
];

/**
 * Of a batch with a number of cycles, in cycles; of one until no story is left, in its stories: those that it took and
 * those that are still to be taken. Null: nobody knows where it ends.
 * @param {Scene} scene
 * @param {Sprint | null} sprint - As it is now; null: not known, or of no concern to a past batch.
 * @returns {Headway | null}
 */
export function headway(scene, sprint) {
  const { board } = scene;
  // It may end with fewer cycles than it was given: what it had to do it has done.
  if (board.state === 'completed') return { done: 1, begun: 0, whole: 1, said: cycles(board) };
  return board.max_cycles === null ? inStories(scene, sprint) : inCycles(scene, board.max_cycles);
}

/** @param {Scene} scene @param {number} whole @returns {Headway} */
function inCycles(scene, whole) {
  const { board } = scene;
  const shares = board.cycle_keys.map((key) => share(scene, key));
  // Between two cycles the stories of the last one are still there.
  const works = board.cycle > board.cycles_completed && shares.length > 0;
  const begun = works ? shares.reduce((sum, one) => sum + one, 0) / shares.length : 0;
  return { done: board.cycles_completed, begun, whole, said: cycles(board) };
}

/** @param {Scene} scene @param {Sprint | null} sprint @returns {Headway | null} */
function inStories(scene, sprint) {
  const { stories, cycle_keys, ended_at } = scene.board;
  if (!sprint && ended_at === null) return null;
  const open = (sprint?.stories ?? []).filter(({ key, status }) => !(Object.hasOwn(stories, key) || isOver(status)));
  const taken = Object.values(stories).filter(({ status }) => status !== 'blocked');
  const done = taken.filter(({ status }) => status === 'done').length;
  const shares = cycle_keys.map((key) => share(scene, key)).filter((one) => one < 1);
  const whole = taken.length + open.length;
  return { done, begun: shares.reduce((sum, one) => sum + one, 0), whole, said: `${done} of ${plural(whole, 'story', 'stories')}` };
}

/** The cycles of a batch in words. @param {{cycles_completed: number, max_cycles: number | null, state: string}} batch */
export function cycles({ cycles_completed: done, max_cycles: most, state }) {
  if (state === 'completed' && done === 0) return 'nothing to do';
  return most === null || (state === 'completed' && done < most) ? plural(done, 'cycle') : `${done} of ${plural(most, 'cycle')}`;
}

/** Where in its cycle a command stands: `phase 2 of 6`; empty where it belongs to none. @param {string} command */
export function stage(command) {
  const place = STAGES.findIndex(([, commands]) => commands.includes(baseName(command)));
  return place < 0 ? '' : `phase ${place + 1} of ${STAGES.length}`;
}

/** How much of its way through a cycle a story has behind it, from 0 to 1. @param {Scene} scene @param {string} key */
function share(scene, key) {
  const { stories } = scene.board;
  if (!Object.hasOwn(stories, key)) return 0;
  const { status, phases } = stories[key];
  if (isOver(status)) return 1;
  const place = PHASES.indexOf(phases[phases.length - 1] ?? '');
  // After a code review there may be another: it is over with the status of the story.
  const isPassed = place < PHASES.length - 1 && isThrough(scene, key);
  return Math.max(0, place + (isPassed ? 1 : 0)) / PHASES.length;
}

/** Whether what a story was worked on with has ended well. @param {Scene} scene @param {string} key */
function isThrough({ attempts }, key) {
  const own = Object.values(attempts).filter(({ background, story_keys }) => !background && story_keys.includes(key));
  const last = own.reduce((one, other) => (one && one.id > other.id ? one : other), own[0]);
  return last?.status === 'success' && own.every(({ ended_at }) => ended_at !== null);
}
