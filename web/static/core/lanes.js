/**
 * Where the bars of the timeline stand: one lane a story, in it rows for its commands, and thin ones for what goes on in
 * the background. Pure, and in time only: how near one looks changes nothing here.
 *
 * @typedef {import('./types.js').Attempt} Attempt
 * @typedef {import('./types.js').ChainBar} ChainBar
 * @typedef {import('./types.js').Scene} Scene
 *
 * @typedef {object} Bar
 * @property {string} id - Of a command for two stories there are two, one in each lane.
 * @property {Attempt | null} attempt - null: a chain.
 * @property {ChainBar | null} chain
 * @property {number} from
 * @property {number} to - Infinity while it goes on.
 * @property {number} row - From 0, of the lane's full or thin ones.
 * @property {boolean} isThin
 * @property {boolean} isGhost - Failed, and tried again since.
 *
 * @typedef {object} Lane
 * @property {string} key - Empty: what is done for no story alone.
 * @property {Bar[]} bars - By their beginning.
 * @property {number} rows
 * @property {number} thin
 * @property {number} top - Pixels.
 * @property {number} height
 *
 * @typedef {{lanes: Lane[], height: number, begin: number, end: number}} Layout
 */
import { baseName } from './reducer.js';

export const ROW = 26;
export const THIN = 14;
export const MARGIN = 6;
const LEAST_HEIGHT = 44;
/** A command that is tried again and again stays in so many rows. */
const MOST_STACKED = 4;

/** @type {Record<string, string>} */
const HUES = {
  'create-story': 'create', 'story-discovery': 'create', 'create-tech-spec': 'spec', 'dev-story': 'dev',
  'story-review': 'review', 'tech-spec-review': 'review', 'code-review': 'review',
};

/** The hue of a command, as in `--hue-dev`. @param {string} command */
export function hueOf(command) {
  const base = baseName(command);
  return Object.hasOwn(HUES, base) ? HUES[base] : 'commit';
}

/**
 * @param {Pick<Scene, 'attempts' | 'chains'>} scene
 * @returns {Layout}
 */
export function layout({ attempts, chains }) {
  /** @type {Map<string, {attempts: Attempt[], chains: ChainBar[]}>} */
  const found = new Map([['', { attempts: [], chains: [] }]]);
  const lane = (/** @type {string} */ key) => {
    const known = found.get(key) ?? { attempts: [], chains: [] };
    found.set(key, known);
    return known;
  };
  const inOrder = byBeginning(Object.values(attempts));
  for (const one of inOrder) keysOf(one).forEach((key) => lane(key).attempts.push(one));
  for (const one of byBeginning(Object.values(chains))) keysOf(one).forEach((key) => lane(key).chains.push(one));
  const superseded = triedAgain(inOrder);
  let height = 0;
  const lanes = [...found].filter(([, of]) => of.attempts.length + of.chains.length > 0).map(([key, of]) => {
    const one = laneOf(key, of, superseded, height);
    height += one.height;
    return one;
  });
  const bars = lanes.flatMap((one) => one.bars);
  return {
    lanes, height,
    begin: bars.reduce((least, { from }) => Math.min(least, from), Infinity),
    end: bars.reduce((most, { from, to }) => Math.max(most, to === Infinity ? from : to), -Infinity),
  };
}

/** Pixels from the lane's top. @param {Bar} bar @param {Lane} lane */
export function rowTop({ row, isThin }, lane) {
  return MARGIN + (isThin ? lane.rows * ROW + row * THIN : row * ROW);
}

/** @param {Attempt | ChainBar} one */
function keysOf(one) {
  const isOfCycle = 'command' in one && baseName(one.command) === 'batch-commit';
  return isOfCycle || one.story_keys.length === 0 ? [''] : one.story_keys;
}

/** @template {{started_at: number, id: number}} Item @param {Item[]} items */
function byBeginning(items) {
  return items.sort((one, other) => one.started_at - other.started_at || one.id - other.id);
}

/** Those that failed and were followed by another try. @param {Attempt[]} inOrder */
function triedAgain(inOrder) {
  /** @type {Map<string, Attempt>} */
  const last = new Map();
  const again = new Set();
  for (const one of inOrder) {
    const before = last.get(stepOf(one));
    if (before && before.status !== 'success') again.add(before.id);
    last.set(stepOf(one), one);
  }
  return again;
}

