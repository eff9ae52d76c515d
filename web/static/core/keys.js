/**
 * The keyboard. A view adds its own keys while it is shown; `g` and a letter goes to a view; nothing is taken from
 * somebody who types. A key that is held does what it does once, unless it moves.
 *
 * @typedef {Record<string, {help: string, run: () => void, moves?: boolean}>} Keys
 */

const SECOND_WITHIN = 1_500;
const MOVES = new Set(['j', 'k', 'n', 'N', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']);
const PRESSES = new Set(['Enter', ' ']);
const TYPED_IN = new Set(['INPUT', 'TEXTAREA', 'SELECT']);

export class Keyboard {
  /** @param {() => Keys} keys - Those that hold now; two letters as `g b`. */
  constructor(keys) {
    this.keys = keys;
    this.first = '';
    this.firstAt = 0;
  }

  start() {
    document.addEventListener('keydown', pressedOnce, true);
    document.addEventListener('keydown', (event) => this.pressed(event));
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = TYPED_IN.has(target.tagName) && /** @type {HTMLInputElement} */ (target).type !== 'checkbox';
    if (typing && event.key !== 'Escape') return;
    const keys = this.keys();
    if (event.repeat && !keys[event.key]?.moves) return;
    const now = Date.now();
    const both = this.first && now - this.firstAt < SECOND_WITHIN ? `${this.first} ${event.key}` : '';
    const name = Object.hasOwn(keys, both) ? both : event.key;
    this.first = name === both ? '' : event.key;
    this.firstAt = now;
    if (!Object.hasOwn(keys, name)) return;
    event.preventDefault();
    keys[name].run();
  }
}

/**
 * The keys of a view, of which those that move may be held.
 * @param {Keys} keys
 * @returns {Keys}
 */
export function moving(keys) {
  return Object.fromEntries(Object.entries(keys).map(([key, one]) => [key, { ...one, moves: MOVES.has(key) }]));
}

/**
 * A button or a link is pressed once, however long Enter is held: what it opened has the focus by then, and would be
 * pressed too.
 * @param {KeyboardEvent} event
 */
export function pressedOnce(event) {
  const target = /** @type {Element} */ (event.target);
  if (event.repeat && PRESSES.has(event.key) && target.closest('button, a, summary')) event.preventDefault();
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
