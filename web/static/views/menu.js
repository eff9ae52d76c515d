/**
 * A button with a menu below it: one is open at a time, arrow keys move in it, Escape and a click elsewhere close it.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { rove } from '../core/keys.js';

/**
 * @param {State} state
 * @param {App} app
 * @param {{id: string, label: Child[], title: string, disabled?: boolean, class?: string, busy?: boolean, items: Child[], name: string, role?: string}} menu
 */
export function menu(state, app, { id, label, title, disabled = false, class: look = '', busy = false, items, name, role = 'menu' }) {
  const open = state.overlay === id && !disabled;
  return h('div', { key: id, class: 'menu-place' },
    h('button', {
      id: `${id}-button`, class: look, title, disabled, 'aria-haspopup': role === 'menu' ? 'menu' : 'true', 'aria-expanded': String(open), 'aria-busy': busy || null,
      onclick: () => app.store.set({ overlay: open ? '' : id }),
    }, ...label),
    open && h('div', {
      key: 'menu', id: `${id}-menu`, class: 'menu', role, 'aria-label': name, mount: (/** @type {HTMLElement} */ node) => opened(node, id, app),
      onkeydown: (/** @type {KeyboardEvent} */ event) => moved(event, `#${id}-menu a, #${id}-menu button`),
    }, ...items));
}

/** @param {KeyboardEvent} event @param {string} items */
function moved(event, items) {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  event.preventDefault();
  rove(items, event.key === 'ArrowDown' ? 1 : -1);
}

/** What opened has the focus until it closes, and its button then. @param {HTMLElement} node @param {string} id @param {App} app */
export function opened(node, id, app) {
  const elsewhere = (/** @type {Event} */ event) => {
    if (!(node.closest('.menu-place') ?? node).contains(/** @type {globalThis.Node} */ (event.target)) && app.store.state.overlay === id) app.store.set({ overlay: '' });
  };
  queueMicrotask(() => /** @type {HTMLElement | null} */ (node.querySelector('a, button'))?.focus());
  document.addEventListener('pointerdown', elsewhere);
  return () => {
    document.removeEventListener('pointerdown', elsewhere);
    if (node.contains(document.activeElement)) document.getElementById(`${id}-button`)?.focus();
  };
}
