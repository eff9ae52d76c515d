/**
 * What runs now, or why nothing does: the answer to the first question of whoever looks.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Running} Running
 * @typedef {import('../core/dom.js').Child} Child
 */
import { silence } from '../core/attention.js';
import { h } from '../core/dom.js';
import { ago, cost, duration, moment, plural, shortKey } from '../core/format.js';
import { present } from '../core/orders.js';
import { shown, time } from '../core/scene.js';
import { commandHref, storyLinks, ticking } from './parts.js';

const CHAINS = /** @type {Record<string, string>} */ ({
  'story-review-chain': 'story review chain', 'tech-spec-review-chain': 'tech-spec review chain', 'project-context-refresh': 'project context refresh',
});

/** @param {State} state @param {App} app */
export function now(state, app) {
  const { board } = shown(state);
  const running = Object.values(board.running).sort((one, other) => Number(one.background) - Number(other.background) || one.command_id - other.command_id);
  const busy = new Set(running.filter(({ background }) => background).flatMap(({ story_keys }) => story_keys));
  // A chain whose command runs is there already.
  const chains = Object.entries(board.background).filter(([, { story_keys }]) => !story_keys.some((key) => busy.has(key)));
  return h('section', { key: 'now', class: 'now panel', 'aria-label': 'Now' },
    ...running.map((one) => command(one, state)),
    ...chains.map(([id, chain]) => h('div', { key: `chain ${id}`, class: 'now-row now-chain' },
      h('span', { class: 'state', 'data-tone': 'idle' }, '◌'), h('span', { class: 'now-stories' }, ...storyLinks(chain.story_keys, batchOf(state))),
      h('span', { class: 'now-what' }, CHAINS[chain.task_type] ?? chain.task_type), h('span', { class: 'now-doing quiet-text cut' }, 'waits for its next command'),
      h('span', { class: 'now-time' }, ticking(chain.started_at, time(state))))),
    running.length === 0 && chains.length === 0 && idle(state));
}

/** @param {State} state */
function batchOf({ past }) {
  return past?.batchId ?? null;
}

/** @param {Running} one @param {State} state */
function command(one, state) {
  const at = time(state);
  const late = state.past ? '' : silence(one.last_at, at, state);
  const pid = state.past ? null : state.overview?.current.find(({ command: name, story_keys }) => name === one.command && story_keys.join() === one.story_keys.join())?.pid;
  return h('div', { key: `command ${one.command_id}`, class: `now-row ${one.background ? 'now-background' : ''}` },
    h('span', { class: 'state breathing', 'data-tone': 'running', title: one.background ? 'Runs in the background' : 'Runs' }, one.background ? '◌' : '◐', h('span', { class: 'hidden' }, one.background ? 'in the background' : 'running')),
    h('span', { class: 'now-stories' }, ...(one.story_keys.length ? storyLinks(one.story_keys, batchOf(state)) : ['sprint'])),
    h('span', { class: 'now-what' }, h('strong', null, one.command), one.task && ` · ${one.task}`,
      one.background && h('span', { class: 'badge', 'data-tone': 'idle' }, 'background'),
      one.attempt > 1 && h('span', { class: 'badge', 'data-tone': 'warning' }, `attempt ${one.attempt}`)),
    h('span', { class: 'now-doing quiet-text cut', title: one.doing }, one.doing),
    h('span', { class: 'now-time', title: 'Running for' }, ticking(one.started_at, at)),
    h('span', { class: 'now-last', 'data-tone': late || null, title: 'When the agent was last heard of' }, late && '⚠ ', `output ${ago(one.last_at, at)}`),
    h('span', { class: 'now-model quiet-text cut', title: `Model: ${one.model || 'as the agent has it'}` }, one.model || 'default'),
    h('span', { class: 'now-cost quiet-text', title: 'Known when it has ended' }, cost(null)),
    h('span', { class: 'now-pid quiet-text', title: 'Process' }, pid ? `pid ${pid}` : ''),
    h('a', { class: 'now-open', href: commandHref(one.command_id, batchOf(state)), 'aria-label': `Open ${one.command}` }, '→ open'));
}

/** @param {State} state @returns {Child} */
function idle(state) {
  const { board } = shown(state);
  if (state.past) return h('p', { class: 'now-note' }, state.past.player ? 'Nothing ran at this moment.' : `Nothing runs any more: ${board.detail || board.state}.`);
  switch (present(state)) {
    case 'waiting_limit': {
      const left = board.resets_at === null ? '' : ` It goes on by itself in ${duration(Math.max(0, board.resets_at - state.now))}, at ${moment(board.resets_at, state.now)}. Resume tries at once.`;
      return h('p', { class: 'now-note', 'data-tone': 'waiting' }, `◷ Waiting for a usage limit. ${board.detail}${left}`);
    }
    case 'paused':
      return h('p', { class: 'now-note', 'data-tone': 'waiting' }, '‖ Paused: nothing starts until you resume.');
    case 'idle':
      return next(state);
    default:
      return h('p', { class: 'now-note' }, 'Between two commands…');
  }
}

/** What Start would do. @param {State} state @returns {Child} */
function next({ plan, overview, sprintError }) {
  if (overview?.resumable) return h('p', { class: 'now-note' }, `Nothing runs. Resume goes on with batch ${overview.resumable.batch_id} where it was.`);
  if (sprintError) return h('p', { class: 'now-note', 'data-tone': 'error' }, `✕ ${sprintError.error}. ${sprintError.hint}`);
  if (!plan) return h('p', { class: 'now-note' }, 'Nothing runs. Start begins a batch.');
  const [cycle] = plan.cycles;
  if (!cycle) return h('p', { class: 'now-note' }, '✓ Nothing runs, and nothing is left to do: every story is done or blocked.');
  const phases = cycle.steps.flatMap(({ commands }) => commands);
  return h('p', { class: 'now-note' }, 'Nothing runs. Start would take ', h('strong', null, cycle.story_keys.map(shortKey).join(' and ')),
    ` through ${plural(phases.length, 'command')}: `, h('span', { class: 'mono' }, [...new Set(phases)].join(' → ')), '.');
}
