/**
 * How fresh everything on the page is: a word in the bar, and a line below it when the connection is lost for longer.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 */
import { h } from '../core/dom.js';
import { clock, duration } from '../core/format.js';
import { age, isLost, trouble } from '../core/trouble.js';

const ICONS = { live: '●', connecting: '◌', reconnecting: '○' };

/** @param {State} state @param {App} app */
export function connection({ line }, app) {
  const live = line.state === 'live';
  return h('button', {
    key: 'chip', id: 'connection', class: 'chip quiet', 'data-tone': live ? 'success' : 'warning',
    'aria-disabled': live ? 'true' : null,
    title: live ? 'Connected. The time is from an event to its arrival here' : waiting(line),
    onclick: () => app.feed.socket.retry(),
  }, h('span', { 'aria-hidden': 'true', class: live ? '' : 'breathing' }, ICONS[line.state]), ...words(line));
}

/** @param {State['line']} line */
function words({ state, latency, since }) {
  if (state === 'live') return [' live', latency !== null && h('span', { class: 'chip-more' }, ` ${Math.round(latency)} ms`)];
  if (state === 'connecting') return [' connecting'];
  return [h('span', { class: 'chip-why' }, ' reconnecting ·'), ` stale since ${clock(since)}`];
}

/** @param {State['line']} line */
function waiting(line) {
  const wait = Math.max(0, line.retryAt - performance.now());
  const next = wait > 0 ? `Next try in ${duration(wait)}; click to try now` : 'It is tried now';
  return `No connection for ${duration(age(line))}. ${next}`;
}

/** What is wrong with the connection, and what to do; nothing moves for one that comes back at once. @param {State} state @param {App} app */
export function lost({ line, loaded }, app) {
  if (!loaded || !isLost(line)) return null;
  const { what, help } = trouble(line);
  return h('section', { key: 'lost', class: 'toast', 'data-tone': 'warning', role: 'status', 'aria-label': 'Connection' },
    h('span', { class: 'toast-icon', 'aria-hidden': 'true' }, '○'),
    h('div', { class: 'grow' }, h('strong', null, what), h('p', null, help)),
    h('button', { onclick: () => app.feed.socket.retry() }, 'Try now'));
}
