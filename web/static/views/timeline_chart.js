/**
 * The chart of the timeline: an island that draws itself, so that zooming and dragging cost the rest of the page nothing.
 * What it shows it is told by `timeline.js`; where somebody looks it tells back when they have come to rest.
 *
 * @typedef {import('../core/bars.js').DrawnLane} DrawnLane
 * @typedef {import('../core/lanes.js').Bar} Bar
 * @typedef {import('../core/lanes.js').Layout} Layout
 * @typedef {import('../core/ticks.js').View} View
 * @typedef {import('../core/ticks.js').Window} Window
 *
 * @typedef {object} Shown
 * @property {Layout} layout
 * @property {import('../core/types.js').Wait[]} waits
 * @property {number} now - Where running bars end.
 * @property {number} begin
 * @property {number} end
 * @property {boolean} grows - Whether there is a clock that goes on.
 * @property {number | null} batch - As in links.
 * @property {Record<string, string>} titles - Of the stories.
 * @property {View} view
 * @property {number} top - How far it is scrolled, at first.
 * @property {(view: View, top: number) => void} settled
 */
import { inSight, neighbour } from '../core/bars.js';
import { patch } from '../core/dom.js';
import { MARGIN, ROW, rowTop } from '../core/lanes.js';
import { FIT, viewOf, windowOf, zoomed } from '../core/ticks.js';
import { picture } from './timeline_bars.js';
import { gestures } from './timeline_gestures.js';

/** After the last movement, in milliseconds: browsers take the address only so often. */
const SETTLE = 250;
const STEP = 1.6;
/** Pixels that a bar has to have to be looked at. */
const SEEN = 24;

/** @type {WeakMap<Element, Chart>} */
const charts = new WeakMap();

/** The chart in the document. @param {string} id */
export function chartOf(id) {
  const element = document.getElementById(id);
  return element ? charts.get(element) ?? null : null;
}

export class Chart {
  /** @param {HTMLElement} element @param {Shown} shown */
  constructor(element, shown) {
    this.element = element;
    this.shown = shown;
    this.view = shown.view;
    this.given = shown.view;
    this.width = 0;
    this.height = 0;
    this.top = 0;
    /** The bar that Tab leads to. */
    this.active = '';
    /** The bar or wait that is told of, and where. @type {{id: string, left: number} | null} */
    this.tip = null;
    this.runs = '';
    this.asked = false;
    this.settling = 0;
  }

  /** @param {HTMLElement} element @param {Shown} shown */
  static mount(element, shown) {
    const chart = new Chart(element, shown);
    charts.set(element, chart);
    const sizes = new ResizeObserver(() => chart.draw());
    sizes.observe(element);
    const leave = gestures(chart);
    chart.draw();
    const { body } = chart;
    if (body) body.scrollTop = shown.top;
    chart.draw();
    return () => {
      sizes.disconnect();
      leave();
      clearTimeout(chart.settling);
    };
  }

  /** @param {Shown} shown */
  refresh(shown) {
    const before = this.shown;
    this.shown = shown;
    // What somebody does at this moment goes before what the address says.
    if (!same(shown.view, this.given) && !this.settling) this.view = shown.view;
    this.given = shown.view;
    const names = /** @type {const} */ (['layout', 'waits', 'now', 'batch', 'titles', 'grows']);
    if (names.some((name) => before[name] !== shown[name]) || !same(before.view, shown.view)) this.draw();
  }

  get body() {
    return /** @type {HTMLElement | null} */ (this.element.querySelector('.tl-body'));
  }

  /** Pixels that the names of the lanes have. */
  get names() {
    const whole = this.element.clientWidth;
    return whole < 640 ? 68 : whole < 1000 ? 168 : 232;
  }

  /** @returns {Window} */
  get window() {
    return windowOf(this.view, this.shown.begin, this.shown.end);
  }

