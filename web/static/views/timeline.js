/**
 * The timeline: a lane for each story, and in it a bar for each command that was run for it.
 *
 * @typedef {import('./page.js').View} View
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/ticks.js').View} Look
 * @typedef {import('../core/ticks.js').Window} Window
 * @typedef {import('../core/types.js').Wait} Wait
 * @typedef {import('../core/keys.js').Keys} Keys
 */
import { h } from '../core/dom.js';
import { layout } from '../core/lanes.js';
import { go } from '../core/router.js';
import { shown, time } from '../core/scene.js';
import { load, stops, wanted } from '../core/stops.js';
import { FIT, windowOf } from '../core/ticks.js';
import { empty } from './parts.js';
import { Chart, chartOf } from './timeline_chart.js';
import { act, ID, legend, toolbar } from './timeline_tools.js';

/** @type {View} */
export const timeline = (state, app) => {
  const scene = shown(state);
  if (state.past?.error) return [empty('This batch cannot be shown')];
  if (state.past && !state.past.scene) return [empty('Loading the batch…')];
  const bars = layoutOf(scene);
  if (bars.lanes.length === 0) {
    return [empty('Nothing has run yet',
      'Each story gets a lane here, and each command that works on it a bar that grows with the clock.')];
  }
  const now = time(state);
  const grows = scene.board.ended_at === null && (!state.past || state.past.player !== null);
  const end = grows ? Math.max(now, bars.end) : Math.max(scene.board.ended_at ?? scene.board.at, bars.end);
  const look = lookOf(state);
  const window = windowOf(look, bars.begin, end);
  const stopped = wanted(state);
  return [stopped && h('span', {
    key: `stops ${stopped.batch} ${stopped.run}`, hidden: true, mount: () => void load(app.store, stopped),
  }), h('section', { key: 'panel', class: 'panel tl-panel', 'aria-labelledby': 'timeline-title' },
    toolbar({ window: within(window, bars.begin, end), grows, look, now }),
    chart({
      layout: bars, waits: waitsOf(scene.waits, stops(state, end)), now: grows ? now : end, begin: bars.begin, end, grows,
      batch: state.past?.batchId ?? null,
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
    ...(state.past ? {} : { l: { help: 'Back to now', run: act('latest') } }),
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

/** @type {{waits: Wait[], stopped: Wait[], both: Wait[]}} */
let last = { waits: [], stopped: [], both: [] };

/** What is the same is the same object: then nothing is drawn again. @param {Wait[]} waits @param {Wait[]} stopped */
function waitsOf(waits, stopped) {
  const isSame = waits === last.waits && stopped.length === last.stopped.length && stopped[0] === last.stopped[0];
  if (!isSame) last = { waits, stopped, both: [...waits, ...stopped] };
  return last.both;
}

/** The part of a window in which there is something. @param {Window} window @param {number} begin @param {number} end */
function within(window, begin, end) {
  const part = { from: Math.max(window.from, begin), to: Math.min(window.to, end) };
  return part.from < part.to ? part : window;
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
  // What is empty is left out of an address.
  const filters = { ...route.filters, span: String(view.span ?? ''), to: String(view.to ?? '') };
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
