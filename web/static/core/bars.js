/**
 * Which bars are drawn, and which is next to which. Pure. However many commands there were, only so many bars are in the
 * document: those out of sight are left out, and those too small to be told apart are drawn as one.
 *
 * @typedef {import('./lanes.js').Bar} Bar
 * @typedef {import('./lanes.js').Lane} Lane
 * @typedef {import('./ticks.js').Window} Window
 * @typedef {{bars: Bar[], left: number, width: number}} Drawn - One bar, or several in one.
 * @typedef {{lane: Lane, drawn: Drawn[]}} DrawnLane
 */
import { place } from './ticks.js';

export const MOST_BARS = 300;
const LEAST_WIDTH = 3;
/** Lanes above and below what is in sight. */
const BEYOND = 60;
/** Bars reach so far out of sight, that their ends are not seen. */
const OUTSIDE = 20;

/**
 * @param {Lane[]} lanes
 * @param {Window} window
 * @param {{top: number, height: number, width: number, now: number}} sight - Pixels; `now`: where running bars end.
 * @param {number} [most]
 * @returns {DrawnLane[]}
 */
export function inSight(lanes, window, { top, height, width, now }, most = MOST_BARS) {
  const seen = lanes.filter((lane) => lane.top + lane.height > top - BEYOND && lane.top < top + height + BEYOND);
  const whole = seen.map((lane) => ({ lane, drawn: placed(lane, window, width, now) }));
  for (let gap = 1; ; gap *= 2) {
    const result = whole.map(({ lane, drawn }) => ({ lane, drawn: joined(drawn, gap) }));
    const count = result.reduce((sum, { drawn }) => sum + drawn.length, 0);
    if (count <= most || gap > width) return result;
  }
}

/** @param {Lane} lane @param {Window} window @param {number} width @param {number} now @returns {Drawn[]} */
function placed(lane, window, width, now) {
  return lane.bars.flatMap((bar) => {
    const end = Math.min(bar.to, Math.max(now, bar.from));
    if (end < window.from || bar.from > window.to) return [];
    const left = Math.max(-OUTSIDE, place(bar.from, window, width));
    const right = Math.min(width + OUTSIDE, place(end, window, width));
    return [{ bars: [bar], left, width: Math.max(LEAST_WIDTH, right - left) }];
  });
}

/**
 * Bars of one row that are small and near one another become one.
 * @param {Drawn[]} drawn
 * @param {number} gap
 * @returns {Drawn[]}
 */
function joined(drawn, gap) {
  /** @type {Map<string, Drawn>} */
  const last = new Map();
  /** @type {Drawn[]} */
  const result = [];
  for (const one of drawn) {
    const [bar] = one.bars;
    const row = `${bar.isThin} ${bar.row} ${bar.chain !== null}`;
    const before = last.get(row);
    const isSmall = before && Math.max(before.width / before.bars.length, one.width) <= gap * LEAST_WIDTH;
    if (before && isSmall && one.left - (before.left + before.width) < gap && bar.to !== Infinity) {
      before.bars.push(bar);
      before.width = Math.max(before.width, one.left + one.width - before.left);
    } else {
      const copy = { ...one, bars: [bar] };
      last.set(row, copy);
      result.push(copy);
    }
  }
  return result;
}

/**
 * The command's bar that an arrow key leads to from this one; null: there is none.
 * @param {Lane[]} lanes
 * @param {string} id
 * @param {string} key - As of a keyboard event.
 * @returns {Bar | null}
 */
export function neighbour(lanes, id, key) {
  const at = lanes.findIndex((lane) => lane.bars.some((bar) => bar.id === id));
  if (at < 0) return null;
  const own = commands(lanes[at]);
  const here = own.findIndex((bar) => bar.id === id);
  if (key === 'Home') return own[0];
  if (key === 'End') return own[own.length - 1];
  if (key === 'ArrowLeft' || key === 'ArrowRight') return own[here + (key === 'ArrowLeft' ? -1 : 1)] ?? null;
  const step = key === 'ArrowUp' ? -1 : 1;
  for (let lane = at + step; lane >= 0 && lane < lanes.length; lane += step) {
    const near = nearest(commands(lanes[lane]), own[here].from);
    if (near) return near;
  }
  return null;
}

/** @param {Lane} lane */
function commands({ bars }) {
  return bars.filter(({ attempt }) => attempt !== null);
}

/** @param {Bar[]} bars @param {number} at */
function nearest(bars, at) {
  const away = (/** @type {Bar} */ bar) => Math.abs(bar.from - at);
  return bars.reduce((best, bar) => (best === null || away(bar) < away(best) ? bar : best), /** @type {Bar | null} */ (null));
}
