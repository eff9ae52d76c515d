/**
 * How fresh everything on the page is.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 */
import { h } from '../core/dom.js';
import { clock, duration } from '../core/format.js';

const ICONS = { live: '●', connecting: '◌', reconnecting: '○' };

/** @param {State} state @param {App} app */
export function connection({ line, now }, app) {
  const live = line.state === 'live';
  return h('button', {
    key: 'chip', id: 'connection', class: 'chip quiet', 'data-tone': live ? 'success' : 'warning',
    'aria-disabled': live ? 'true' : null,
    title: live ? 'Connected. The time is from an event to its arrival here' : waiting(line, now),
    onclick: () => app.feed.socket.retry(),
  }, h('span', { 'aria-hidden': 'true', class: live ? '' : 'breathing' }, ICONS[line.state]), ...words(line));
}

/** @param {State['line']} line */
function words({ state, latency, since }) {
  if (state === 'live') return [' live', latency !== null && h('span', { class: 'chip-more' }, ` ${Math.round(latency)} ms`)];
  if (state === 'connecting') return [' connecting'];
  return [h('span', { class: 'chip-why' }, ' reconnecting ·'), ` stale since ${clock(since)}`];
}

/** @param {State['line']} line @param {number} now */
function waiting({ since, retryAt }, now) {
  const wait = Math.max(0, retryAt - Date.now());
  const next = wait > 0 ? `Next try in ${duration(wait)}; click to try now` : 'It is tried now';
  return `No connection for ${duration(now - since)}. ${next}`;
}
