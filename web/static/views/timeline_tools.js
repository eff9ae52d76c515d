/**
 * What stands around the chart of the timeline: its buttons, and what colours and marks mean.
 *
 * @typedef {import('../core/ticks.js').View} View
 * @typedef {import('../core/ticks.js').Window} Window
 */
import { h } from '../core/dom.js';
import { clock, duration, moment } from '../core/format.js';
import { chartOf } from './timeline_chart.js';
import { MOVES } from './timeline_moves.js';

export const ID = 'timeline';
/** A shorter time is told to the second. */
const SECONDS_BELOW = 600_000;

/** @param {keyof typeof MOVES} name */
export function act(name) {
  return () => {
    const chart = chartOf(ID);
    if (chart) MOVES[name](chart);
  };
}

/** @param {{window: Window, grows: boolean, look: View, now: number}} of */
export function toolbar({ window: { from, to }, grows, look, now }) {
  const follows = grows && look.to === null;
  return h('div', { class: 'panel-head' },
    h('h2', { id: 'timeline-title' }, 'Timeline'),
    h('span', { class: 'quiet-text tl-range' }, range(from, to, now)),
    h('span', { class: 'grow' }),
    h('div', { class: 'tl-tools', role: 'group', 'aria-label': 'Zoom' },
      h('span', { class: 'quiet-text tl-hint' }, 'Wheel zooms, drag pans'),
      follows && h('span', { key: 'follows', class: 'tl-follows', 'data-tone': 'running' },
        h('span', { 'aria-hidden': 'true' }, '● '), 'Following'),
      grows && !follows && h('button', {
        key: 'now', type: 'button', title: 'The right edge goes with the clock (l)', onclick: act('latest'),
      }, 'Back to now'),
      button('−', 'Look from further away', '-', act('further')),
      button('+', 'Look nearer', '+', act('nearer')),
      button('Fit', 'Fit: show all of the batch', 'f', act('fit'))));
}

/** @param {string} label @param {string} says @param {string} key @param {() => void} onclick */
function button(label, says, key, onclick) {
  return h('button', {
    key: says, type: 'button', class: 'tl-button', 'aria-label': says, title: `${says} (${key})`, onclick,
  }, label);
}

/** @param {number} from @param {number} to @param {number} now */
function range(from, to, now) {
  const name = (/** @type {number} */ at) => (to - from < SECONDS_BELOW ? clock(at) : moment(at, now));
  return `${name(from)} – ${name(to)} · ${duration(to - from)}`;
}

/** What colours and marks mean. */
export function legend() {
  const hues = [['create', 'Story'], ['spec', 'Tech spec'], ['dev', 'Development'], ['review', 'Review'], ['commit', 'Other']];
  const marks = [['running', '◐ Running'], ['error', '✕ Error'], ['interrupted', '■ Interrupted'], ['limit', '◷ Limit']];
  return h('ul', { key: 'legend', class: 'tl-legend', 'aria-label': 'Legend' },
    hues.map(([hue, word]) => sample(word, { 'data-hue': hue })),
    marks.map(([status, word]) => sample(word, { 'data-status': status, 'data-hue': 'dev' })),
    sample('Tried again', { 'data-ghost': true, 'data-status': 'error', 'data-hue': 'dev' }),
    h('li', { key: 'chain' }, h('span', { class: 'tl-sample' }, h('span', { class: 'tl-chain' })), 'Background chain'),
    h('li', { key: 'wait' }, h('span', { class: 'tl-sample tl-wait' }), 'Waiting'),
    h('li', { key: 'stop' }, h('span', { class: 'tl-sample tl-wait', 'data-state': 'stopped' }), '■ Stopped'));
}

/** @param {string} word @param {Record<string, unknown>} props */
function sample(word, props) {
  return h('li', { key: word }, h('span', { class: 'tl-bar tl-sample', ...props }), word);
}
