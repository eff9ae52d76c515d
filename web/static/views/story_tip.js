/**
 * What a story is about, beside its card: on hover after a moment, on focus at once. It stays while the pointer is on
 * it, and Escape closes it. Screen readers have the same text as the description of the card's link.
 *
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';

const AFTER = 350;
const LEAVE = 150;
const GAP = 6;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * What makes an element one that the tip is for, and a link in it one that shows it too.
 * @param {App} app
 * @param {string} key
 */
export function tipFor(app, key) {
  const hide = () => later(app, '', LEAVE);
  return {
    owner: { 'data-tip': key, onmouseenter: () => later(app, key, AFTER), onmouseleave: hide },
    link: {
      // A click gives the focus too, and does not ask for it.
      onfocus: (/** @type {any} */ event) => event.target.matches(':focus-visible') && later(app, key, 0),
      onblur: hide,
    },
  };
}

/**
 * The tip that is open, if one is.
 * @param {State} state
 * @param {App} app
 * @param {(key: string) => {title: string, text: string} | null} about
 * @returns {Child}
 */
export function tip(state, app, about) {
  const key = state.local.tip?.key ?? '';
  const said = key ? about(key) : null;
  if (!said) return null;
  return h('div', {
    key: `tip ${key}`, class: 'story-tip', role: 'tooltip', popover: 'manual',
    onmouseenter: () => clearTimeout(timer), onmouseleave: () => later(app, '', LEAVE),
    mount: (/** @type {HTMLElement} */ node) => mount(node, key, app),
  }, h('p', { class: 'story-tip-title' }, said.title), h('p', null, said.text));
}

/** @param {App} app @param {string} key @param {number} wait */
function later(app, key, wait) {
  clearTimeout(timer);
  const show = () => (app.store.state.local.tip?.key ?? '') !== key && app.store.keep('tip', { key });
  if (wait > 0) timer = setTimeout(show, wait);
  else show();
}

/** @param {HTMLElement} node @param {string} key @param {App} app */
function mount(node, key, app) {
  const owner = [...document.querySelectorAll('[data-tip]')].find((one) => /** @type {HTMLElement} */ (one).dataset.tip === key);
  const close = () => later(app, '', 0);
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape') return;
    // Closing it is all that this Escape does.
    event.preventDefault();
    close();
  };
  const follow = () => {
    const at = owner?.isConnected ? owner.getBoundingClientRect() : null;
    if (at && at.bottom > 0 && at.top < innerHeight) place(node, at);
    else close();
  };
  // Not in the document yet: it is placed when its size is known.
  const frame = requestAnimationFrame(() => {
    node.showPopover?.();
    follow();
  });
  document.addEventListener('keydown', pressed, true);
  // The focus scrolls to what it goes to.
  document.addEventListener('scroll', follow, true);
  return () => {
    cancelAnimationFrame(frame);
    document.removeEventListener('keydown', pressed, true);
    document.removeEventListener('scroll', follow, true);
  };
}

/** Below its owner, or above where there is no room. @param {HTMLElement} node @param {DOMRect} owner */
function place(node, owner) {
  const { width, height } = node.getBoundingClientRect();
  const below = owner.bottom + GAP + height <= innerHeight;
  const left = Math.max(8, Math.min(owner.left, innerWidth - width - 8));
  node.style.setProperty('left', `${left}px`);
  node.style.setProperty('top', `${below ? owner.bottom + GAP : Math.max(8, owner.top - GAP - height)}px`);
  node.dataset.placed = '';
}
