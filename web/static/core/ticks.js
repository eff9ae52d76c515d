/**
 * The time axis: which moments are worth a line, and where a moment stands. Pure.
 *
 * @typedef {{from: number, to: number}} Window - What is shown, in epoch milliseconds.
 * @typedef {{span: number | null, to: number | null}} View
 *   What somebody asked for. `span` null: all of it; `to` null: the right edge goes with the clock.
 */
import { clock, hour } from './format.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28].map((count) => count * DAY),
];
/** Steps that are kept by the clock on the wall, also when it is put back or forward. */
const WALL = 6 * HOUR;
/** What can be told apart at the nearest, and seen at once at the furthest. */
export const LEAST_SPAN = 2 * SECOND;
export const MOST_SPAN = 60 * DAY;
/** Room that is left free at the right, as a part of the span. */
const AIR = 0.04;

/** @type {View} */
export const FIT = Object.freeze({ span: null, to: null });

/**
 * The moments that get a line.
 * @param {Window} window
 * @param {number} width - Pixels.
 * @param {number} [gap] - Pixels that a label needs.
 * @returns {{at: number, label: string}[]}
 */
export function ticks({ from, to }, width, gap = 88) {
  const least = ((to - from) / Math.max(1, width)) * gap;
  const step = STEPS.find((one) => one >= least) ?? Math.ceil(least / DAY) * DAY;
  const found = [];
  for (let at = first(from, step); at <= to; at = next(at, step)) found.push({ at, label: label(at, step) });
  return found;
}

/** Pixels from the left. @param {number} at @param {Window} window @param {number} width */
export function place(at, { from, to }, width) {
  return ((at - from) / (to - from)) * width;
}

/**
 * What is shown of something that went, or goes, from `begin` to `end`.
 * @param {View} view
 * @param {number} begin
 * @param {number} end
 * @returns {Window}
 */
export function windowOf({ span, to }, begin, end) {
  const all = Math.max(LEAST_SPAN, end - begin);
  if (span === null) return { from: begin - all * 0.01, to: begin + all * (1 + AIR) };
  const right = to ?? end + span * AIR;
  return { from: right - span, to: right };
}

/**
 * Nearer or further; the moment at `at` stays where it is.
 * @param {Window} window
 * @param {number} factor - Below 1: nearer.
 * @param {number} at
 * @returns {Window}
 */
export function zoomed({ from, to }, factor, at) {
  const span = Math.min(MOST_SPAN, Math.max(LEAST_SPAN, (to - from) * factor));
  const left = at - ((at - from) / (to - from)) * span;
  return { from: left, to: left + span };
}

/**
 * The view that shows this window, and something of what there is. One that shows all of it goes on doing so, and one
 * whose right edge is where the clock is goes on with it.
 * @param {Window} window
 * @param {number} begin
 * @param {number} end
 * @param {boolean} grows
 * @returns {View}
 */
export function viewOf({ from, to }, begin, end, grows) {
  const span = Math.round(to - from);
  if (from <= begin && to >= end && span > (end - begin) * (1 + AIR)) return FIT;
  const right = Math.round(Math.min(Math.max(to, begin + span * AIR), end + span * (1 - AIR)));
  const isEdge = right >= end && right - end <= span * AIR * 2;
  return { span, to: grows && isEdge ? null : right };
}

/** By the clock on the wall, not by that of Greenwich. @param {number} from @param {number} step */
function first(from, step) {
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  const wall = Math.ceil((from - offset) / step) * step;
  if (step < WALL) return wall + offset;
  // The clock may be put back or forward between the two.
  const day = new Date(wall);
  return new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), day.getUTCHours()).getTime();
}

/** A day is not always 24 hours long. @param {number} at @param {number} step */
function next(at, step) {
  if (step < WALL) return at + step;
  const day = new Date(at);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), day.getHours() + step / HOUR).getTime();
}

/** @param {number} at @param {number} step */
function label(at, step) {
  const time = new Date(at);
  const isMidnight = time.getHours() + time.getMinutes() + time.getSeconds() === 0;
  if (isMidnight) return time.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return step < MINUTE ? clock(at) : hour(at);
}
