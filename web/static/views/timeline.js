/**
 * The timeline: a lane for each story, and in it a bar for each command that was run for it.
 *
 * @typedef {import('./page.js').View} View
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/ticks.js').View} Look
 * @typedef {import('../core/keys.js').Keys} Keys
 */
import { h } from '../core/dom.js';
import { clock, duration, moment } from '../core/format.js';
import { layout } from '../core/lanes.js';
import { go } from '../core/router.js';
import { shown, time } from '../core/scene.js';
import { FIT, windowOf } from '../core/ticks.js';
import { empty, fault } from './parts.js';
import { Chart, chartOf } from './timeline_chart.js';
import { MOVES } from './timeline_moves.js';

const ID = 'timeline';
/** A shorter time is told to the second. */
const SECONDS_BELOW = 600_000;

/** @type {View} */
export const timeline = (state, app) => {
  const scene = shown(state);
  if (state.past?.error) return [fault(state.past.error)];
  if (state.past && !state.past.scene) return [h('div', { class: 'empty', role: 'status' }, h('h2', null, 'Loading the batch…'))];
  const bars = layoutOf(scene);
  if (bars.lanes.length === 0) {
    return [empty('Nothing has run yet', 'Each story gets a lane here, and each command that works on it a bar that grows with the clock.')];
  }
  const now = time(state);
  const grows = scene.board.ended_at === null && (!state.past || state.past.player !== null);
  const end = grows ? Math.max(now, bars.end) : Math.max(scene.board.ended_at ?? scene.board.at, bars.end);
  const look = lookOf(state);
  const window = windowOf(look, bars.begin, end);
  return [h('section', { key: 'panel', class: 'panel tl-panel', 'aria-labelledby': 'timeline-title' },
    toolbar({ window, grows, look, now }),
    chart({
      layout: bars, waits: scene.waits, now: grows ? now : end, begin: bars.begin, end, grows, batch: state.past?.batchId ?? null,
      titles: titlesOf(state.sprint), view: look, top: state.local.timeline?.top ?? 0,
      settled: (view, top) => keep(app, view, top),
    }),
    legend())];
};

/** @param {State} state @returns {Keys} */
export function timelineKeys(state) {
  const nearer = { help: 'Look nearer', run: act('nearer') };
  return {
    f: { help: 'Show all of the batch', run: act('fit') },
    '+': nearer,
    '=': nearer,
    '-': { help: 'Look from further away', run: act('further') },
    ...(state.past ? {} : { '.': { help: 'Back to now', run: act('latest') } }),
  };
}

/** @param {keyof typeof MOVES} name */
function act(name) {
  return () => {
    const chart = chartOf(ID);
    if (chart) MOVES[name](chart);
  };
}

/** @type {WeakMap<object, {chains: object, layout: import('../core/lanes.js').Layout}>} */
const layouts = new WeakMap();

/** Most events change no bar. @param {import('../core/types.js').Scene} scene */
function layoutOf({ attempts, chains }) {
  const known = layouts.get(attempts);
  if (known?.chains === chains) return known.layout;
  const made = layout({ attempts, chains });
  layouts.set(attempts, { chains, layout: made });
  return made;
}

/** @type {WeakMap<object, Record<string, string>>} */
const titles = new WeakMap();
/** @type {Record<string, string>} */
const NONE = Object.freeze({});

/** @param {State['sprint']} sprint */
function titlesOf(sprint) {
  if (!sprint) return NONE;
  const known = titles.get(sprint) ?? Object.fromEntries(sprint.stories.map(({ key, name }) => [key, name]));
  titles.set(sprint, known);
  return known;
}

/** What the address says, else where one was last in this batch, else all of it. @param {State} state @returns {Look} */
function lookOf({ route: { filters, batch }, local }) {
  const span = Number(filters.span);
  const to = Number(filters.to);
  if (span > 0 && Number.isFinite(span)) return { span, to: to > 0 && Number.isFinite(to) ? to : null };
  const { timeline: kept } = local;
  return kept && kept.batch === batch ? kept.view : FIT;
}

