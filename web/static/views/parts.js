/**
 * Small parts that several views are made of.
 *
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { elapsed, shortKey, stateOf } from '../core/format.js';
import { href } from '../core/router.js';

/** A state: icon and word, never colour alone. @param {string} state @param {string} [word] */
export function state(state, word) {
  const { icon, word: usual, tone } = stateOf(state);
  return h('span', { class: 'state', 'data-tone': tone }, h('span', { 'aria-hidden': 'true' }, icon), word ?? usual);
}

/** A link to a story. @param {string} key @param {number | null} batch @param {boolean} [whole] */
export function storyLink(key, batch, whole = false) {
  return h('a', { key: `story ${key}`, class: 'key', href: href({ view: 'story', story: key, batch }), title: key }, whole ? key : shortKey(key));
}

/** Links to stories, separated by commas. @param {string[]} keys @param {number | null} batch @returns {Child[]} */
export function storyLinks(keys, batch) {
  return keys.flatMap((key, place) => (place ? [', ', storyLink(key, batch)] : [storyLink(key, batch)]));
}

/** The address of a command. @param {number} id @param {number | null} batch */
export function commandHref(id, batch) {
  return href({ view: 'command', command: id, batch });
}

/** A bar for a part of a whole. @param {string} label @param {number} part @param {number} whole @param {string} [tone] */
export function meter(label, part, whole, tone = 'running') {
  const share = whole > 0 ? Math.min(1, part / whole) : 0;
  return h('div', {
    class: 'meter', role: 'progressbar', 'data-tone': tone, 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': String(whole),
    'aria-valuenow': String(Math.min(part, whole)),
  }, h('span', { style: { width: `${(share * 100).toFixed(1)}%` } }));
}

/** How long something has been going on; its age is read by machines in full. @param {number} since @param {number} now */
export function ticking(since, now) {
  return h('time', { datetime: `PT${Math.max(0, Math.round((now - since) / 1000))}S` }, elapsed(now - since));
}

/** What stands where there is nothing to show. @param {string} title @param {...Child} text */
export function empty(title, ...text) {
  return h('div', { key: 'empty', class: 'empty' }, h('h2', null, title), text.length > 0 && h('p', { class: 'text' }, ...text));
}

/** What stands where something went wrong. @param {string} error @param {string} [hint] */
export function fault(error, hint = '') {
  return h('div', { key: 'fault', class: 'fault', role: 'alert' }, h('p', null, error), hint && h('p', { class: 'quiet-text' }, hint));
}
