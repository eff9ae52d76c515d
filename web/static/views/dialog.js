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
  }, h('div', { class: 'dialog-inside', mount: (/** @type {HTMLElement} */ node) => opened(node, app) },
  h('h2', { id: `${id}-title` }, title), ...contents));
}

/** @param {HTMLElement} inside @param {App} app */
function opened(inside, { store }) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const { overlay } = store.state;
  const element = () => /** @type {HTMLDialogElement | null} */ (inside.closest('dialog'));
  // It is in the document only when the whole page is drawn.
  queueMicrotask(() => {
    if (element()?.isConnected && !element()?.open) element()?.showModal();
  });
  return () => {
    // While it is open, nothing else can have the focus.
    element()?.close();
    before?.focus();
    // It may have gone because it makes no sense any more: then it must not come back by itself.
    if (store.state.overlay === overlay) store.set({ overlay: '' });
  };
}
