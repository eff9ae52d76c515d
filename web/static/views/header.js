/**
 * The bar on top: what the sprint does, the orders that can be given, what needs somebody, and how fresh all of it is.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { needs } from '../core/attention.js';
import { h } from '../core/dom.js';
import { clock, duration } from '../core/format.js';
import { hindrance, order, present } from '../core/orders.js';
import { attentionMenu } from './attention_menu.js';
import { state as stateMark } from './parts.js';
import { batchesShown, toggleBatches } from './sidebar.js';
import { startControls } from './start_controls.js';
import { stopMenu } from './stop_menu.js';
import { words } from './words.js';

/** @type {Record<string, [string, string]>} */
const THEMES = { auto: ['◑', 'as the system'], light: ['☀', 'light'], dark: ['☾', 'dark'] };
const NEXT_THEME = /** @type {Record<string, string>} */ ({ auto: 'light', light: 'dark', dark: 'auto' });

/** @param {State} state @param {App} app @returns {Child[]} */
export function header(state, app) {
  const said = words(state);
  document.title = `${said.short} – ${state.project || 'Sprint Runner'}`;
  return [
    h('header', { key: 'bar', class: 'bar' },
      h('button', {
        id: 'drawer-button', class: 'quiet icon', 'aria-label': 'Batches', 'aria-expanded': String(batchesShown(state)),
        title: 'Show or hide the batches (h)', onclick: () => toggleBatches(app),
      }, '☰'),
      h('h1', { class: 'brand cut' }, h('span', { class: 'brand-name' }, 'Sprint Runner'), h('span', { class: 'brand-project cut' }, state.project)),
      h('div', { class: 'bar-state' }, stateMark(said.state, said.long)),
      h('div', { class: 'controls', role: 'group', 'aria-label': 'Sprint', 'data-active': present(state) !== 'idle' || null },
        ...startControls(state, app),
        orderButton(state, app, 'pause', '‖ Pause', 'Pausing…', 'Let nothing new start until it is resumed'),
        orderButton(state, app, 'resume', '▶ Resume', 'Resuming…', resumes(state)),
        stopMenu(state, app)),
      h('div', { class: 'grow' }),
      attentionMenu(state, app, needs(state)),
      chip(state, app),
      h('button', {
        class: 'quiet icon', title: `Colours: ${THEMES[state.prefs.theme]?.[1] ?? 'as the system'}`, 'aria-label': `Colours: ${THEMES[state.prefs.theme]?.[1] ?? 'as the system'}. Change`,
        onclick: () => app.store.set({ prefs: { ...state.prefs, theme: NEXT_THEME[state.prefs.theme] ?? 'auto' } }),
      }, THEMES[state.prefs.theme]?.[0] ?? '◑'),
      h('button', { class: 'quiet icon', title: 'Keys and help (?)', 'aria-label': 'Keys and help', onclick: () => app.store.set({ overlay: 'help' }) }, '?')),
    refusal(state, app),
  ];
}

/** @param {State} state */
function resumes({ overview, live: { board } }) {
  if (['paused', 'pausing', 'waiting_limit'].includes(board.state) && board.ended_at === null) return `Go on with batch ${board.batch_id} now`;
  return overview?.resumable ? `Go on with batch ${overview.resumable.batch_id} at its exact position` : 'Go on with an unfinished batch';
}

/**
 * @param {State} state
 * @param {App} app
 * @param {'pause' | 'resume'} name
 * @param {string} label
 * @param {string} pending
 * @param {string} title
 */
function orderButton(state, app, name, label, pending, title) {
  const why = hindrance(state, name);
  const open = state.orders[name] && !state.orders[name].error;
  // The two exclude each other: what makes no sense now takes no room.
  const now = present(state);
  const halted = ['paused', 'pausing', 'waiting_limit'].includes(now) || (now === 'idle' && state.overview?.resumable);
  if (name === 'pause' ? halted : !halted && !open) return null;
  return h('button', {
    key: name, id: `order-${name}`, class: name === 'resume' ? 'primary' : '', disabled: Boolean(why) || open, title: why || title, 'aria-busy': open || null,
    onclick: () => order(app.store, name),
  }, open ? pending : label);
}

/** What was refused, in the runner's own words. @param {State} state @param {App} app */
function refusal({ orders }, app) {
  const refused = Object.entries(orders).find(([, { error }]) => error);
  if (!refused) return null;
  const [name, { error, hint }] = refused;
  return h('div', { key: 'refusal', class: 'refusal', role: 'alert' },
    h('strong', null, `${name[0].toUpperCase()}${name.slice(1)} was refused: `), h('span', { class: 'grow' }, error, hint && ` – ${hint}`),
    h('button', { class: 'quiet', onclick: () => app.store.set({ orders: {} }) }, 'Close'));
}

/** How fresh everything is. @param {State} state @param {App} app */
function chip({ line, now }, app) {
  const live = line.state === 'live';
  const [icon, more, word] = live
    ? ['●', '', `live ${line.latency === null ? '' : `${Math.round(line.latency)} ms`}`]
    : line.state === 'connecting' ? ['◌', '', 'connecting'] : ['○', 'reconnecting · ', `stale since ${clock(line.since)}`];
  const wait = Math.max(0, line.retryAt - Date.now());
  return h('button', {
    key: 'chip', id: 'connection', class: 'chip quiet', 'data-tone': live ? 'success' : 'warning', disabled: live,
    title: live ? 'Connected. The time is from an event to its arrival here' : `No connection for ${duration(now - line.since)}. Next try in ${duration(wait)}; click to try now`,
    onclick: () => app.feed.socket.retry(),
  }, h('span', { 'aria-hidden': 'true', class: live ? '' : 'breathing' }, icon), ' ', h('span', { class: 'chip-more' }, more), word);
}

/** @param {State} state @param {App} app @returns {Keys} */
export function headerKeys(state, app) {
  const toggle = (/** @type {string} */ name) => app.store.set({ overlay: state.overlay === name ? '' : name });
  return {
    '.': { help: 'Stop…', run: () => !hindrance(state, 'stop') && toggle('stop') },
    p: { help: 'Pause, or resume', run: () => {
      if (!hindrance(state, 'pause')) void order(app.store, 'pause');
      else if (!hindrance(state, 'resume')) void order(app.store, 'resume');
    } },
    n: { help: 'What needs attention', run: () => toggle('attention') },
    h: { help: 'Show or hide the batches', run: () => toggleBatches(app) },
  };
}