  draw() {
    const { body } = this;
    this.width = Math.max(40, (body?.clientWidth ?? this.element.clientWidth) - this.names);
    this.height = body?.clientHeight ?? 400;
    this.top = body?.scrollTop ?? 0;
    this.follow();
    const sight = { top: this.top, height: this.height, width: this.width, now: this.shown.now };
    const lanes = inSight(this.shown.layout.lanes, this.window, sight);
    patch(this.element, picture(this, lanes));
  }

  /** Before the next frame. */
  soon() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (this.element.isConnected) this.draw();
    });
  }

  /** Keep the lane that runs in sight, unless somebody is here. */
  follow() {
    const lane = this.shown.layout.lanes.findLast(({ bars }) => bars.some(({ to, isThin }) => to === Infinity && !isThin));
    const runs = this.shown.grows && lane ? lane.key : '';
    if (!this.body || runs === this.runs) return;
    this.runs = runs;
    if (lane && runs && !this.element.matches(':hover, :focus-within')) this.reveal(lane.top, lane.height);
  }

  /** @param {number} top @param {number} height */
  reveal(top, height) {
    const { body } = this;
    if (!body) return;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (top + height > body.scrollTop + body.clientHeight) body.scrollTop = top + height - body.clientHeight;
    this.top = body.scrollTop;
  }

  /** Look at this. @param {Window} window */
  look(window) {
    this.see(viewOf(window, this.shown.begin, this.shown.end, this.shown.grows));
  }

  /** @param {View} view */
  see(view) {
    this.view = view;
    this.tip = null;
    this.soon();
    this.settle();
  }

  /** Tell where one has come to rest. */
  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.settling = 0;
      this.shown.settled(this.view, this.top);
    }, SETTLE);
  }

  /** Nearer or further, around a moment; around the clock while one goes with it. @param {number} factor @param {number} [at] */
  zoom(factor, at) {
    const { window } = this;
    const follows = this.shown.grows && this.view.to === null;
    this.look(zoomed(window, factor, at ?? (follows ? this.shown.end : (window.from + window.to) / 2)));
  }

  nearer() {
    this.zoom(1 / STEP);
  }

  further() {
    this.zoom(STEP);
  }

  fit() {
    this.see(FIT);
  }

  /** Back to the clock, as near as one is. */
  latest() {
    const { from, to } = this.window;
    this.see({ span: Math.round(to - from), to: null });
  }

  /** @param {number} pixels */
  pan(pixels) {
    const { from, to } = this.window;
    const by = (pixels / this.width) * (to - from);
    this.look({ from: from + by, to: to + by });
  }

  /** From the focused bar to its neighbour. @param {string} key @returns {boolean} */
  go(key) {
    const bar = neighbour(this.shown.layout.lanes, this.active, key);
    if (!bar) return false;
    this.active = bar.id;
    this.bring(bar);
    this.draw();
    if (!this.find(bar.id)) {
      // It is drawn together with others: near enough, it is not.
      const span = (Math.max(1, Math.min(bar.to, this.shown.now) - bar.from) * this.width) / SEEN;
      this.look({ from: bar.from - span / 2, to: bar.from + span / 2 });
      this.draw();
    }
    this.find(bar.id)?.focus();
    return true;
  }

  /** Bring a bar into sight. @param {Bar} bar */
  bring(bar) {
    const lane = this.shown.layout.lanes.find(({ bars }) => bars.includes(bar));
    if (lane) this.reveal(lane.top + rowTop(bar, lane) - MARGIN, ROW + 2 * MARGIN);
    const { from, to } = this.window;
    const end = Math.min(bar.to, this.shown.now);
    if (end > from && bar.from < to) return;
    const span = to - from;
    this.look({ from: bar.from - span * 0.3, to: bar.from + span * 0.7 });
  }

  /** @param {string} id @returns {HTMLElement | null} */
  find(id) {
    return this.element.querySelector(`[data-bar="${CSS.escape(id)}"]`);
  }
}

/** @param {View} one @param {View} other */
function same(one, other) {
  return one.span === other.span && one.to === other.to;
}
