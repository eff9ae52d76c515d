/**
 * Stop, in its four kinds. What would be cut off is named before it is.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stop_kinds.js').Kind} Kind
 */
import { foregroundFirst } from '../core/at_work.js';
import { h } from '../core/dom.js';
import { elapsed, shortKey } from '../core/format.js';
import { hindrance, isOpen, order } from '../core/orders.js';
import { kinds } from '../core/stop_kinds.js';
import { dialog } from './dialog.js';
import { menu } from './menu.js';

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
      disabled: Boolean(why), busy: waits,
      items: kinds(state.live.board).map((kind) => item(kind, () => (
        kind.after === 'now' ? app.store.set({ overlay: 'confirm-stop' }) : stop(kind.after)))),
    }),
    state.overlay === 'confirm-stop' && !why && dialog(app, 'confirm-stop', 'Stop now?', [
      ...interrupted(state),
      h('div', { class: 'dialog-buttons' },
        h('button', { class: 'danger', onclick: () => stop('now') }, 'Stop now'),
        h('button', { class: 'quiet', autofocus: true, onclick: () => app.store.set({ overlay: '' }) }, 'Let it run')),
    ]));
}

/** @param {Kind} kind @param {() => void} act */
function item({ after, label, help, standing }, act) {
  const possible = standing === '';
  return h('button', { key: after, role: 'menuitem', tabindex: '-1', class: `menu-item ${after === 'now' ? 'danger' : ''}`,
    'aria-disabled': possible ? null : 'true', 'aria-current': standing === 'under way' ? 'true' : null, onclick: () => possible && act() },
    h('span', null, standing === 'under way' && '✓ ', label, standing === 'under way' && ' – under way'),
    h('span', { class: 'quiet-text' }, standing === 'too late' ? 'A sooner stop is under way' : help));
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
