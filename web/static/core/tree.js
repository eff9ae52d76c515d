/**
 * The supervision tree as rows, and what is wrong in it. Pure.
 *
 * @typedef {import('./types.js').Node} Node
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
 */
import { shortKey } from './format.js';

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
      path: `${where.path}/${place}:${child.id}`, parent: node, level: where.level + 1,
      place: place + 1, siblings: node.children.length,
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
  if (restarts > 0) return { tone: 'warning', text: `was started again${restarts > 1 ? ` ${restarts} times` : ''}` };
  return last_error === null ? { tone: '', text: '' } : { tone: 'warning', text: 'had an error' };
}

/**
 * The branches with troubles, the worst first, whether they are in sight or not.
 * @param {Node} tree
 * @param {number} now
 */
export function troubles(tree, now) {
  const found = rows(tree, {}).map((row) => ({ ...row, trouble: trouble(row.node, now) }));
  return ['error', 'warning'].flatMap((tone) => found.filter((row) => row.trouble.tone === tone));
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
  const isIt = (/** @type {Running} */ one) => one.command === told.command && sorted(one.story_keys) === wanted;
  return Object.values(running).find(isIt) ?? null;
}

/** A branch's name for people; where it stands tells the rest. @param {string} id */
export function nameOf(id) {
  if (id.startsWith('story-')) return `story ${shortKey(id.slice('story-'.length))}`;
  const told = commandIn(id);
  if (!told) return id;
  return [told.command, told.stories.split(',').map(shortKey).join(', ')].filter((word) => word).join(' ');
}
