/**
 * A button that copies a text.
 *
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { toast } from '../core/toasts.js';

/** @param {App} app @param {() => string} text @param {string} what @param {string} [look] */
export function copyButton(app, text, what, look = '') {
  return h('button', {
    class: `quiet copy ${look}`, 'aria-label': `Copy the ${what}`, title: `Copy the ${what}`,
    onclick: () => void copy(app, text(), what),
  }, h('svg', { viewBox: '0 0 16 16', width: '14', height: '14', 'aria-hidden': 'true' },
    h('path', { d: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3', fill: 'none', stroke: 'currentColor' })));
}

/** @param {App} app @param {string} text @param {string} what */
async function copy(app, text, what) {
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false) || selected(text);
  toast(app.store, done ? { tone: 'success', title: 'Copied', text: `The ${what} is in the clipboard.` }
    : { tone: 'warning', title: 'Not copied', text: 'The browser allows it only on a secure connection, and after a click.' });
}

/** The old way, which asks for nobody's permission. @param {string} text */
function selected(text) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'hidden';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}
