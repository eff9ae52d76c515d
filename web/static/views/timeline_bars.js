/**
 * What the chart of the timeline looks like: axis, waits, lanes with their bars, and what is told of the one that is
 * pointed at.
 *
 * @typedef {import('./timeline_chart.js').Chart} Chart
 * @typedef {import('../core/bars.js').Drawn} Drawn
 * @typedef {import('../core/bars.js').DrawnLane} DrawnLane
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('../core/lanes.js').Lane} Lane
 */
import { h } from '../core/dom.js';
import { clock, duration, plural, shortKey, stateOf } from '../core/format.js';
import { hueOf, rowTop } from '../core/lanes.js';
import { place, ticks } from '../core/ticks.js';
import { href } from '../core/router.js';
import { commandHref } from './parts.js';
import { tip } from './timeline_tip.js';

/** Pixels from which a bar has room for its icon, and for its name. */
const ICON_FROM = 22;
const NAME_FROM = 46;
/** Pixels of a label on the axis. */
const LABEL = 84;
/** Pixels in front of a label and of each of its letters, which are all of one width. */
const GAP = 5;
const LETTER = 7.3;
/** Which of several bars in one is told of first. */
const WORST = ['error', 'limit', 'interrupted', 'running'];

/** @param {Chart} chart @param {DrawnLane[]} lanes @returns {Child[]} */
export function picture(chart, lanes) {
  const { shown, names } = chart;
  const lines = ticks(chart.window, chart.width);
  const reachable = tabStop(chart, lanes);
  return [
    axis(chart, lines),
    shown.waits.length > 0 && waits(chart),
    h('div', {
      key: 'body', class: 'tl-body', onscroll: () => {
        chart.soon();
        chart.settle();
      },
    },
    h('div', { key: 'space', class: 'tl-space', style: { height: `${shown.layout.height}px` } },
      h('div', { key: 'grid', class: 'tl-plane', 'aria-hidden': 'true', style: { left: `${names}px` } },
        lines.map(({ at }) => h('span', { key: at, class: 'tl-line', style: { left: x(chart, at) } }))),
      h('div', { key: 'lanes', role: 'list', 'aria-label': 'Stories and the commands for them' },
        lanes.map((one) => lane(chart, one, reachable))),
      h('div', { key: 'over', class: 'tl-plane tl-over', 'aria-hidden': 'true', style: { left: `${names}px` } },
        waitsInSight(chart).map(({ from, ...box }) => h('span', {
          key: `${box.state} ${from}`, class: 'tl-wait', 'data-state': box.state, style: box.style,
        })),
        shown.grows && h('span', { key: 'now', class: 'tl-now', style: { left: x(chart, shown.now) } })))),
    tip(chart, lanes),
  ];
}

/** @param {Chart} chart @param {{at: number, label: string}[]} lines */
function axis(chart, lines) {
  const { shown, names } = chart;
  const now = `${shown.batch === null ? 'now ' : ''}${clock(shown.now)}`;
  return h('div', { key: 'axis', class: 'tl-axis', 'aria-hidden': 'true', style: { 'padding-left': `${names}px` } },
    h('div', { class: 'tl-axis-times' },
      lines.map(({ at, label }) => h('span', {
        key: at, class: 'tl-tick', style: { left: x(chart, at) },
      }, hasRoom(chart, at, label) && !isBelowNow(chart, at) && label)),
      shown.grows && h('span', { key: 'now', class: 'tl-now-label', style: { left: x(chart, shown.now) } }, now)));
}

/** @param {Chart} chart @param {number} at */
function x(chart, at) {
  return `${place(at, chart.window, chart.width).toFixed(1)}px`;
}

/** Whether it would not be cut at the right edge. @param {Chart} chart @param {number} at @param {string} label */
function hasRoom({ window, width }, at, label) {
  return place(at, window, width) + GAP + label.length * LETTER <= width;
}

/** Whether the clock stands where the label would. @param {Chart} chart @param {number} at */
function isBelowNow({ shown, window, width }, at) {
  const left = place(at, window, width) - place(shown.now, window, width);
  return shown.grows && left > -2 * LABEL && left < 0;
}

/**
 * Tab leads to one bar: that where one was, else the last that runs, else the first.
 * @param {Chart} chart
 * @param {DrawnLane[]} lanes
 */
function tabStop({ active }, lanes) {
  const bars = lanes.flatMap(({ drawn }) => drawn.map((one) => one.bars[0])).filter(({ attempt }) => attempt);
  const stop = bars.find(({ id }) => id === active) ?? bars.findLast(({ to }) => to === Infinity) ?? bars[0];
  return stop?.id ?? '';
}

/** @param {Chart} chart */
function waitsInSight({ shown, window, width }) {
  const whole = shown.waits.map((wait) => ({ ...wait, to: wait.to ?? shown.now }));
  return whole.filter(({ from, to }) => to >= window.from && from <= window.to).map((wait) => {
    const left = Math.max(0, place(wait.from, window, width));
    const right = Math.min(width, place(wait.to, window, width));
    return { ...wait, style: { left: `${left.toFixed(1)}px`, width: `${Math.max(2, right - left).toFixed(1)}px` } };
  });
}

/** @param {Chart} chart */
function waits(chart) {
  return h('div', { key: 'waits', class: 'tl-waits', style: { 'padding-left': `${chart.names}px` } },
    h('ul', { 'aria-label': 'Waits', class: 'tl-waits-row' }, waitsInSight(chart).map(({ from, to, state, style }) => {
      const { icon, word, tone } = stateOf(state);
      return h('li', { key: `${state} ${from}`, class: 'tl-wait-label', 'data-tone': tone, 'data-bar': `wait ${state} ${from}`, style },
        h('span', { 'aria-hidden': 'true' }, icon), ` ${word} ${duration(to - from)}`);
    })));
}

