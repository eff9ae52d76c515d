/**
 * What the log shows: kind, story and words, all in the address. Words are looked for in what is loaded as one types,
 * and with Enter in everything there is.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { go } from '../core/router.js';
import { shown } from '../core/scene.js';
import { shortKey } from '../core/format.js';

/** @type {[string, string][]} */
const KINDS = [
  ['', 'All events'], ['error', 'Errors'], ['warning', 'Warnings'], ['success', 'Successes'], ['batch', 'Batch'], ['cycle', 'Cycles'],
  ['story', 'Stories'], ['command', 'Commands'], ['command:progress', 'What agents do'], ['background', 'Background'], ['context', 'Project context'], ['supervisor', 'Supervision'],
];

/** @param {State} state @returns {Child[]} */
export function filters(state) {
  const { route } = state;
  const { kind = '', story = '', q = '' } = route.filters;
  const set = (/** @type {Record<string, string>} */ changes) => go({ ...route, filters: { ...route.filters, ...changes } }, { replace: true });
  const stories = Object.keys(shown(state).board.stories);
  return [
    h('select', { key: 'kind', 'aria-label': 'Kind of event', value: kind, onchange: (/** @type {any} */ event) => set({ kind: event.target.value }) },
      ...KINDS.map(([value, label]) => h('option', { key: value, value }, label))),
    h('select', { key: 'story', 'aria-label': 'Story', value: story, onchange: (/** @type {any} */ event) => set({ story: event.target.value }) },
      h('option', { key: '', value: '' }, 'All stories'),
      ...[...new Set([...stories, ...(story ? [story] : [])])].map((key) => h('option', { key, value: key, title: key }, shortKey(key)))),
    h('input', {
      key: 'q', type: 'search', class: 'log-search', 'aria-label': 'Search the events', placeholder: 'Search  /', value: q,
      oninput: (/** @type {any} */ event) => set({ q: event.target.value }),
    }),
    (kind || story || q) && h('button', { key: 'clear', class: 'quiet', onclick: () => set({ kind: '', story: '', q: '' }) }, 'Clear'),
  ];
}
