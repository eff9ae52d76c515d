/**
 * What the log shows: kind, story and words, all in the address. Words are looked for in what is loaded as one types,
 * and with Enter in everything that was ever stored.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 */
import { choose, chosen } from '../core/chosen.js';
import { h } from '../core/dom.js';
import { shortKey } from '../core/format.js';
import { shown } from '../core/scene.js';

const NAMES = ['kind', 'story', 'q'];
/** @type {[string, string][]} */
const KINDS = [
  ['', 'All events'], ['error', 'Errors'], ['warning', 'Warnings'], ['success', 'Successes'], ['task', 'Tasks'],
  ['tool', 'Tools'], ['text', 'Texts'], ['command', 'Commands'], ['story', 'Stories'], ['cycle', 'Cycles'], ['batch', 'Batch'],
  ['background', 'Background'], ['context', 'Project context'], ['supervisor', 'Supervision'],
];

/** @param {State} state @returns {{kind: string, story: string, q: string}} */
export function filtersOf(state) {
  return { kind: '', story: '', q: '', ...chosen(state, 'run', NAMES) };
}

/** What is looked for in all events; null: only in those that are loaded. @param {State} state */
export function everywhere(state) {
  const { q, story } = filtersOf(state);
  return state.route.filters.all && q ? { q, story, batch: state.past?.batchId ?? null } : null;
}

/** @param {App} app @param {Record<string, string>} changes */
function set(app, changes) {
  choose(app, 'run', [...NAMES, 'all'], { all: app.store.state.route.filters.all ?? '', ...changes });
}

/** @param {App} app */
export function clear(app) {
  set(app, { kind: '', story: '', q: '', all: '' });
}

/** @param {State} state @param {App} app @returns {Child[]} */
export function filters(state, app) {
  const { kind, story, q } = filtersOf(state);
  const stories = [...new Set([...Object.keys(shown(state).board.stories), ...(story ? [story] : [])])].sort();
  const all = everywhere(state) !== null;
  return [
    h('select', {
      key: 'kind', 'aria-label': 'Kind of event', value: kind,
      onchange: (/** @type {any} */ event) => set(app, { kind: event.target.value }),
    },
      KINDS.some(([value]) => value === kind) ? null : h('option', { key: kind, value: kind }, kind),
      KINDS.map(([value, label]) => h('option', { key: value, value }, label))),
    h('select', {
      key: 'story', class: 'log-story', 'aria-label': 'Story', value: story,
      onchange: (/** @type {any} */ event) => set(app, { story: event.target.value }),
    },
      h('option', { key: '', value: '' }, 'All stories'),
      stories.map((key) => h('option', { key, value: key, title: key }, shortKey(key)))),
    h('input', {
      key: 'q', type: 'search', class: 'log-search', 'aria-label': 'Search the events', placeholder: 'Search',
      title: 'Search what is loaded (/); Enter searches everything', 'aria-keyshortcuts': '/',
      autocomplete: 'off', spellcheck: 'false', value: q,
      oninput: (/** @type {any} */ event) => set(app, { q: event.target.value, all: '' }),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && set(app, { all: '1' }),
    }),
    q && h('button', {
      key: 'all', class: 'quiet', 'aria-pressed': String(all), onclick: () => set(app, { all: all ? '' : '1' }),
      title: state.past ? 'Also what is not loaded of this batch' : 'Also what is not loaded, of all batches',
    }, all ? '✓ Everything' : 'Search everything'),
    (kind || story || q) && h('button', { key: 'clear', class: 'quiet', onclick: () => clear(app) }, 'Clear'),
  ];
}
