/**
 * What needs somebody, as a number in the bar and a list behind it.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/attention.js').Need} Need
 */
import { h } from '../core/dom.js';
import { menu } from './menu.js';

/** @param {State} state @param {App} app @param {Need[]} found */
export function attentionMenu(state, app, found) {
  const worst = found.some(({ tone }) => tone === 'error') ? 'error' : found.length ? 'warning' : 'idle';
  return menu(state, app, {
    id: 'attention', class: 'quiet attention', name: 'Needs attention', role: 'group',
    title: found.length ? 'What needs attention' : 'Nothing needs attention',
    label: [h('span', { class: 'state', 'data-tone': worst }, found.length ? `⚠ ${found.length}` : '✓ 0', h('span', { class: 'hidden' }, ' need attention'))],
    items: found.length === 0 ? [h('p', { class: 'menu-note' }, 'Nothing needs attention.')] : found.map((need) => h('a', {
      key: need.key, class: 'menu-item', href: need.href, 'data-tone': need.tone, onclick: () => app.store.set({ overlay: '' }),
    }, h('span', { class: 'state' }, need.title), h('span', { class: 'quiet-text' }, need.text))),
  });
}