/** @param {Attempt} attempt */
function stepOf({ command, story_keys }) {
  return `${command} ${story_keys.join(' ')}`;
}

/**
 * @param {string} key
 * @param {{attempts: Attempt[], chains: ChainBar[]}} of
 * @param {Set<number>} superseded
 * @param {number} top
 * @returns {Lane}
 */
function laneOf(key, of, superseded, top) {
  const front = of.attempts.filter(({ background }) => !background);
  const behind = of.attempts.filter(({ background }) => background);
  const bar = (/** @type {Attempt} */ attempt, /** @type {number} */ row, /** @type {boolean} */ isThin) => ({
    id: `${key} ${attempt.id}`, attempt, chain: null, from: attempt.started_at, to: attempt.ended_at ?? Infinity,
    row, isThin, isGhost: superseded.has(attempt.id),
  });
  const places = stacked(front);
  const thin = behindRows(of.chains, behind);
  const bars = [
    ...of.chains.map((chain, place) => ({
      id: `${key} chain ${chain.id}`, attempt: null, chain, from: chain.started_at, to: chain.ended_at ?? Infinity,
      row: thin.chains[place], isThin: true, isGhost: false,
    })),
    ...front.map((attempt, place) => bar(attempt, places.rows[place], false)),
    ...behind.map((attempt, place) => bar(attempt, thin.attempts[place], true)),
  ];
  bars.sort((one, other) => one.from - other.from);
  const height = Math.max(LEAST_HEIGHT, 2 * MARGIN + places.count * ROW + thin.count * THIN);
  return { key, bars, rows: places.count, thin: thin.count, top, height };
}

/**
 * The rows of commands: what runs together stands apart, and a further try stands below the one before.
 * @param {Attempt[]} attempts
 */
function stacked(attempts) {
  /** @type {number[]} */
  const ends = [];
  /** @type {Map<string, number>} */
  const before = new Map();
  const rows = attempts.map((attempt) => {
    const step = stepOf(attempt);
    const above = attempt.attempt > 1 ? before.get(step) ?? -1 : -1;
    const row = free(ends, attempt.started_at, above + 1 < MOST_STACKED ? above + 1 : 0);
    ends[row] = attempt.ended_at ?? Infinity;
    before.set(step, row);
    return row;
  });
  return { rows, count: ends.length };
}

/**
 * The thin rows: chains, and on them the commands that work on them.
 * @param {ChainBar[]} chains
 * @param {Attempt[]} attempts
 */
function behindRows(chains, attempts) {
  /** @type {number[]} */
  const ends = [];
  const rows = chains.map((chain) => {
    const row = free(ends, chain.started_at, 0);
    ends[row] = chain.ended_at ?? Infinity;
    return row;
  });
  /** @type {number[]} */
  const taken = [];
  const attemptRows = attempts.map((attempt) => {
    const own = chains.findIndex((chain) => covers(chain, attempt));
    let row = own < 0 ? -1 : rows[own];
    if (row < 0 || (taken[row] ?? 0) > attempt.started_at) row = free(taken, attempt.started_at, own < 0 ? ends.length : 0);
    taken[row] = attempt.ended_at ?? Infinity;
    return row;
  });
  return { chains: rows, attempts: attemptRows, count: Math.max(ends.length, taken.length) };
}

/** @param {ChainBar} chain @param {Attempt} attempt */
function covers(chain, attempt) {
  const isWithin = chain.started_at <= attempt.started_at && (chain.ended_at ?? Infinity) >= attempt.started_at;
  return isWithin && chain.story_keys.join(' ') === attempt.story_keys.join(' ');
}

/** The first row that is free at this time. @param {number[]} ends @param {number} at @param {number} least */
function free(ends, at, least) {
  for (let row = least; row < ends.length; row += 1) if ((ends[row] ?? -Infinity) <= at) return row;
  const row = Math.max(least, ends.length);
  for (let gap = ends.length; gap < row; gap += 1) ends[gap] = -Infinity;
  return row;
}
