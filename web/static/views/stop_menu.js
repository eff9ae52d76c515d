/**
 * Stop, in its four kinds. What would be cut off is named before it is.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 */
import { h } from '../core/dom.js';
import { shortKey } from '../core/format.js';
import { hindrance, order } from '../core/orders.js';
import { dialog } from './dialog.js';
import { menu } from './menu.js';

/** @type {[string, string, string][]} */
const KINDS = [
  ['command', 'After this command', 'What runs now ends normally'],
  ['story', 'After this story', 'The story that is worked on is finished'],
  ['cycle', 'After this cycle', 'The cycle is finished, with its commit'],
];

/** @param {State} state @param {App} app */
export function stopMenu(state, app) {
  const why = hindrance(state, 'stop');
  const open = state.orders.stop && !state.orders.stop.error;
  const stop = (/** @type {string} */ after) => {
    app.store.set({ overlay: '' });
    void order(app.store, 'stop', { after });
  };
  return h('div', { key: 'stop', class: 'menu-place' },
    menu(state, app, {
      id: 'stop', label: [open ? 'Stopping…' : '■ Stop ▾'], title: why || 'Stop the batch…', disabled: Boolean(why), busy: open, name: 'Stop', items: [
        ...KINDS.map(([after, label, help]) => h('button', { key: after, role: 'menuitem', class: 'menu-item', onclick: () => stop(after) },
          h('span', null, label), h('span', { class: 'quiet-text' }, help))),
        h('button', { key: 'now', role: 'menuitem', class: 'menu-item danger', onclick: () => app.store.set({ overlay: 'confirm-stop' }) },
          h('span', null, 'Now…'), h('span', { class: 'quiet-text' }, 'Agents are interrupted; resume goes on there')),
      ],
    }),
    state.overlay === 'confirm-stop' && !why && dialog(app, 'confirm-stop', 'Stop now?', [
      ...interrupted(state),
      h('div', { class: 'dialog-buttons' },
        h('button', { class: 'danger', onclick: () => stop('now') }, 'Stop now'),
        h('button', { class: 'quiet', onclick: () => app.store.set({ overlay: '' }) }, 'Let it run')),
    ]));
}

/** @param {State} state */
function interrupted({ live: { board } }) {
  const running = Object.values(board.running);
  if (running.length === 0) return [h('p', null, 'No command runs at this moment. The batch can be resumed at its exact position.')];
  return [
    h('p', null, running.length === 1 ? 'This command is interrupted:' : 'These commands are interrupted:'),
    h('ul', { class: 'dialog-list' }, ...running.map((one) => h('li', { key: one.command_id, class: 'mono' }, `${one.command} ${one.story_keys.map(shortKey).join(', ')}`))),
    h('p', { class: 'quiet-text' }, running.length === 1
      ? 'It is recorded as interrupted, and goes on or is run again when the batch is resumed.'
      : 'They are recorded as interrupted, and go on or are run again when the batch is resumed.'),
  ];
}
