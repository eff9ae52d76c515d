/**
 * How far the shown batch is, and what it took: one line that never changes its height.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Board} Board
 * @typedef {import('../core/headway.js').Headway} Headway
 */
import { h } from '../core/dom.js';
import { cost, count, duration, plural } from '../core/format.js';
import { headway } from '../core/headway.js';
import { elapsed } from '../core/reducer.js';
import { NOTHING, shown, time } from '../core/scene.js';
import { state as stateMark } from './parts.js';

/** @type {Record<string, string>} */
const TONES = {
  completed: 'success', error: 'error', stopped: 'idle', paused: 'waiting', pausing: 'waiting', waiting_limit: 'waiting',
  stopping: 'warning',
};

/** @param {State} state @param {App} app */
export function progress(state, app) {
  const { board } = shown(state);
  const { done, total } = stories(state);
  const number = state.past?.batchId ?? board.batch_id;
  const known = board.batch_id !== null;
  const spent = board.commands > 0;
  const taken = Object.keys(board.stories).length;
  return h('section', { key: 'progress', class: 'progress', 'aria-label': number === null ? 'Progress' : `Batch ${number}` },
    h('span', { class: 'progress-what' },
      h('strong', null, number === null ? 'No batch yet' : `Batch ${number}`), known && stateMark(board.state)),
    bar(board, known ? headway(board, { done, total }) : { done: 0, begun: 0, whole: 1 }),
    figure('cycles', 'Cycles completed', known ? cycles(board) : '– cycles'),
    figure('stories', state.past ? 'Stories of the batch that are done' : 'Stories of the sprint that are done',
      total ? `${done}/${total} stories` : known ? plural(taken, 'story', 'stories') : '– stories'),
    figure('time', 'Worked on for', known ? duration(elapsed(board, time(state))) : '–'),
    figure('cost', 'Cost of the commands that have ended', cost(board.cost_usd, spent)),
    figure('tokens', 'Tokens of the commands that have ended', spent ? `${count(board.tokens)} tokens` : '– tokens'),
    figure('failed', 'Attempts that ended with an error',
      `${board.failures > 0 ? '✕ ' : ''}${known ? board.failures : '–'} failed`,
      board.failures > 0 ? 'error' : undefined));
}

/** @param {Board} board */
function cycles({ cycles_completed, max_cycles }) {
  return max_cycles === null ? plural(cycles_completed, 'cycle') : `${cycles_completed} of ${plural(max_cycles, 'cycle')}`;
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
  const width = (/** @type {number} */ part) => ({ width: `${(Math.min(1, part / Math.max(1, way.whole)) * 100).toFixed(1)}%` });
  const said = board.max_cycles === null ? `${way.done} of ${plural(way.whole, 'story', 'stories')}` : cycles(board);
  return h('div', {
    ...label, key: 'bar', title: `${said} done${way.begun > 0 ? '; light: the cycle that runs, by its phases' : ''}`,
    'aria-valuemin': '0', 'aria-valuemax': String(Math.max(1, way.whole)),
    'aria-valuenow': String(Math.min(way.done, way.whole)), 'aria-valuetext': said,
  }, h('span', { style: width(way.done) }), h('span', { class: 'headway-begun', style: width(way.begun) }));
}

/** @param {State} state */
function stories({ sprint, past }) {
  const all = past ? Object.values((past.scene ?? NOTHING).board.stories) : sprint?.stories ?? [];
  return { done: all.filter(({ status }) => status === 'done').length, total: all.length };
}

/** @param {string} name @param {string} title @param {string} text @param {string} [tone] */
function figure(name, title, text, tone) {
  return h('span', { key: name, class: `figure figure-${name}`, title, 'data-tone': tone ?? null },
    h('span', { class: 'hidden' }, `${title}: `), text);
}
