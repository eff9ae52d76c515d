/**
 * The keys, and the few switches that are about this browser alone.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { dialog } from './dialog.js';

/** @param {State} state @param {App} app @param {Keys} keys @returns {Child[]} */
export function help(state, app, keys) {
  if (state.overlay !== 'help') return [];
  return [dialog(app, 'help', 'Keys', [
    h('dl', { class: 'keys' }, ...Object.entries(keys).flatMap(([name, { help: text }]) => [
      h('dt', { key: `key ${name}` }, ...name.split(' ').map((part) => h('kbd', null, part))),
      h('dd', { key: `what ${name}` }, text),
    ])),
    h('label', { class: 'choice' },
      h('input', { type: 'checkbox', checked: state.prefs.notify, onchange: (/** @type {any} */ event) => void notify(app, event.target.checked) }),
      'Tell me on the desktop while this page is hidden'),
    h('div', { class: 'dialog-buttons' }, h('button', { onclick: () => app.store.set({ overlay: '' }) }, 'Close')),
  ])];
}

/** @param {App} app @param {boolean} wanted */
async function notify(app, wanted) {
  const allowed = wanted && 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted';
  app.store.set({ prefs: { ...app.store.state.prefs, notify: allowed } });
}
