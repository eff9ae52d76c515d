/**
 * What is set for this browser alone: colours, and messages on the desktop.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 */
import { h } from '../core/dom.js';
import { toast } from '../core/toasts.js';

/** Icon and name. @type {Record<string, [string, string]>} */
const THEMES = { auto: ['◑', 'as the system'], light: ['☀', 'light'], dark: ['☾', 'dark'] };
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** @param {State} state @param {App} app */
export function themeSwitch({ prefs }, app) {
  const theme = Object.hasOwn(THEMES, prefs.theme) ? prefs.theme : 'auto';
  const [icon, name] = THEMES[theme];
  const next = after(theme);
  return h('button', {
    key: 'theme', class: 'quiet icon', title: `Colours: ${name}. Click for ${THEMES[next][1]}`,
    'aria-label': `Colours: ${name}. Change`,
    onclick: () => app.store.set({ prefs: { ...app.store.state.prefs, theme: after(theme) } }),
  }, icon);
}

/** From the system to the other one than it has, then to the same: the first press shows what the button does. @param {string} theme */
function after(theme) {
  const order = systemIsDark.matches ? ['auto', 'light', 'dark'] : ['auto', 'dark', 'light'];
  return order[(order.indexOf(theme) + 1) % order.length];
}

/** @param {State} state @param {App} app */
export function notifySwitch({ prefs }, app) {
  const on = prefs.notify && 'Notification' in globalThis && Notification.permission === 'granted';
  return h('button', {
    key: 'notify', class: 'quiet icon', 'aria-label': 'Desktop messages while this page is hidden', 'aria-pressed': String(on),
    title: `Desktop messages while this page is hidden: ${on ? 'on' : 'off'}`, onclick: () => void notify(app, !on),
  }, h('svg', { class: 'glyph', viewBox: '0 0 16 16', width: '16', height: '16', 'aria-hidden': 'true' },
    h('path', { key: 'bell', d: 'M8 2.2a3.8 3.8 0 0 0-3.8 3.8v3L2.9 11.3h10.2L11.8 9V6A3.8 3.8 0 0 0 8 2.2z' }),
    h('path', { key: 'clapper', d: 'M6.5 13.3a1.6 1.6 0 0 0 3 0' }),
    !on && h('path', { key: 'off', d: 'M2.4 2.2l11.2 11.6' })));
}

/** @param {App} app @param {boolean} wanted */
async function notify(app, wanted) {
  const asked = wanted && 'Notification' in globalThis ? await Notification.requestPermission() : 'denied';
  const allowed = asked === 'granted';
  app.store.set({ prefs: { ...app.store.state.prefs, notify: allowed } });
  if (wanted && !allowed) {
    toast(app.store, { tone: 'warning', title: 'No desktop messages',
      text: 'The browser does not allow them for this page; its settings for this site do.' });
  }
}
