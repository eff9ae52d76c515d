/**
 * The supervision tree as rows, and what is wrong in it. Pure.
 *
 * @typedef {import('./types.js').Node} Node
 * @typedef {import('./types.js').Health} Health
 * @typedef {import('./types.js').Overview} Overview
 * @typedef {import('./types.js').Running} Running
 *
 * @typedef {object} Row
 * @property {string} path - Of ids and places from the root on: ids alone may stand there twice.
 * @property {Node} node
 * @property {Node | null} parent
 * @property {number} level - From 1.
 * @property {number} place - Among its siblings, from 1.
 * @property {number} siblings
 * @property {boolean} isOpen
 *
 * @typedef {'' | 'warning' | 'error'} Tone
 * @typedef {{name: string, value: string, tone: Tone, help: string}} Figure
 */
import { bytes, count, duration, shortKey } from './format.js';

const NEARLY_FULL = 0.8;
const OVER_AFTER = 600_000;

/**
 * The rows that are in sight, from the root down.
 * @param {Node} tree
 * @param {Record<string, boolean>} expanded - `tree:ID`; what is not there is open.
 * @returns {Row[]}
 */
export function rows(tree, expanded) {
  /** @type {Row[]} */
  const found = [];
  const add = (/** @type {Node} */ node, /** @type {Omit<Row, 'node' | 'isOpen'>} */ where) => {
    const isOpen = node.children.length > 0 && expanded[`tree:${node.id}`] !== false;
    found.push({ node, isOpen, ...where });
    if (!isOpen) return;
    node.children.forEach((child, place) => add(child, {
      path: `${where.path}/${place}:${child.id}`, parent: node, level: where.level + 1, place: place + 1, siblings: node.children.length,
    }));
  };
  add(tree, { path: tree.id, parent: null, level: 1, place: 1, siblings: 1 });
  return found;
}

/**
 * What is wrong with a branch; empty: nothing.
 * @param {Node} node
 * @param {number} now
 * @returns {{tone: Tone, text: string}}
 */
export function trouble({ state, since, mailbox, deadline, restarts, last_error }, now) {
  if (state === 'failed') return { tone: 'error', text: 'failed' };
  if (mailbox && mailbox.depth >= mailbox.capacity) return { tone: 'error', text: 'its mailbox is full' };
  if (state === 'restarting') return { tone: 'warning', text: 'is started again' };
  if (state !== 'waiting' && deadline !== null && deadline < now) return { tone: 'warning', text: 'is over its deadline' };
  if (mailbox && mailbox.depth >= mailbox.capacity * NEARLY_FULL) return { tone: 'warning', text: 'its mailbox is nearly full' };
  // What has gone well for so long is over; how often it was started again stays to be seen.
  if (now - since > OVER_AFTER) return { tone: '', text: '' };
  if (restarts > 0) return { tone: 'warning', text: restarts === 1 ? 'was started again' : `was started again ${restarts} times` };
  return last_error === null ? { tone: '', text: '' } : { tone: 'warning', text: 'had an error' };
}

/**
 * The branches with troubles, the worst first, whether they are in sight or not.
 * @param {Node} tree
 * @param {number} now
 */
export function troubles(tree, now) {
  const found = rows(tree, {}).map((row) => ({ ...row, trouble: trouble(row.node, now) })).filter((row) => row.trouble.tone);
  return [...found.filter((row) => row.trouble.tone === 'error'), ...found.filter((row) => row.trouble.tone !== 'error')];
}

/** How many branches there are. @param {Node} tree @returns {number} */
export function size(tree) {
  return tree.children.reduce((sum, child) => sum + size(child), 1);
}

/**
 * The command that a branch works on, as its id tells: `command-c2/dev-story/2a-1-scanner`.
 * @param {string} id
 * @returns {{command: string, stories: string} | null}
 */
export function commandIn(id) {
  const found = /^command-[^/]*\/([^/]+)(?:\/(.*))?$/s.exec(id);
  return found && { command: found[1], stories: found[2] ?? '' };
}

/**
 * The running attempt of this branch's command, or of the one that it belongs to; null: it is not known.
 * @param {Node} node
 * @param {Node | null} parent
 * @param {Record<string, Running>} running
 */
