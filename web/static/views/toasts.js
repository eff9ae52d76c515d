/**
 * Toasts, in a live region of their own: the only thing on the page that is read out by itself. Errors are read at once.
 *
 * @typedef {import('./page.js').View} View
 */
import { h } from '../core/dom.js';
import { dismiss } from '../core/toasts.js';

/** @type {Record<string, string>} */
const ICONS = { error: '✕', warning: '⚠', info: 'ℹ', success: '✓' };
/** From so many on they can be closed together. */
const MANY = 3;

/**
 * Whoever closed it by the keyboard goes on at the next one, or in the view.
 * @param {HTMLElement} node
 */
function closing(node) {
  return () => {
    if (!node.contains(document.activeElement)) return;
    const next = [node.nextElementSibling, node.previousElementSibling].find((one) => one?.matches('.toast'));
    const target = /** @type {HTMLElement | null} */ (next?.querySelector('button') ?? document.getElementById('view'));
    target?.focus({ preventScroll: true });
  };
}

/** @type {View} */
export function toasts({ toasts: shown }, app) {
  return [h('div', { key: 'toasts', class: 'toasts', role: 'status', 'aria-live': 'polite', 'aria-label': 'Messages' },
    shown.length >= MANY && h('button', { key: 'all', class: 'toasts-all', mount: closing, onclick: () => app.store.set({ toasts: [] }) },
      `Close all ${shown.length}`),
    ...shown.map((one) => h('div', { key: one.id, class: 'toast', 'data-tone': one.tone, mount: closing,
      role: one.tone === 'error' ? 'alert' : null },
      h('span', { class: 'toast-icon', 'aria-hidden': 'true' }, ICONS[one.tone]),
      h('div', { class: 'grow' },
        h('strong', null, one.title, one.count > 1 && ` (${one.count} times)`),
        one.text && h('p', { title: one.text }, one.text),
        one.href && h('a', { class: 'toast-open', href: one.href, onclick: () => dismiss(app.store, one.id) }, '→ open')),
      h('button', { class: 'quiet icon', 'aria-label': `Close: ${one.title}`, title: 'Close',
        onclick: () => dismiss(app.store, one.id) }, '×'))))];
}
