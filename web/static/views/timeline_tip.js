/** What is told of a bar of the timeline that is pointed at or focused. */
import { h } from '../core/dom.js';
import { clock, cost, duration, moment, plural, shortKey, stateOf, tokens } from '../core/format.js';
import { state } from './parts.js';

/**
 * @typedef {import('./timeline_chart.js').Chart} Chart
 * @typedef {import('../core/bars.js').Drawn} Drawn
 * @typedef {import('../core/bars.js').DrawnLane} DrawnLane
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('../core/types.js').Attempt} Attempt
 */

const WIDTH = 300;
const GAP = 6;

/** @param {Chart} chart @param {DrawnLane[]} lanes @returns {Child} */
export function tip(chart, lanes) {
  const { tip: asked } = chart;
  if (!asked) return null;
  const content = asked.id.startsWith('wait ') ? ofWait(chart, asked.id) : ofBar(chart, lanes, asked.id);
  if (!content) return null;
  const whole = chart.element.clientWidth;
  const left = Math.max(4, Math.min(asked.left - 24, whole - WIDTH - 4));
  return h('div', {
    key: 'tip', id: 'tl-tip', class: 'tl-tip', role: 'tooltip',
    style: { left: `${left}px`, 'max-width': `min(${WIDTH}px, 94%)`, ...beside(chart, asked.id) },
  }, content);
}

/** Below the bar, or above it in the lower half. @param {Chart} chart @param {string} id @returns {Record<string, string>} */
function beside(chart, id) {
  const box = chart.find(id)?.getBoundingClientRect();
  const frame = chart.element.getBoundingClientRect();
  if (!box) return { top: '40px' };
  const isLow = box.top - frame.top > frame.height / 2;
  return isLow ? { bottom: `${frame.bottom - box.top + GAP}px` } : { top: `${box.bottom - frame.top + GAP}px` };
}

/** @param {Chart} chart @param {DrawnLane[]} lanes @param {string} id @returns {Child[] | null} */
function ofBar(chart, lanes, id) {
  const drawn = lanes.flatMap((lane) => lane.drawn).find(({ bars }) => bars[0].id === id);
  if (!drawn) return null;
  if (drawn.bars.length > 1) return ofSeveral(drawn);
  const [{ attempt, chain }] = drawn.bars;
  if (attempt) return ofAttempt(attempt, chart);
  if (!chain) return null;
  return [
    h('div', { class: 'tl-tip-head' }, h('b', null, chain.task_type), state(chain.status)),
    figures([['In the background', stories(chain.story_keys)], ['Time', times(chain.started_at, chain.ended_at, chart)]]),
  ];
}

/** @param {Attempt} attempt @param {Chart} chart @returns {Child[]} */
function ofAttempt(attempt, chart) {
  const ended = attempt.ended_at !== null;
  const known = ended && (attempt.cost_usd > 0 || attempt.tokens > 0);
  return [
    h('div', { class: 'tl-tip-head' }, h('b', null, attempt.command), state(attempt.status)),
    attempt.reason && h('p', { class: 'tl-tip-reason' }, attempt.reason),
    figures([
      ['Stories', stories(attempt.story_keys)],
      ['Attempt', `${attempt.attempt}${attempt.background ? ', in the background' : ''}`],
      ['Time', times(attempt.started_at, attempt.ended_at, chart)],
      ['Duration', duration((attempt.ended_at ?? chart.shown.now) - attempt.started_at)],
      ['Model', attempt.model || 'default'],
      ['Cost', known ? `${cost(attempt.cost_usd)} · ${tokens(attempt.tokens)} tokens` : '–'],
    ]),
  ];
}

/** @param {Drawn} drawn @returns {Child[]} */
function ofSeveral({ bars }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { attempt, chain } of bars) {
    const status = attempt?.status ?? chain?.status ?? '';
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return [
    h('div', { class: 'tl-tip-head' }, h('b', null, plural(bars.length, bars[0].chain ? 'chain' : 'command'))),
    figures([...counts].map(([status, number]) => [stateOf(status).word, String(number)])),
    h('p', { class: 'quiet-text' }, 'Too short to tell apart: look nearer.'),
  ];
}

/** @param {Chart} chart @param {string} id @returns {Child[] | null} */
function ofWait(chart, id) {
  const wait = chart.shown.waits.find(({ from, state: name }) => `wait ${name} ${from}` === id);
  if (!wait) return null;
  return [
    h('div', { class: 'tl-tip-head' }, state(wait.state)),
    figures([['Time', times(wait.from, wait.to, chart)], ['Duration', duration((wait.to ?? chart.shown.now) - wait.from)]]),
  ];
}

/** @param {string[]} keys */
function stories(keys) {
  return keys.length ? keys.map(shortKey).join(', ') : 'of no story alone';
}

/** @param {number} from @param {number | null} to @param {Chart} chart */
function times(from, to, { shown }) {
  const isToday = new Date(from).toDateString() === new Date(shown.now).toDateString();
  return `${isToday ? clock(from) : moment(from, shown.now)} – ${to === null ? 'now' : clock(to)}`;
}

/** @param {[string, string][]} pairs */
function figures(pairs) {
  const both = pairs.flatMap(([name, value]) => [h('dt', { key: name }, name), h('dd', { key: `${name} value` }, value)]);
  return h('dl', { class: 'tl-tip-figures' }, both);
}
