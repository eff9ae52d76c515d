/**
 * Start: how many cycles, or until no story is left; both are remembered. Beside an unfinished batch it asks what becomes
 * of that one, since it is closed for good.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 */
import { unfinished } from '../core/at_work.js';
import { h } from '../core/dom.js';
import { plural } from '../core/format.js';
import { hindrance, order } from '../core/orders.js';
import { MOST_CYCLES } from '../core/prefs.js';
import { dialog } from './dialog.js';
import { orderButton } from './order_button.js';

/** @param {State} state @param {App} app @returns {Child[]} */
export function startControls(state, app) {
  const { prefs, overlay, plan } = state;
  const open = unfinished(state);
  const why = hindrance(state, 'start');
  const wanted = prefs.all ? 'that goes on until no story is left' : `of ${plural(prefs.cycles, 'cycle')}`;
  // It stays possible: the sprint file may have changed since.
  const nothing = plan?.cycles.length === 0;
  return [
    orderButton(state, 'start', {
      label: '▶ Start', pending: 'Starting…', primary: !open && !nothing,
      title: nothing ? 'Nothing is left to do: a batch would end at once' : `Start a batch ${wanted}`,
      act: () => (open ? app.store.set({ overlay: 'start' }) : begin(app, false)),
    }),
    h('input', {
      key: 'cycles', type: 'number', min: '1', max: String(MOST_CYCLES), step: '1', 'aria-label': 'Cycles',
      title: why || 'How many cycles the batch has',
      value: String(prefs.cycles), disabled: prefs.all || Boolean(why),
      onchange: (/** @type {any} */ event) => {
        const cycles = Math.max(1, Math.min(MOST_CYCLES, Math.round(Number(event.target.value)) || 1));
        event.target.value = String(cycles);
        app.store.set({ prefs: { ...app.store.state.prefs, cycles } });
      },
    }),
    h('label', { key: 'all', class: 'choice', title: why || 'Go on until no story is left' },
      h('input', {
        type: 'checkbox', checked: prefs.all, disabled: Boolean(why),
        onchange: (/** @type {any} */ event) => app.store.set({ prefs: { ...app.store.state.prefs, all: event.target.checked } }),
      }), 'all'),
    overlay === 'start' && open && choice(open, wanted, app),
  ];
}

/**
 * What becomes of the unfinished one.
 * @param {NonNullable<import('../core/types.js').Overview['resumable']>} unfinished
 * @param {string} wanted
 * @param {App} app
 */
function choice({ batch_id, cycles_completed, max_cycles, reason }, wanted, app) {
  const done = max_cycles === null ? plural(cycles_completed, 'cycle') : `${cycles_completed} of ${plural(max_cycles, 'cycle')}`;
  return dialog(app, 'start-dialog', `Batch ${batch_id} is unfinished`, [
    h('p', null, `It has completed ${done}${reason ? `: ${reason}` : ''}. Resume goes on at its exact position.`),
    h('p', null, `A new batch, one ${wanted}, closes it for good. Its stories stay as they are in the sprint file.`),
    h('div', { class: 'dialog-buttons' },
      h('button', { class: 'primary', onclick: () => close(app, () => order(app.store, 'resume')) }, 'Resume it'),
      h('button', { onclick: () => close(app, () => begin(app, true)) }, 'Close it and start a new one'),
      h('button', { class: 'quiet', onclick: () => app.store.set({ overlay: '' }) }, 'Cancel')),
  ]);
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
