/**
 * A button that copies a text.
 *
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { toast } from '../core/toasts.js';

/** @param {App} app @param {() => string} text @param {string} what @param {string} [look] */
export function copyButton(app, text, what, look = '') {
  return h('button', { class: `quiet copy ${look}`, 'aria-label': `Copy the ${what}`, title: `Copy the ${what}`, onclick: () => void copy(app, text(), what) },
    h('svg', { viewBox: '0 0 16 16', width: '14', height: '14', 'aria-hidden': 'true' }, h('path', { d: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3', fill: 'none', stroke: 'currentColor' })));
}

/** @param {App} app @param {string} text @param {string} what */
async function copy(app, text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(app.store, { tone: 'success', title: 'Copied', text: `The ${what} is in the clipboard.` });
  } catch {
    toast(app.store, { tone: 'warning', title: 'Not copied', text: 'The browser allows it only on a secure connection, and after a click.' });
  }
}
