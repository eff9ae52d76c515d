/**
 * Stop, in its four kinds. What would be cut off is named before it is.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 */
import { foregroundFirst } from '../core/at_work.js';
import { h } from '../core/dom.js';
import { elapsed, shortKey } from '../core/format.js';
import { hindrance, order } from '../core/orders.js';
import { dialog } from './dialog.js';
import { menu } from './menu.js';
import { isOpen } from './order_button.js';

/** @type {[string, string, string][]} */
const KINDS = [
  ['command', 'After this command', 'What runs now ends normally'],
  ['story', 'After this story', 'The story that is worked on is finished'],
  ['cycle', 'After this cycle', 'The cycle is finished, with its commit'],
];

/** @param {State} state @param {App} app */
export function stopMenu(state, app) {
  const why = hindrance(state, 'stop');
  const waits = isOpen(state, 'stop');
  const stop = (/** @type {string} */ after) => {
    app.store.set({ overlay: '' });
    void order(app.store, 'stop', { after });
  };
  return h('div', { key: 'stop', class: 'menu-place' },
    menu(state, app, {
      id: 'stop', name: 'Stop', class: 'order', label: [waits ? 'Stopping…' : '■ Stop ▾'],
      title: why || `Stop batch ${state.live.board.batch_id}… (.)`,
      disabled: Boolean(why), busy: waits, items: [
        ...KINDS.map(([after, label, help]) => item(after, label, help, () => stop(after))),
        item('now', 'Now…', 'Agents are interrupted; resume goes on there', () => app.store.set({ overlay: 'confirm-stop' })),
      ],
    }),
    state.overlay === 'confirm-stop' && !why && dialog(app, 'confirm-stop', 'Stop now?', [
      ...interrupted(state),
      h('div', { class: 'dialog-buttons' },
        h('button', { class: 'danger', onclick: () => stop('now') }, 'Stop now'),
        h('button', { class: 'quiet', autofocus: true, onclick: () => app.store.set({ overlay: '' }) }, 'Let it run')),
    ]));
}

/**
 * @param {string} after
 * @param {string} label
 * @param {string} help
 * @param {() => void} act
 */
function item(after, label, help, act) {
  return h('button', { key: after, role: 'menuitem', tabindex: '-1', class: `menu-item ${after === 'now' ? 'danger' : ''}`,
    onclick: act },
    h('span', null, label), h('span', { class: 'quiet-text' }, help));
}

/** @param {State} state */
function interrupted({ live: { board }, now }) {
  const running = foregroundFirst(board);
  if (running.length === 0) return [h('p', null, 'No command runs at this moment. Resume goes on at the exact position.')];
  return [
    h('p', null, running.length === 1 ? 'This command is interrupted:' : 'These commands are interrupted:'),
    h('ul', { class: 'dialog-list' }, ...running.map((one) => h('li', { key: one.command_id },
      h('span', { class: 'mono' }, one.story_keys.map(shortKey).join(', ')), ' ', h('strong', null, one.command),
      one.task && ` · ${one.task}`,
      h('span', { class: 'quiet-text' }, `, runs for ${elapsed(now - one.started_at)}`)))),
    h('p', { class: 'quiet-text' }, running.length === 1
      ? 'It is recorded as interrupted, and goes on or is run again when the batch is resumed.'
      : 'They are recorded as interrupted, and go on or are run again when the batch is resumed.'),
  ];
}