/** @param {App} app @param {Look} view @param {number} top */
function keep(app, view, top) {
  const { route } = app.store.state;
  if (route.view !== 'timeline') return;
  app.store.keep('timeline', { view, top, batch: route.batch });
  const { span: _, to: __, ...others } = route.filters;
  const filters = { ...others, ...(view.span === null ? {} : { span: String(view.span) }), ...(view.to === null ? {} : { to: String(view.to) }) };
  go({ ...route, filters }, { replace: true });
}

/** @param {import('./timeline_chart.js').Shown} options */
function chart(options) {
  chartOf(ID)?.refresh(options);
  return h('div', {
    key: 'chart', id: ID, class: 'tl', role: 'group', 'aria-label': 'Timeline: arrow keys go from bar to bar',
    mount: (/** @type {HTMLElement} */ node) => Chart.mount(node, options),
  });
}

/** @param {{window: import('../core/ticks.js').Window, grows: boolean, look: Look, now: number}} of */
function toolbar({ window: { from, to }, grows, look, now }) {
  const button = (/** @type {string} */ label, /** @type {string} */ says, /** @type {string} */ key, /** @type {() => void} */ onclick) => h('button', {
    key: says, type: 'button', class: 'tl-button', 'aria-label': says, title: `${says} (${key})`, onclick,
  }, label);
  const follows = grows && look.to === null;
  return h('div', { class: 'panel-head' },
    h('h2', { id: 'timeline-title' }, 'Timeline'),
    h('span', { class: 'quiet-text tl-range' }, range(from, to, now)),
    h('span', { class: 'grow' }),
    h('div', { class: 'tl-tools', role: 'group', 'aria-label': 'Zoom' },
      h('span', { class: 'quiet-text tl-hint' }, 'Wheel zooms, drag pans'),
      follows && h('span', { key: 'follows', class: 'tl-follows', 'data-tone': 'running' }, h('span', { 'aria-hidden': 'true' }, '● '), 'Following'),
      grows && !follows && h('button', {
        key: 'now', type: 'button', title: 'The right edge goes with the clock (.)', onclick: act('latest'),
      }, 'Back to now'),
      button('−', 'Look from further away', '-', act('further')),
      button('+', 'Look nearer', '+', act('nearer')),
      button('Fit', 'Show all of the batch', 'f', act('fit'))));
}

/** @param {number} from @param {number} to @param {number} now */
function range(from, to, now) {
  const name = (/** @type {number} */ at) => (to - from < SECONDS_BELOW ? clock(at) : moment(at, now));
  return `${name(from)} – ${name(to)} · ${duration(to - from)}`;
}

/** What colours and marks mean. */
function legend() {
  const hues = [['create', 'Story'], ['spec', 'Tech spec'], ['dev', 'Development'], ['review', 'Review'], ['commit', 'Other']];
  const marks = [['running', '◐ Running'], ['error', '✕ Error'], ['interrupted', '■ Interrupted'], ['limit', '◷ Limit']];
  return h('ul', { key: 'legend', class: 'tl-legend', 'aria-label': 'Legend' },
    hues.map(([hue, word]) => h('li', { key: hue }, h('span', { class: 'tl-bar tl-sample', 'data-hue': hue }), word)),
    marks.map(([status, word]) => h('li', { key: status }, h('span', { class: 'tl-bar tl-sample', 'data-status': status, 'data-hue': 'dev' }), word)),
    h('li', { key: 'ghost' }, h('span', { class: 'tl-bar tl-sample', 'data-ghost': true, 'data-status': 'error', 'data-hue': 'dev' }), 'Tried again'),
    h('li', { key: 'chain' }, h('span', { class: 'tl-sample tl-sample-chain' }, h('span', { class: 'tl-chain' })), 'Background chain'),
    h('li', { key: 'wait' }, h('span', { class: 'tl-sample tl-wait' }), 'Waiting'));
}