export function attemptOf(node, parent, running) {
  const told = commandIn(node.id) ?? (node.role === 'process' && parent ? commandIn(parent.id) : null);
  if (!told) return null;
  const sorted = (/** @type {string[]} */ keys) => [...keys].sort().join(',');
  const wanted = sorted(told.stories.split(',').filter((key) => key));
  return Object.values(running).find(({ command, story_keys }) => command === told.command && sorted(story_keys) === wanted) ?? null;
}

/** A branch's name for people; where it stands tells the rest. @param {string} id */
export function nameOf(id) {
  if (id.startsWith('story-')) return `story ${shortKey(id.slice('story-'.length))}`;
  const told = commandIn(id);
  if (!told) return id;
  return [told.command, told.stories.split(',').map(shortKey).join(', ')].filter((word) => word).join(' ');
}

/**
 * How the runner itself does.
 * @param {Health | null} health
 * @param {Overview['fanout'] | undefined} fanout
 * @returns {Figure[]}
 */
export function figures(health, fanout) {
  const ms = (/** @type {number | undefined} */ value) => (value === undefined ? '–' : value < 10_000 ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : duration(value));
  const size = (/** @type {number | undefined} */ value) => (value === undefined ? '–' : bytes(value));
  const latency = fanout?.latency_ms;
  const isMeasured = latency !== undefined && latency.max > 0;
  return [
    { name: 'Event loop', value: ms(health?.loop_lag_ms), tone: above(health?.loop_lag_ms, 100, 500), help: 'How late the event loop was in the last minute, at worst' },
    { name: 'Commit', value: ms(health?.commit_delay_ms), tone: above(health?.commit_delay_ms, 100, 500), help: 'From an event to its commit, at worst lately' },
    { name: 'Browsers', value: fanout ? count(fanout.clients) : '–', tone: '', help: 'Pages that watch now' },
    { name: 'Delivered', value: fanout ? count(fanout.delivered) : '–', tone: '', help: 'Events handed over, counted for each browser' },
    { name: 'Push p50', value: isMeasured ? ms(latency.p50) : '–', tone: above(latency?.p50, 150, 500), help: 'Age of half of the events when the kernel had them' },
    { name: 'Push p99', value: isMeasured ? ms(latency.p99) : '–', tone: above(latency?.p99, 150, 500), help: 'Age of 99 of 100 events when the kernel had them' },
    { name: 'Push worst', value: isMeasured ? ms(latency.max) : '–', tone: above(latency?.max, 250, 500), help: 'Age of the oldest event when the kernel had it' },
    { name: 'Dropped', value: fanout ? count(fanout.evicted) : '–', tone: health?.worst_eviction_ms ? 'warning' : '', help: 'Browsers that were too slow and had to come back' },
    { name: 'Dropped at', value: health?.worst_eviction_ms ? ms(health.worst_eviction_ms) : '–', tone: above(health?.worst_eviction_ms, 500, 1000), help: 'Age of the oldest event over which a browser was dropped lately' },
    { name: 'Behind', value: health ? count(health.client_lag) : '–', tone: above(health?.client_lag, 500, 5000), help: 'Events that the slowest browser has yet to handle' },
    { name: 'Queued', value: size(health?.queued_bytes), tone: above(health?.queued_bytes, 1e6, 8e6), help: 'Waits for all browsers together' },
    { name: 'Longest queue', value: size(health?.longest_bytes), tone: above(health?.longest_bytes, 250e3, 1e6), help: 'Waits for the browser that is furthest behind' },
    { name: 'Database', value: size(health?.database_bytes), tone: above(health?.database_bytes, 2e9, 8e9), help: 'Size of the database file' },
    { name: 'Memory', value: size(health?.memory_bytes), tone: above(health?.memory_bytes, 500e6, 1e9), help: 'What the runner has in memory' },
  ];
}

/** @param {number | undefined} value @param {number} warning @param {number} error @returns {Tone} */
function above(value, warning, error) {
  if (value === undefined || value <= warning) return '';
  return value > error ? 'error' : 'warning';
}
