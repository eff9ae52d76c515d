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
import { inSight } from '../core/bars.js';
import { patch } from '../core/dom.js';
import { viewOf, windowOf } from '../core/ticks.js';
import { picture } from './timeline_bars.js';
import { gestures } from './timeline_gestures.js';

/** After the last movement, in milliseconds: browsers take the address only so often. */
const SETTLE = 250;

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
    /** @type {DrawnLane[]} */
    this.drawn = [];
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
    this.drawn = inSight(this.shown.layout.lanes, this.window, sight);
    patch(this.element, picture(this, this.drawn));
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

  /** @param {string} id @returns {HTMLElement | null} */
  find(id) {
    return this.element.querySelector(`[data-bar="${CSS.escape(id)}"]`);
  }
}

/** @param {View} one @param {View} other */
function same(one, other) {
  return one.span === other.span && one.to === other.to;
}
