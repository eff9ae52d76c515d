/**
 * Toasts, in a live region of their own: the only thing on the page that is read out by itself.
 *
 * @typedef {import('./page.js').View} View
 */
import { h } from '../core/dom.js';
import { dismiss } from '../core/toasts.js';

/** @type {Record<string, string>} */
const ICONS = { error: '✕', warning: '⚠', info: 'ℹ', success: '✓' };

/** @type {View} */
export function toasts({ toasts: shown }, app) {
  return [h('div', { key: 'toasts', class: 'toasts', role: 'status', 'aria-live': 'polite', 'aria-label': 'Messages' },
    ...shown.map((one) => h('div', { key: one.id, class: 'toast', 'data-tone': one.tone },
      h('span', { class: 'toast-icon', 'aria-hidden': 'true' }, ICONS[one.tone]),
      h('div', { class: 'grow' },
        h('strong', null, one.title, one.count > 1 && ` (${one.count} times)`),
        one.text && h('p', null, one.text),
        one.href && h('a', { href: one.href }, 'Open')),
      h('button', { class: 'quiet icon', 'aria-label': `Close: ${one.title}`, title: 'Close', onclick: () => dismiss(app.store, one.id) }, '×'))))];
}
