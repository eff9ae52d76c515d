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
  return menu(state, app, {
    id: 'attention', class: 'quiet attention', name: 'Needs attention', role: 'group',
    title: found.length ? 'What needs attention (n)' : 'Nothing needs attention',
    label: [said(found)],
    items: found.length === 0 ? [h('p', { class: 'menu-note' }, '✓ Nothing needs attention.')] : found.flatMap((one, place) => [
      one.isOther && !found[place - 1]?.isOther && h('p', { key: 'others', class: 'menu-note' }, 'Not of this batch'),
      h('a', {
        key: one.key, class: 'menu-item', href: one.href, 'data-tone': one.tone, onclick: () => app.store.set({ overlay: '' }),
      }, h('span', { class: 'state' }, h('span', { 'aria-hidden': 'true' }, ICONS[one.tone]),
        h('span', { class: 'cut', title: one.title }, one.title)),
      one.text && h('span', { class: 'quiet-text menu-item-text' }, one.text)),
    ]),
  });
}

/**
 * What is wrong now, in the colour of the worst of it; where nothing is, the stories that are blocked besides.
 * @param {Need[]} found
 */
function said(found) {
  const present = found.filter(({ isOther }) => !isOther);
  if (found.length === 0) return badge('idle', '✓ 0', 'need ', 'attention');
  if (present.length === 0) return badge('warning', `⊘ ${found.length}`, '', 'blocked', found.length === 1 ? ' story' : ' stories');
  const worst = present.some(({ tone }) => tone === 'error') ? 'error' : 'warning';
  return badge(worst, `⚠ ${present.length}`, present.length === 1 ? 'needs ' : 'need ', 'attention');
}

/**
 * Where there is little room, only the word in the middle is left of what it says.
 * @param {string} tone @param {string} text @param {string} before @param {string} word @param {string} [after]
 */
function badge(tone, text, before, word, after = '') {
  return h('span', { class: 'state', 'data-tone': tone },
    h('span', { class: tone === 'idle' ? '' : 'badge attention-count' }, text),
    h('span', { class: `attention-word ${tone === 'idle' ? 'attention-none' : ''}` },
      h('span', { class: 'attention-more' }, before), word, h('span', { class: 'attention-more' }, after)));
}
