/**
 * What needs somebody, as a number in the bar and a list behind it.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/attention.js').Need} Need
 */
import { h } from '../core/dom.js';
import { menu } from './menu.js';

const ICONS = { error: '✕', warning: '⚠', waiting: '◷' };

/** @param {State} state @param {App} app @param {Need[]} found */
export function attentionMenu(state, app, found) {
  const worst = found.some(({ tone }) => tone === 'error') ? 'error' : found.length ? 'warning' : 'idle';
  const need = found.length === 1 ? 'needs attention' : 'need attention';
  return menu(state, app, {
    id: 'attention', class: 'quiet attention', name: 'Needs attention', role: 'group',
    title: found.length ? 'What needs attention (n)' : 'Nothing needs attention',
    label: [h('span', { class: 'state', 'data-tone': worst },
      found.length ? h('span', { class: 'badge attention-count' }, `⚠ ${found.length}`) : '✓ 0',
      h('span', { class: 'attention-word' }, need))],
    items: found.length === 0 ? [h('p', { class: 'menu-note' }, '✓ Nothing needs attention.')] : found.map((one) => h('a', {
      key: one.key, class: 'menu-item', href: one.href, 'data-tone': one.tone, onclick: () => app.store.set({ overlay: '' }),
    }, h('span', { class: 'state' }, h('span', { 'aria-hidden': 'true' }, ICONS[one.tone]),
    h('span', { class: 'cut' }, one.title)),
    one.text && h('span', { class: 'quiet-text menu-item-text' }, one.text))),
  });
}
