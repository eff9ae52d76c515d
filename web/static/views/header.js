/**
 * The bar on top: what the sprint does, the orders that can be given, what needs somebody, and how fresh all of it is.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { unfinished } from '../core/at_work.js';
import { needs } from '../core/attention.js';
import { h } from '../core/dom.js';
import { hindrance, isOpen, order, present } from '../core/orders.js';
import { toast } from '../core/toasts.js';
import { attentionMenu } from './attention_menu.js';
import { connection } from './connection.js';
import { orderButton } from './order_button.js';
import { state as stateMark } from './parts.js';
import { batchesShown, toggleBatches } from './sidebar.js';
import { startControls } from './start_controls.js';
import { stopMenu } from './stop_menu.js';
import { notifySwitch, themeSwitch } from './switches.js';
import { words } from './words.js';

/** @param {State} state @param {App} app @returns {Child[]} */
export function header(state, app) {
  const said = words(state);
  const detail = said.state === 'lost' ? '' : state.live.board.detail;
  document.title = `${said.short} – ${state.project || 'Sprint Runner'}`;
  return [
    h('header', { key: 'bar', class: 'bar' },
      h('button', {
        id: 'drawer-button', class: 'quiet icon', 'aria-label': 'Batches', 'aria-expanded': String(batchesShown(state)),
        title: 'Show or hide the batches (h)', onclick: () => toggleBatches(app),
      }, '☰'),
      h('h1', { class: 'brand' }, h('span', { class: 'brand-name' }, 'Sprint Runner'),
        h('span', { class: 'brand-project cut', title: state.project }, state.project)),
      h('div', { class: 'bar-state cut', title: detail || said.long }, stateMark(said.state, said.long)),
      h('div', { class: 'controls', role: 'group', 'aria-label': 'Sprint', 'data-active': present(state) !== 'idle' || null },
        ...startControls(state, app),
        pauseOrResume(state, app),
        stopMenu(state, app),
        refusal(state, app)),
      h('div', { class: 'grow' }),
      attentionMenu(state, app, needs(state)),
      connection(state, app),
      notifySwitch(state, app),
      themeSwitch(state, app),
      h('button', { key: 'help', class: 'quiet icon', title: 'Keys (?)', 'aria-label': 'Keys and help',
        onclick: () => app.store.set({ overlay: 'help' }) }, '?')),
  ];
}

/** One place for both: they exclude each other, and what stands beside them stays. @param {State} state @param {App} app */
function pauseOrResume(state, app) {
  const { board } = state.live;
  const open = unfinished(state);
  const now = present(state);
  const held = ['paused', 'pausing', 'waiting_limit'].includes(now);
  if (held || isOpen(state, 'resume') || (now === 'idle' && open)) {
    return orderButton(state, 'resume', {
      label: '▶ Resume', pending: 'Resuming…', primary: true, act: () => void order(app.store, 'resume'),
      title: held ? `Go on with batch ${board.batch_id} now`
        : `Go on with batch ${open?.batch_id ?? ''} at its exact position`,
    });
  }
  return orderButton(state, 'pause', {
    label: '‖ Pause', pending: 'Pausing…', title: `Let nothing new of batch ${board.batch_id} start until it is resumed`,
    act: () => void order(app.store, 'pause'),
  });
}

/** What was refused, in the runner's own words. @param {State} state @param {App} app */
function refusal({ orders }, app) {
  const refused = Object.entries(orders).find(([, { error }]) => error);
  if (!refused) return null;
  const [name, { error, hint }] = refused;
  return h('div', { key: 'refusal', class: 'refusal', role: 'alert' },
    h('div', { class: 'grow' },
      h('strong', null, `✕ ${name[0].toUpperCase()}${name.slice(1)} was refused`), h('p', null, error),
      hint && h('p', { class: 'quiet-text' }, hint)),
    h('button', { class: 'quiet icon', 'aria-label': 'Close', title: 'Close', onclick: () => app.store.set({ orders: {} }) },
      '×'));
}

/** @param {State} state @param {App} app @returns {Keys} */
export function headerKeys(state, app) {
  const toggle = (/** @type {string} */ name) => app.store.set({ overlay: state.overlay === name ? '' : name });
  const cannot = (/** @type {string} */ what, /** @type {string} */ text) => {
    toast(app.store, { tone: 'info', title: `Cannot ${what} now`, text });
  };
  return {
    '.': { help: 'Stop…', run: () => {
      const why = hindrance(state, 'stop');
      if (why) cannot('stop', why);
      else toggle('stop');
    } },
    p: { help: 'Pause, or resume', run: () => {
      const why = hindrance(state, 'pause');
      if (isOpen(state, 'pause') || isOpen(state, 'resume')) return;
      if (!why) void order(app.store, 'pause');
      else if (!hindrance(state, 'resume')) void order(app.store, 'resume');
      else cannot('pause', why);
    } },
    n: { help: 'What needs attention', run: () => toggle('attention') },
    h: { help: 'Show or hide the batches', run: () => toggleBatches(app) },
  };
}
