/**
 * The keys that hold now, by what they are about.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { dialog } from './dialog.js';

const SPRINT = new Set(['.', 'p', 'n', 'h']);
const EVERYWHERE = new Set(['/', '?', 'Escape']);
const GROUPS = ['Go to', 'Sprint', 'This view', 'Everywhere'];

/** @param {State} state @param {App} app @param {Keys} keys @returns {Child[]} */
export function help(state, app, keys) {
  if (state.overlay !== 'help') return [];
  const groups = GROUPS.map((title) => ({ title, some: Object.entries(keys).filter(([name]) => groupOf(name) === title) }));
  return [dialog(app, 'help', 'Keys', [
    h('div', { class: 'key-groups' }, ...groups.filter(({ some }) => some.length > 0).map(group)),
    h('div', { class: 'dialog-buttons' }, h('button', { onclick: () => app.store.set({ overlay: '' }) }, 'Close')),
  ])];
}

/** @param {{title: string, some: [string, {help: string}][]}} group */
function group({ title, some }) {
  return h('section', { key: title, 'aria-label': title },
    h('h3', null, title),
    h('dl', { class: 'keys' }, ...some.flatMap(([name, { help: text }]) => [
      h('dt', { key: `key ${name}` }, ...name.split(' ').map((part) => h('kbd', null, part))),
      h('dd', { key: `what ${name}` }, text),
    ])));
}

/** @param {string} name */
function groupOf(name) {
  if (name.startsWith('g ')) return 'Go to';
  if (SPRINT.has(name)) return 'Sprint';
  return EVERYWHERE.has(name) ? 'Everywhere' : 'This view';
}
