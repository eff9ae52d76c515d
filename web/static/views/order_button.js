/**
 * A button that gives an order to the runner. What cannot be done now says why, also to the keyboard and to screen
 * readers: it is not taken out of the page, and keeps the focus of who has just pressed it.
 *
 * @typedef {import('../core/types.js').State} State
 */
import { h } from '../core/dom.js';
import { hindrance, isOpen } from '../core/orders.js';

/**
 * @param {State} state
 * @param {'start' | 'stop' | 'pause' | 'resume'} name
 * @param {{label: string, pending: string, title: string, primary?: boolean, act: () => void}} button
 */
export function orderButton(state, name, { label, pending, title, primary = false, act }) {
  const why = hindrance(state, name);
  const waits = isOpen(state, name);
  const possible = !why && !waits;
  return h('button', {
    key: name, id: `order-${name}`, class: primary && possible ? 'primary order' : 'order',
    title: waits ? `${pending} The runner has not confirmed it yet` : why || title,
    'aria-disabled': possible ? null : 'true', 'aria-busy': waits || null, onclick: () => possible && act(),
  }, waits ? pending : label);
}