/** @param {Chart} chart @param {DrawnLane} one @param {string} reachable */
function lane(chart, { lane: one, drawn }, reachable) {
  const { shown, names } = chart;
  const name = one.key ? shortKey(one.key) : 'Batch';
  const title = one.key ? titleOf(one.key, shown.titles) : 'for all stories';
  const commands = one.bars.filter(({ attempt }) => attempt).length;
  return h('div', {
    key: `lane ${one.key}`, class: 'tl-lane', role: 'listitem', 'aria-label': `${name} ${title}, ${plural(commands, 'command')}`,
    style: { top: `${one.top}px`, height: `${one.height}px` },
  },
  h('div', { key: 'name', class: 'tl-name', style: { width: `${names}px` } },
    one.key
      ? h('a', { class: 'key', href: href({ view: 'story', story: one.key, batch: shown.batch }), title: one.key }, name)
      : h('span', { class: 'key' }, name),
    h('span', { class: 'tl-title cut', title }, title)),
  h('ul', { key: 'bars', class: 'tl-bars', 'aria-label': `Commands of ${name}`, style: { left: `${names}px` } },
    drawn.map((bar) => item(chart, one, bar, reachable)),
    drawn.length === 0 && elsewhere(chart, one)));
}

/** A lane that is empty here says where it is not. @param {Chart} chart @param {Lane} lane */
function elsewhere(chart, { bars, key }) {
  const { from, to } = chart.window;
  const begin = bars[0].from;
  const isLater = begin > to;
  const words = isLater ? `${clock(begin)} ›` : `‹ ${clock(bars[bars.length - 1].from)}`;
  return h('li', { key: 'elsewhere', class: 'tl-elsewhere', 'data-later': isLater || null },
    h('button', {
      type: 'button', class: 'quiet', 'aria-label': `${words}, go to the commands of ${shortKey(key) || 'the batch'}`,
      onclick: () => chart.look({ from: begin - (to - from) * 0.1, to: begin + (to - from) * 0.9 }),
    }, words));
}

/** @param {string} key @param {Record<string, string>} titles */
function titleOf(key, titles) {
  return Object.hasOwn(titles, key) ? titles[key] : key.slice(shortKey(key).length).replaceAll('-', ' ').trim();
}

/** @param {Chart} chart @param {Lane} lane @param {Drawn} drawn @param {string} reachable */
function item(chart, lane, drawn, reachable) {
  const [bar] = drawn.bars;
  const many = drawn.bars.length > 1;
  const style = { left: `${drawn.left.toFixed(1)}px`, width: `${drawn.width.toFixed(1)}px`, top: `${rowTop(bar, lane)}px` };
  return h('li', { key: `${many ? 'many ' : ''}${bar.id}`, class: bar.isThin ? 'tl-item thin' : 'tl-item', style },
    bar.chain ? chain(drawn) : many ? several(chart, drawn, reachable) : command(chart, drawn, reachable));
}

/** @param {Drawn} drawn */
function chain({ bars: [{ id, chain }] }) {
  const { task_type = '', status = '' } = chain ?? {};
  return h('span', { class: 'tl-chain', 'data-bar': id, 'data-status': status },
    h('span', { class: 'hidden' }, `${task_type}, in the background, ${stateOf(status).word}`));
}

/** @param {Chart} chart @param {Drawn} drawn @param {string} reachable */
function command(chart, { bars: [bar], width }, reachable) {
  const attempt = /** @type {import('../core/types.js').Attempt} */ (bar.attempt);
  const { icon, word } = stateOf(attempt.status);
  const name = attempt.attempt > 1 ? `${attempt.command} · ${attempt.attempt}` : attempt.command;
  return h('a', {
    class: 'tl-bar', href: commandHref(attempt.id, chart.shown.batch), 'data-bar': bar.id,
    'data-hue': hueOf(attempt.command), 'data-status': attempt.status, 'data-ghost': bar.isGhost || null,
    tabindex: bar.id === reachable ? '0' : '-1', 'aria-describedby': chart.tip?.id === bar.id ? 'tl-tip' : null,
    'aria-label': `${name}, ${word}`,
  },
  !bar.isThin && width >= ICON_FROM && attempt.status !== 'success'
    && h('span', { class: 'tl-icon', 'aria-hidden': 'true' }, icon),
  !bar.isThin && width >= NAME_FROM && h('span', { class: 'cut' }, name));
}

/** @param {Chart} chart @param {Drawn} drawn @param {string} reachable */
function several(chart, { bars }, reachable) {
  const status = WORST.find((one) => bars.some(({ attempt, isGhost }) => !isGhost && attempt?.status === one)) ?? 'success';
  const from = bars[0].from;
  const to = Math.max(...bars.map((bar) => bar.to));
  return h('button', {
    type: 'button', class: 'tl-bar tl-many', 'data-bar': bars[0].id, 'data-status': status,
    'data-hue': hueOf(bars[0].attempt?.command ?? ''), tabindex: bars[0].id === reachable ? '0' : '-1',
    'aria-describedby': chart.tip?.id === bars[0].id ? 'tl-tip' : null,
    'aria-label': `${plural(bars.length, 'command')}, look nearer`,
    onclick: () => chart.look({ from: from - (to - from) * 0.1, to: to + (to - from) * 0.1 }),
  });
}
