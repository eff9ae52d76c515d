/** What only this page in this browser keeps. */
import { h } from '../core/dom.js';

/** @typedef {import('./page.js').App} App @typedef {import('../core/types.js').State} State */

const THEMES = [['auto', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];

/** @param {State} state @param {App} app */
export function pagePreferences({ prefs }, app) {
  const set = (/** @type {Record<string, any>} */ change) => app.store.set({ prefs: { ...app.store.state.prefs, ...change } });
  return h('section', { key: 'page', class: 'panel', 'aria-labelledby': 'st-page' },
    h('div', { class: 'panel-head' },
      h('h2', { id: 'st-page' }, 'This page'), h('span', { class: 'quiet-text' }, 'Kept in this browser, at once.')),
    h('div', { class: 'st-page' },
      h('label', { for: 'st-theme' }, 'Colours'),
      h('select', {
        id: 'st-theme', value: prefs.theme, onchange: (/** @type {any} */ event) => set({ theme: event.target.value }),
      },
      THEMES.map(([value, word]) => h('option', { key: value, value }, word)))));
}
