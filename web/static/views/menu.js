/**
 * A button with a menu below it: one is open at a time. Arrow keys, Home and End move in it; Escape, Tab out of it and a
 * click elsewhere close it.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {object} Menu
 * @property {string} id - Of the overlay.
 * @property {string} name
 * @property {Child[]} label - Of the button.
 * @property {string} title
 * @property {Child[]} items
 * @property {boolean} [disabled]
 * @property {boolean} [busy]
 * @property {string} [class]
 * @property {string} [role]
 */
import { h } from '../core/dom.js';
import { rove } from '../core/keys.js';

/** @type {Record<string, number>} */
const MOVES = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/**
 * @param {State} state
 * @param {App} app
 * @param {Menu} menu
 */
export function menu(state, app, menu) {
  const { id, label, title, disabled = false, class: look = '', busy = false, items, name, role = 'menu' } = menu;
  const open = state.overlay === id && !disabled;
  return h('div', { key: id, class: 'menu-place' },
    h('button', {
      id: `${id}-button`, class: look, title, 'aria-disabled': disabled ? 'true' : null,
      'aria-haspopup': role === 'menu' ? 'menu' : null,
      'aria-expanded': String(open), 'aria-controls': open ? `${id}-menu` : null, 'aria-busy': busy || null,
      onclick: () => disabled || app.store.set({ overlay: open ? '' : id }),
    }, ...label),
    open && h('div', {
      key: 'menu', id: `${id}-menu`, class: 'menu', role, 'aria-label': name,
      mount: (/** @type {HTMLElement} */ node) => opened(node, id, app),
      onkeydown: (/** @type {KeyboardEvent} */ event) => moved(event, `#${id}-menu a, #${id}-menu button`),
    }, ...items));
}

/** @param {KeyboardEvent} event @param {string} items */
function moved(event, items) {
  if (!Object.hasOwn(MOVES, event.key)) return;
  event.preventDefault();
  rove(items, MOVES[event.key]);
}

/** @param {string} id @param {App} app */
function close(id, { store }) {
  if (store.state.overlay === id) store.set({ overlay: '' });
}

/**
 * What opened has the focus until it closes, and its button then.
 * @param {HTMLElement} node
 * @param {string} id
 * @param {App} app
 */
export function opened(node, id, app) {
  // The button belongs to its menu.
  const place = () => node.closest('.menu-place') ?? node;
  const left = (/** @type {EventTarget | null} */ target) => target
    && !place().contains(/** @type {globalThis.Node} */ (target)) && close(id, app);
  const elsewhere = (/** @type {Event} */ { target }) => left(target);
  queueMicrotask(() => /** @type {HTMLElement | null} */ (node.querySelector('a, button'))?.focus());
  document.addEventListener('pointerdown', elsewhere);
  node.addEventListener('focusout', ({ relatedTarget }) => left(relatedTarget));
  return () => {
    document.removeEventListener('pointerdown', elsewhere);
    if (node.contains(document.activeElement)) document.getElementById(`${id}-button`)?.focus();
    // It may have gone because it makes no sense any more: then it must not come back by itself.
    close(id, app);
  };
}
