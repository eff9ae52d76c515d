/**
 * A dialog that has the page to itself: the browser keeps the focus in it, closes it with Escape, and gives the focus
 * back.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';

/**
 * @param {App} app
 * @param {string} id
 * @param {string} title
 * @param {Child[]} contents
 */
export function dialog(app, id, title, contents) {
  return h('dialog', {
    key: id, id, class: 'dialog', 'aria-labelledby': `${id}-title`,
    oncancel: () => app.store.set({ overlay: '' }),
    onclick: (/** @type {any} */ event) => event.target === event.currentTarget && app.store.set({ overlay: '' }),
  }, h('div', { class: 'dialog-inside', mount: opened }, h('h2', { id: `${id}-title` }, title), ...contents));
}

/** @param {HTMLElement} inside */
function opened(inside) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  // It is in the document only when the whole page is drawn.
  queueMicrotask(() => {
    const element = /** @type {HTMLDialogElement | null} */ (inside.closest('dialog'));
    if (element?.isConnected && !element.open) element.showModal();
  });
  return () => before?.focus();
}
