/** How long something goes on, told as what is over is told: the two are read beside one another. */
import { h } from '../core/dom.js';
import { duration } from '../core/format.js';

/** @param {number} since @param {number} now */
export function lasting(since, now) {
  const seconds = Math.max(1, Math.floor((now - since) / 1000));
  return h('time', { datetime: `PT${seconds}S` }, duration(seconds * 1000));
}
