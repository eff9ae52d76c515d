/**
 * How far the shown batch is, and what it took: one line that never changes its height.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 */
import { h } from '../core/dom.js';
import { cost, count, duration, plural } from '../core/format.js';
import { elapsed } from '../core/reducer.js';
import { shown, time } from '../core/scene.js';
import { meter } from './parts.js';

/** @param {State} state @param {App} app */
export function progress(state, app) {
  const { board } = shown(state);
  if (board.batch_id === null) return null;
  const { done, total } = stories(state);
  const cycles = board.max_cycles === null ? plural(board.cycles_completed, 'cycle') : `${board.cycles_completed} of ${plural(board.max_cycles, 'cycle')}`;
  const [part, whole] = board.max_cycles === null ? [done, total] : [board.cycles_completed, board.max_cycles];
  const spent = board.commands > 0;
  return h('section', { key: 'progress', class: 'progress', 'aria-label': `Batch ${board.batch_id}`, style: underWay(board) },
    h('strong', null, `Batch ${board.batch_id}`),
    meter(`Batch ${board.batch_id}: ${cycles}`, part, Math.max(1, whole), TONES[board.state] ?? 'running'),
    figure('Cycles completed', cycles),
    figure('Stories of the sprint that are done', total ? `${done}/${total} stories` : `${Object.keys(board.stories).length} stories`),
    figure('Worked on for', duration(elapsed(board, time(state)))),
    figure('Cost of the commands that have ended', cost(board.cost_usd, spent)),
    figure('Tokens of the commands that have ended', spent ? `${count(board.tokens)} tokens` : '– tokens'),
    board.failures > 0 && figure('Attempts that ended with an error', plural(board.failures, 'failed attempt'), 'error'));
}

/** The cycle that is worked on, as a shade after those that are done. @param {State['live']['board']} board */
function underWay({ cycles_completed, max_cycles, ended_at }) {
  return max_cycles === null || ended_at !== null ? {} : { '--under-way': `${(100 * (cycles_completed + 1)) / max_cycles}%` };
}

/** @type {Record<string, string>} */
const TONES = { completed: 'success', error: 'error', stopped: 'idle', paused: 'waiting', waiting_limit: 'waiting', stopping: 'warning', pausing: 'waiting' };

/** @param {State} state */
function stories({ sprint, past, live }) {
  const all = past ? Object.values((past.scene ?? live).board.stories) : sprint?.stories ?? [];
  return { done: all.filter(({ status }) => status === 'done').length, total: all.length };
}

/** @param {string} title @param {string} text @param {string} [tone] */
function figure(title, text, tone) {
  return h('span', { key: title, class: 'figure', title, 'data-tone': tone ?? null }, h('span', { class: 'hidden' }, `${title}: `), text);
}
