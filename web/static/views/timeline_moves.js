/** Where one looks on the chart of the timeline, moved by buttons and keys. */
import { neighbour } from '../core/bars.js';
import { MARGIN, ROW, rowTop } from '../core/lanes.js';
import { FIT, zoomed } from '../core/ticks.js';

/** @typedef {import('./timeline_chart.js').Chart} Chart */

const STEP = 1.6;
/** Pixels that a bar has to have to be looked at. */
const SEEN = 24;

/** @type {Record<'nearer' | 'further' | 'fit' | 'latest', (chart: Chart) => void>} */
export const MOVES = {
  nearer: (chart) => zoom(chart, 1 / STEP),
  further: (chart) => zoom(chart, STEP),
  fit: (chart) => chart.see(FIT),
  // Back to the clock, as near as one is.
  latest: (chart) => chart.see({ span: Math.round(chart.window.to - chart.window.from), to: null }),
};

/**
 * Around the clock while one goes with it, else so that what is in sight stays there.
 * @param {Chart} chart
 * @param {number} factor
 */
function zoom(chart, factor) {
  const follows = chart.shown.grows && chart.view.to === null;
  chart.look(zoomed(chart.window, factor, follows ? chart.shown.end : middle(chart)));
}

/** The moment in the middle of what is in sight. @param {Chart} chart */
function middle({ window: { from, to }, drawn, active, shown }) {
  const bars = drawn.flatMap((lane) => lane.drawn.flatMap((one) => one.bars));
  const focused = bars.find(({ id }) => id === active);
  const seen = focused ? [focused] : bars;
  if (seen.length === 0) return (from + to) / 2;
  const begin = Math.max(from, Math.min(...seen.map((bar) => bar.from)));
  const end = Math.min(to, Math.max(...seen.map((bar) => Math.min(bar.to, shown.now))));
  return (begin + end) / 2;
}

/** @param {Chart} chart @param {number} pixels */
export function pan(chart, pixels) {
  const { from, to } = chart.window;
  const by = (pixels / chart.width) * (to - from);
  chart.look({ from: from + by, to: to + by });
}

/** From the focused bar to its neighbour. @param {Chart} chart @param {string} key */
export function walk(chart, key) {
  const bar = neighbour(chart.shown.layout.lanes, chart.active, key);
  if (!bar) return;
  chart.active = bar.id;
  bring(chart, bar);
  chart.draw();
  if (!chart.find(bar.id)) {
    // It is drawn together with others: near enough, it is not.
    const span = (Math.max(1, Math.min(bar.to, chart.shown.now) - bar.from) * chart.width) / SEEN;
    chart.look({ from: bar.from - span / 2, to: bar.from + span / 2 });
    chart.draw();
  }
  chart.find(bar.id)?.focus();
}

/** Bring a bar into sight. @param {Chart} chart @param {import('../core/lanes.js').Bar} bar */
function bring(chart, bar) {
  const lane = chart.shown.layout.lanes.find(({ bars }) => bars.includes(bar));
  if (lane) chart.reveal(lane.top + rowTop(bar, lane) - MARGIN, ROW + 2 * MARGIN);
  const { from, to } = chart.window;
  if (Math.min(bar.to, chart.shown.now) > from && bar.from < to) return;
  const span = to - from;
  chart.look({ from: bar.from - span * 0.3, to: bar.from + span * 0.7 });
}
