/**
 * What runs now, or why nothing does: the answer to the first question of whoever looks. Its height and its columns stay
 * as they are, whatever comes and goes in them.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Running} Running
 * @typedef {import('../core/types.js').Board} Board
 * @typedef {import('../core/at_work.js').Line} Line
 * @typedef {import('../core/dom.js').Child} Child
 */
import { lines } from '../core/at_work.js';
import { silence } from '../core/attention.js';
import { h } from '../core/dom.js';
import { ago } from '../core/format.js';
import { stage } from '../core/headway.js';
import { present } from '../core/orders.js';
import { shown, time } from '../core/scene.js';
import { idle } from './now_idle.js';
import { commandHref, storyLink, ticking } from './parts.js';

/** @type {Record<string, string>} */
const CHAINS = {
  'story-review-chain': 'story review chain',
  'tech-spec-review-chain': 'tech-spec review chain',
  'project-context-refresh': 'project context refresh',
};

/** @param {State} state @param {App} app */
export function now(state, app) {
  const { board } = shown(state);
  const { front, behind } = lines(board);
  const rests = front.length === 0;
  const between = rests && !state.past && present(state) === 'running' && board.cycle > 0;
  return h('section', { key: 'now', class: `now panel ${state.past && !state.past.player ? 'now-over' : ''}`, 'aria-label': 'Now' },
    rests && behind.length === 0 && !between ? idle(state) : h('ul', { key: 'rows', class: 'now-rows' },
      between ? pausing(board, state) : rests && h('li', { key: 'idle' }, idle(state)),
      ...[...front, ...behind].map((line) => (line.command ? command(line.id, line.command, state) : waiting(line, state)))));
}

/** @param {string} id @param {Running} one @param {State} state */
function command(id, one, state) {
  const at = time(state);
  const late = state.past ? '' : silence(one.last_at, at, state);
  const { background: behind, attempt } = one;
  return h('li', { key: id, class: `now-row ${behind ? 'now-background' : ''}` },
    mark(behind ? '◌' : '◐', behind ? 'Runs in the background' : 'Runs', 'running'),
    stories(one.story_keys, state),
    h('span', { class: 'now-what cut', title: `${one.command}${one.task && ` · ${one.task}`}` },
      h('strong', null, one.command), one.task && h('span', null, ` · ${one.task}`),
      attempt > 1 && h('span', { class: 'badge now-attempt', 'data-tone': 'warning' }, `attempt ${attempt}`)),
    h('span', { class: 'now-doing quiet-text cut', title: one.doing }, one.doing),
    place(behind ? 'background' : stage(one.command)),
    elapsed(one.started_at, at),
    h('span', { class: 'now-last', 'data-tone': late || null, title: 'When the agent was last heard of' }, late && '⚠ ',
      `last output ${since(one.last_at, at)}`),
    h('span', { class: 'now-model quiet-text cut', title: one.model ? `Model: ${one.model}` : 'The model that the agent CLI takes by itself' },
      `model ${one.model || 'default'}`),
    h('span', { class: 'now-pid quiet-text', title: 'Process of the agent' }, pid(one, state)),
    h('a', { class: 'now-open', href: commandHref(one.command_id, batchOf(state)), 'aria-label': `Open ${one.command}` },
      '→ open'));
}

/** A chain of which no command runs. @param {Line} line @param {State} state */
function waiting({ id, chain }, state) {
  const { task_type, story_keys, started_at } = /** @type {import('../core/types.js').Chain} */ (chain);
  return h('li', { key: id, class: 'now-row now-background' },
    mark('◌', 'In the background', 'idle'),
    stories(story_keys, state),
    h('span', { class: 'now-what cut' }, Object.hasOwn(CHAINS, task_type) ? CHAINS[task_type] : task_type),
    h('span', { class: 'now-doing quiet-text cut' }, 'between two commands'),
    place('background'),
    elapsed(started_at, time(state)));
}

/** Where the next command will stand. @param {Board} board @param {State} state */
function pausing(board, state) {
  return h('li', { key: 'front 0', class: 'now-row' },
    mark('◌', 'Between two commands', 'idle'),
    stories(board.cycle_keys, state),
    h('span', { class: 'now-what quiet-text cut' }, 'between two commands'),
    h('span', { class: 'now-doing' }),
    place(''),
    elapsed(board.at, Math.max(board.at, state.now)));
}

/** @param {string} icon @param {string} title @param {string} tone */
function mark(icon, title, tone) {
  return h('span', { class: `state ${tone === 'running' ? 'breathing' : ''}`, 'data-tone': tone, title },
    h('span', { 'aria-hidden': 'true' }, icon), h('span', { class: 'hidden' }, title));
}

/** @param {string} text */
function place(text) {
  return h('span', { class: 'now-place quiet-text', title: text.startsWith('phase') ? 'Of the phases of a cycle' : null }, text);
}

/** @param {number} begin @param {number} at */
function elapsed(begin, at) {
  return h('span', { class: 'now-time', title: 'For how long' }, h('span', { class: 'quiet-text' }, 'for '), ticking(begin, at));
}

/** In its largest unit: there is no room for two. @param {number} begin @param {number} at */
function since(begin, at) {
  const [value, unit] = ago(begin, at).split(' ');
  return unit ? `${value} ${unit} ago` : value;
}

/** Their titles stand there where there is room. @param {string[]} keys @param {State} state */
function stories(keys, state) {
  const names = keys.map((key) => state.sprint?.stories.find((story) => story.key === key)?.name ?? '');
  return h('span', { class: 'now-stories cut', title: keys.map((key, at) => `${key} ${names[at]}`).join(', ') },
    keys.length === 0 ? 'sprint' : keys.flatMap((key, at) => [
      at > 0 && ', ', storyLink(key, batchOf(state)), names[at] && h('span', { key: `name ${key}`, class: 'now-name' }, ` ${names[at]}`),
    ]));
}

/** @param {State} state */
function batchOf({ past }) {
  return past?.batchId ?? null;
}

/** @param {Running} one @param {State} state */
function pid({ command: name, story_keys }, { past, overview }) {
  const same = (/** @type {{command: string, story_keys: string[]}} */ one) => one.command === name
    && one.story_keys.join() === story_keys.join();
  const found = past ? null : overview?.current.find(same);
  return found?.pid ? `pid ${found.pid}` : '';
}
