/**
 * How the runner itself does, in figures. Pure.
 *
 * @typedef {import('./types.js').Health} Health
 * @typedef {import('./types.js').Overview['fanout']} Fanout
 * @typedef {{name: string, value: string, tone: '' | 'warning' | 'error', help: string}} Figure
 */
import { bytes, count, duration } from './format.js';

/**
 * @param {Health | null} health
 * @param {Fanout} fanout
 * @returns {Figure[]}
 */
export function figures(health, fanout) {
  return [...ofRunner(health), ...ofDelivery(health, fanout), ...ofStorage(health)];
}

/** @param {Health | null} health */
function ofRunner(health) {
  return [
    time('Loop lag', health?.loop_lag_ms, 100, 500, 'How late the runner came to what it had to do, at worst in the last minute'),
    time('Commit', health?.commit_delay_ms, 100, 500, 'From an event to its record on the disk, at worst lately'),
  ];
}

/** @param {Health | null} health @param {Fanout} fanout @returns {Figure[]} */
function ofDelivery(health, fanout) {
  // Before the first event nothing has been measured.
  const latency = fanout && fanout.latency_ms.max > 0 ? fanout.latency_ms : null;
  const evicted = health?.worst_eviction_ms ? 'warning' : '';
  return [
    number('Browsers', fanout?.clients, 'Pages that watch now'),
    number('Delivered', fanout?.delivered, 'Events that were sent, counted for each browser'),
    time('Delivery, median', latency?.p50, 150, 500, 'Half of the events were sent at most so long after they happened'),
    time('Delivery, 99 %', latency?.p99, 150, 500, 'Of 100 events 99 were sent at most so long after they happened'),
    time('Delivery, worst', latency?.max, 250, 500, 'The longest time from an event until it was sent'),
    { ...number('Dropped', fanout?.evicted, 'Browsers that were too slow, were cut off and had to come back'), tone: evicted },
    time('Dropped after', health?.worst_eviction_ms || undefined, 500, 1000,
      'How long the oldest event had waited for a browser that was dropped lately'),
    number('Events behind', health?.client_lag, 'Events that the slowest browser has yet to take in', 500, 5000),
    size('Queued', health?.queued_bytes, 1e6, 8e6, 'What waits to be sent, to all browsers together'),
    size('Longest queue', health?.longest_bytes, 250e3, 1e6, 'What waits to be sent to the browser that is furthest behind'),
  ];
}

/** @param {Health | null} health */
function ofStorage(health) {
  return [
    size('Database', health?.database_bytes, 2e9, 8e9, 'Size of the database file'),
    size('Memory', health?.memory_bytes, 500e6, 1e9, 'What the runner has in memory'),
  ];
}

/**
 * @typedef {number | undefined} Value
 * @typedef {(name: string, value: Value, warning: number, error: number, help: string) => Figure} Measure
 */

/** @type {Measure} */
const time = (name, value, warning, error, help) => (
  { name, value: value === undefined ? '–' : milliseconds(value), tone: above(value, warning, error), help }
);

/** @type {Measure} */
const size = (name, value, warning, error, help) => (
  { name, value: value === undefined ? '–' : bytes(value), tone: above(value, warning, error), help }
);

/**
 * @param {string} name
 * @param {Value} value
 * @param {string} help
 * @param {number} [warning]
 * @param {number} [error]
 * @returns {Figure}
 */
function number(name, value, help, warning = Infinity, error = Infinity) {
  return { name, value: count(value ?? null), tone: above(value, warning, error), help };
}

/** @param {Value} value @param {number} warning @param {number} error */
function above(value, warning, error) {
  if (value === undefined || value <= warning) return '';
  return value > error ? 'error' : 'warning';
}

/** @param {number} value */
function milliseconds(value) {
  if (value >= 10_000) return duration(value);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
