/**
 * What came of a command: outcome, verdict, where it ran and what it took.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Scene} Scene
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { cost, count, duration, moment } from '../core/format.js';
import { copyButton } from './copy.js';
import { commandHref, state as stateMark, storyLinks, ticking } from './parts.js';

/**
 * @param {any} row - As `GET /api/commands/ID`.
 * @param {Scene} scene
 * @param {State} state
 * @param {App} app
 */
export function commandHead(row, scene, state, app) {
  const batch = state.past?.batchId ?? null;
  const over = row.ended_at !== null;
  const known = over && row.num_turns > 0;
  const others = Object.values(scene.attempts).filter((one) => one.command === row.command && one.story_keys.join() === row.story_keys.join());
  return h('section', { key: 'head', class: 'panel command-head', 'aria-label': 'Command' },
    h('div', { class: 'panel-head' },
      h('button', { class: 'quiet', onclick: () => history.back(), title: 'Back (Esc)' }, '←'),
      h('h2', { class: 'command-name' }, row.command),
      ...storyLinks(row.story_keys, batch),
      stateMark(row.status),
      row.attempt > 1 && h('span', { class: 'badge', 'data-tone': 'warning' }, `attempt ${row.attempt}`),
      row.background_task_id !== null && h('span', { class: 'badge', 'data-tone': 'idle' }, 'background'),
      h('span', { class: 'grow' }),
      others.length > 1 && h('nav', { class: 'attempts', 'aria-label': 'Attempts' }, 'Attempts ', ...others.map((one) => h('a', {
        key: one.id, class: 'badge', 'data-tone': one.status === 'success' ? 'success' : one.status === 'running' ? 'running' : 'error', href: commandHref(one.id, batch), 'aria-current': one.id === row.id ? 'true' : null,
      }, String(one.attempt))))),
    row.reason && h('p', { class: 'command-reason fault' }, row.reason),
    h('dl', { class: 'facts' },
      ...fact('Took', over ? duration(row.ended_at - row.started_at) : ticking(row.started_at, state.now)),
      ...fact('Started', moment(row.started_at, state.now)),
      ...fact('Task', row.task_id || '–'),
      ...fact('Model', row.model || 'default'),
      ...fact('Turns', known ? String(row.num_turns) : '–'),
      ...fact('Cost', cost(row.cost_usd, known)),
      ...fact('Tokens', known ? `${count(row.input_tokens)} in, ${count(row.output_tokens)} out` : '–'),
      ...fact('Exit code', row.exit_code === null ? '–' : String(row.exit_code)),
      ...verdict(row.verdict_json),
      ...fact('Session', row.session_id ? h('span', { class: 'mono' }, row.session_id.slice(0, 8), '… ', copyButton(app, () => row.session_id, 'session')) : '–'),
      ...fact('Step', h('span', { class: 'mono' }, row.step_key || '–'))));
}

/** @param {string} name @param {Child} value @returns {Child[]} */
function fact(name, value) {
  return [h('div', { key: name, class: 'fact' }, h('dt', null, name), h('dd', null, value))];
}

/** What was decided from what the agent said. @param {string} json @returns {Child[]} */
function verdict(json) {
  let found;
  try {
    found = JSON.parse(json || '{}');
  } catch {
    return [];
  }
  const { decisions = {}, review = null, ...others } = found ?? {};
  const told = [...Object.entries(decisions ?? {}), ...Object.entries(others).filter(([, value]) => value === true)];
  const said = told.flatMap(([name, value]) => fact(name.replaceAll('_', ' '), value === true ? 'yes' : String(value)));
  if (!review || review.severity === 'UNKNOWN') return said;
  const titles = Array.isArray(review.titles) ? review.titles.map(String) : [];
  return [...said, ...fact('Highest finding', String(review.severity)), ...(titles.length ? fact('Findings', titles.join(' · ')) : [])];
}
