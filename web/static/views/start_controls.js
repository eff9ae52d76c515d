/**
 * Start: how many cycles, or until no story is left; both are remembered. Beside an unfinished batch it asks what becomes
 * of that one, since it is closed for good.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { plural } from '../core/format.js';
import { hindrance, order } from '../core/orders.js';
import { dialog } from './dialog.js';

const MOST_CYCLES = 999;

/** @param {State} state @param {App} app @returns {Child[]} */
export function startControls(state, app) {
  const { prefs, orders, overview } = state;
  const why = hindrance(state, 'start');
  const open = orders.start && !orders.start.error;
  const wanted = prefs.all ? 'until no story is left' : `for ${plural(prefs.cycles, 'cycle')}`;
  const start = () => (overview?.resumable ? app.store.set({ overlay: 'start' }) : begin(app, false));
  return [
    h('button', {
      key: 'start', id: 'order-start', class: overview?.resumable || why ? '' : 'primary', disabled: Boolean(why) || open, 'aria-busy': open || null,
      title: why || `Start a batch ${wanted}`, onclick: start,
    }, open ? 'Starting…' : '▶ Start'),
    h('input', {
      key: 'cycles', type: 'number', min: '1', max: String(MOST_CYCLES), step: '1', 'aria-label': 'Cycles', title: 'How many cycles a batch has',
      value: String(prefs.cycles), disabled: prefs.all || Boolean(why),
      onchange: (/** @type {any} */ event) => {
        const cycles = Math.max(1, Math.min(MOST_CYCLES, Math.round(Number(event.target.value)) || 1));
        event.target.value = String(cycles);
        app.store.set({ prefs: { ...app.store.state.prefs, cycles } });
      },
    }),
    h('label', { key: 'all', class: 'choice', title: 'Go on until no story is left' },
      h('input', {
        type: 'checkbox', checked: prefs.all, disabled: Boolean(why),
        onchange: (/** @type {any} */ event) => app.store.set({ prefs: { ...app.store.state.prefs, all: event.target.checked } }),
      }), 'all'),
    state.overlay === 'start' && overview?.resumable && dialog(app, 'start-dialog', `Batch ${overview.resumable.batch_id} is unfinished`, [
      h('p', null, `It has completed ${plural(overview.resumable.cycles_completed, 'cycle')}. Resume goes on at its exact position. A new batch closes it for good; its stories stay as they are in the sprint file.`),
      h('div', { class: 'dialog-buttons' },
        h('button', { class: 'primary', onclick: () => close(app, () => order(app.store, 'resume')) }, 'Resume it'),
        h('button', { onclick: () => close(app, () => begin(app, true)) }, 'Close it and start a new one'),
        h('button', { class: 'quiet', onclick: () => app.store.set({ overlay: '' }) }, 'Cancel')),
    ]),
  ];
}

/** @param {App} app @param {boolean} fresh */
function begin(app, fresh) {
  // As it is now: what was typed a moment ago may not be drawn yet.
  const { prefs } = app.store.state;
  void order(app.store, 'start', { max_cycles: prefs.all ? 'all' : prefs.cycles, ...(fresh ? { new: true } : {}) });
}

/** @param {App} app @param {() => void} act */
function close(app, act) {
  app.store.set({ overlay: '' });
  act();
}
