/**
 * The keyboard. A view adds its own keys while it is shown; `g` and a letter goes to a view; nothing is taken from
 * somebody who types.
 *
 * @typedef {Record<string, {help: string, run: () => void}>} Keys
 */

const SECOND_WITHIN = 1_500;
const TYPED_IN = new Set(['INPUT', 'TEXTAREA', 'SELECT']);

export class Keyboard {
  /** @param {() => Keys} keys - Those that hold now; two letters as `g b`. */
  constructor(keys) {
    this.keys = keys;
    this.first = '';
    this.firstAt = 0;
  }

  start() {
    document.addEventListener('keydown', (event) => this.pressed(event));
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = TYPED_IN.has(target.tagName) && /** @type {HTMLInputElement} */ (target).type !== 'checkbox';
    if (typing && event.key !== 'Escape') return;
    const keys = this.keys();
    const now = Date.now();
    const both = this.first && now - this.firstAt < SECOND_WITHIN ? `${this.first} ${event.key}` : '';
    const name = Object.hasOwn(keys, both) ? both : event.key;
    this.first = both ? '' : event.key;
    this.firstAt = now;
    if (!Object.hasOwn(keys, name)) return;
    event.preventDefault();
    keys[name].run();
  }
}

/**
 * Move the focus among the things of a list: roving, so that Tab passes it in one step.
 * @param {string} selector
 * @param {number} by
 */
export function rove(selector, by) {
  const items = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]).filter((item) => item.offsetParent !== null);
  const place = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = items[Math.max(0, Math.min(items.length - 1, place < 0 ? (by > 0 ? 0 : items.length - 1) : place + by))];
  next?.focus();
}
