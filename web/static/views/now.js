/**
 * What runs now, or why nothing does: the answer to the first question of whoever looks.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Running} Running
 * @typedef {import('../core/types.js').Chain} Chain
 * @typedef {import('../core/types.js').Board} Board
 * @typedef {import('../core/dom.js').Child} Child
 */
import { silence } from '../core/attention.js';
import { h } from '../core/dom.js';
import { ago, cost, count } from '../core/format.js';
import { shown, time } from '../core/scene.js';
import { idle } from './now_idle.js';
import { commandHref, storyLinks, ticking } from './parts.js';

/** @type {Record<string, string>} */
const CHAINS = {
  'story-review-chain': 'story review chain',
  'tech-spec-review-chain': 'tech-spec review chain',
  'project-context-refresh': 'project context refresh',
};

/** @param {State} state @param {App} app */
export function now(state, app) {
  const { board } = shown(state);
  const running = foregroundFirst(board);
  const chains = resting(board, running);
  const rows = running.length + chains.length;
  return h('section', { key: 'now', class: 'now panel', 'aria-label': 'Now' },
    rows === 0 ? idle(state) : h('ul', { key: 'rows', class: 'now-rows' },
      !running.some(({ background }) => !background) && h('li', { key: 'idle' }, idle(state)),
      ...running.map((one) => command(one, state)),
      ...chains.map(([id, chain]) => waiting(id, chain, state)),
      rows === 1 && !running[0]?.background && cycle(state)));
}

/** What runs, as it is listed everywhere. @param {Board} board */
export function foregroundFirst({ running }) {
  return Object.values(running).sort((one, other) => (
    Number(one.background) - Number(other.background) || one.command_id - other.command_id
  ));
}

/** @param {State} state */
function batchOf({ past }) {
  return past?.batchId ?? null;
}

/**
 * Background chains of which no command runs: those of which one does are there already.
 * @param {Board} board
 * @param {Running[]} running
 * @returns {[string, Chain][]}
 */
function resting({ background }, running) {
  const behind = running.filter((one) => one.background);
  const busy = new Set(behind.map(({ story_keys }) => story_keys.join()));
  return Object.entries(background).filter(([, { story_keys }]) => !busy.has(story_keys.join()));
}

/** @param {Running} one @param {State} state */
function command(one, state) {
  const at = time(state);
  const late = state.past ? '' : silence(one.last_at, at, state);
  const { background: behind, attempt } = one;
  return h('li', { key: `command ${one.command_id}`, class: `now-row ${behind ? 'now-background' : ''}` },
    h('span', { class: 'state breathing', 'data-tone': 'running', title: behind ? 'Runs in the background' : 'Runs' },
      h('span', { 'aria-hidden': 'true' }, behind ? '◌' : '◐'),
      h('span', { class: 'hidden' }, behind ? 'in the background' : 'running')),
    h('span', { class: 'now-stories cut', title: one.story_keys.join(', ') }, ...links(one.story_keys, state)),
    h('span', { class: 'now-what' }, h('strong', null, one.command), one.task && h('span', null, `· ${one.task}`),
      behind && h('span', { class: 'badge', 'data-tone': 'idle' }, 'background'),
      attempt > 1 && h('span', { class: 'badge', 'data-tone': 'warning' }, `attempt ${attempt}`)),
    h('span', { class: 'now-doing quiet-text cut', title: one.doing }, one.doing),
    h('span', { class: 'now-time', title: 'Running for' }, ticking(one.started_at, at)),
    h('span', { class: 'now-last', 'data-tone': late || null, title: 'When the agent was last heard of' }, late && '⚠ ',
      `last output ${ago(one.last_at, at)}`),
    h('span', { class: 'now-model quiet-text cut', title: `Model: ${one.model || 'as the agent has it'}` },
      one.model || 'default'),
    h('span', { class: 'now-cost quiet-text', title: 'Cost and tokens are known when it has ended' },
      `cost ${cost(null)} · tokens ${count(null)}`),
    h('span', { class: 'now-pid quiet-text', title: 'Process' }, pid(one, state)),
    h('a', { class: 'now-open', href: commandHref(one.command_id, batchOf(state)), 'aria-label': `Open ${one.command}` },
      '→ open'));
}

/** @param {string[]} keys @param {State} state */
function links(keys, state) {
  return keys.length > 0 ? storyLinks(keys, batchOf(state)) : ['sprint'];
}

/** @param {Running} one @param {State} state */
function pid({ command: name, story_keys }, { past, overview }) {
  const same = (/** @type {{command: string, story_keys: string[]}} */ one) => one.command === name
    && one.story_keys.join() === story_keys.join();
  const found = past ? null : overview?.current.find(same);
  return found?.pid ? `pid ${found.pid}` : '';
}

/** @param {string} id @param {Chain} chain @param {State} state */
function waiting(id, chain, state) {
  return h('li', { key: `chain ${id}`, class: 'now-row now-background' },
    h('span', { class: 'state', 'data-tone': 'idle' }, h('span', { 'aria-hidden': 'true' }, '◌')),
    h('span', { class: 'now-stories cut' }, ...links(chain.story_keys, state)),
    h('span', { class: 'now-what' }, Object.hasOwn(CHAINS, chain.task_type) ? CHAINS[chain.task_type] : chain.task_type,
      h('span', { class: 'badge', 'data-tone': 'idle' }, 'background')),
    h('span', { class: 'now-doing quiet-text cut' }, 'between two commands'),
    h('span', { class: 'now-time' }, ticking(chain.started_at, time(state))));
}

/** What the only command belongs to; it keeps the place of a second one. @param {State} state */
function cycle(state) {
  const { board } = shown(state);
  if (board.cycle === 0) return null;
  return h('li', { key: 'cycle', class: 'now-note quiet-text cut' },
    `Cycle ${board.cycle}: `, ...links(board.cycle_keys, state),
    Object.keys(board.background).length === 0 && ' · nothing in the background');
}
