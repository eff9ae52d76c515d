/**
 * How far the shown batch is, and what it took: one line that never changes its height. The bar and the figure beside it
 * speak of the same; what is of the whole sprint says so.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Board} Board
 * @typedef {import('../core/headway.js').Headway} Headway
 */
import { h } from '../core/dom.js';
import { cost, count, duration, plural } from '../core/format.js';
import { cycles, headway } from '../core/headway.js';
import { elapsed } from '../core/reducer.js';
import { shown, time } from '../core/scene.js';
import { state as stateMark } from './parts.js';

/** @type {Record<string, string>} */
const TONES = {
  completed: 'success', error: 'error', stopped: 'idle', paused: 'waiting', pausing: 'waiting', waiting_limit: 'waiting',
  stopping: 'warning',
};
/** @type {Headway} */
const NOTHING = { done: 0, begun: 0, whole: 1, said: 'nothing yet' };

/** @param {State} state */
export function progress(state) {
  const { board } = shown(state);
  const number = state.past?.batchId ?? board.batch_id;
  const known = board.batch_id !== null;
  const way = known ? headway(shown(state), state.past ? null : state.sprint) : NOTHING;
  return h('section', { key: 'progress', class: 'progress', 'aria-label': number === null ? 'Progress' : `Batch ${number}` },
    h('span', { class: 'progress-what' },
      h('strong', null, number === null ? 'No batch yet' : `Batch ${number}`), known && stateMark(board.state)),
    bar(board, way),
    ...known ? figures(state, board, way) : []);
}

/** @param {State} state @param {Board} board @param {Headway | null} way */
function figures(state, board, way) {
  const spent = board.commands > 0;
  return [
    figure('way', 'How far the batch is', way?.said ?? stories(board)),
    figure('also', 'Of the batch', also(board, way)),
    !state.past && sprint(state),
    figure('time', 'Worked on, in all its runs; the time between a stop and its resume does not count',
      duration(elapsed(board, time(state)))),
    figure('cost', 'Cost of the commands of the batch that have ended', cost(board.cost_usd, spent)),
    figure('tokens', 'Tokens of the commands of the batch that have ended', spent ? `${count(board.tokens)} tokens` : '– tokens'),
    figure('failed', 'Attempts of the batch that ended with an error',
      `${board.failures > 0 ? '✕ ' : ''}${board.failures} failed`, board.failures > 0 ? 'error' : undefined),
  ];
}

/** What is counted besides: of cycles the stories, and of stories the cycles. @param {Board} board @param {Headway | null} way */
function also(board, way) {
  const isInStories = board.max_cycles === null && way?.said !== cycles(board);
  return isInStories ? cycles(board) : stories(board);
}

/** @param {Board} board */
function stories(board) {
  const done = Object.values(board.stories).filter(({ status }) => status === 'done').length;
  return `${plural(done, 'story', 'stories')} done`;
}

/** @param {State} state */
function sprint({ sprint: file }) {
  const all = file?.stories ?? [];
  const done = all.filter(({ status }) => status === 'done').length;
  return figure('sprint', 'Stories of the whole sprint that are done, those from before this batch too',
    `sprint ${file ? `${done}/${all.length}` : '–'} stories`);
}

/**
 * What is finished in full colour, what the running cycle adds in a soft one.
 * @param {Board} board
 * @param {Headway | null} way
 */
function bar(board, way) {
  const tone = TONES[board.state] ?? 'running';
  const label = { class: 'meter headway', role: 'progressbar', 'data-tone': tone, 'aria-label': 'Progress of the batch' };
  if (!way) {
    return h('div', { ...label, key: 'endless', title: 'Until no story is left' },
      h('span', { class: board.ended_at === null ? 'headway-endless' : '' }));
  }
  const { done, begun, whole, said } = way;
  const width = (/** @type {number} */ part) => ({ width: `${(Math.min(1, part / Math.max(1, whole)) * 100).toFixed(1)}%` });
  return h('div', {
    ...label, key: 'bar', title: `${said}${begun > 0 ? '; light: the cycle that runs, by its phases' : ''}`,
    'aria-valuemin': '0', 'aria-valuemax': String(Math.max(1, whole)),
    'aria-valuenow': String(Math.min(done, whole)), 'aria-valuetext': said,
  }, h('span', { style: width(done) }), h('span', { class: 'headway-begun', style: width(begun) }));
}

/** @param {string} name @param {string} title @param {string} text @param {string} [tone] */
function figure(name, title, text, tone) {
  return h('span', { key: name, class: `figure figure-${name}`, title, 'data-tone': tone ?? null },
    h('span', { class: 'hidden' }, `${title}: `), text);
}
