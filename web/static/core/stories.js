/**
 * The stories as the views list them: what the sprint file says of each, joined with what the shown batch did to it.
 * Pure, but for remembering the last answer: a row that says the same is the same object, so nobody draws it again.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').Story} Story
 * @typedef {import('./types.js').StoryCard} StoryCard
 * @typedef {import('./types.js').Running} Running
 *
 * @typedef {object} Row
 * @property {string} key
 * @property {string} short
 * @property {string} title
 * @property {string} epic
 * @property {string} status
 * @property {boolean} inBatch - Whether the shown batch has taken it.
 * @property {string[]} phases - Those it has entered, in order.
 * @property {number} reviews
 * @property {number | null} since - While it is worked on: since when.
 * @property {number | null} duration - Else how long it took.
 * @property {number | null} cost - null: not known.
 * @property {number | null} tokens
 * @property {string} reason - Why it is blocked.
 * @property {Running[]} running - Attempts of its commands, those that it waits for first.
 *
 * @typedef {{id: string, title: string, status: string, done: number, rows: Row[]}} Group - An epic and its stories.
 * @typedef {{q?: string, status?: string, epic?: string, in?: string}} Filters
 */
import { shortKey } from './format.js';
import { shown } from './scene.js';

export const STATUSES = ['backlog', 'ready-for-dev', 'in-progress', 'review', 'done', 'blocked'];
/** Stands for whatever else somebody has written into the file. */
export const OTHER = 'other';
/** @type {Running[]} */
const NONE = [];
/** After its end a batch knows better than the file as it was read before. */
const FILE_IS_READ = 3_000;

/** @type {{inputs: unknown[], rows: Row[], byKey: Map<string, Row>}} */
let last = { inputs: [], rows: [], byKey: new Map() };

/** Whether the file tells how the stories of the present batch stand. @param {Board} board @param {number} now */
export function isSettled({ ended_at }, now) {
  return ended_at !== null && now > ended_at + FILE_IS_READ;
}

/**
 * All stories in the order of the sprint; of a past batch, those that it took.
 * @param {State} state
 * @returns {Row[]}
 */
export function rows(state) {
  const { board } = shown(state);
  const settled = state.past ? board.ended_at !== null : isSettled(board, state.now);
  const inputs = [state.sprint, board.stories, board.running, board.ended_at, settled, state.past?.batchId];
  if (inputs.every((value, place) => Object.is(value, last.inputs[place])) && last.inputs.length > 0) return last.rows;
  const made = joined(state, board, settled).map((row) => {
    const before = last.byKey.get(row.key);
    return before && alike(before, row) ? before : row;
  });
  last = { inputs, rows: made, byKey: new Map(made.map((row) => [row.key, row])) };
  return made;
}

/** @param {State} state @param {Board} board @param {boolean} settled @returns {Row[]} */
function joined({ sprint, past }, board, settled) {
  const working = byStory(board.running);
  const known = new Map((sprint?.stories ?? []).map((story) => [story.key, story]));
  const others = Object.keys(board.stories).filter((key) => past || !known.has(key));
  const listed = past ? [...known.keys()].filter((key) => Object.hasOwn(board.stories, key)) : [...known.keys()];
  const keys = new Set([...listed, ...others]);
  return [...keys].map((key) => {
    const card = Object.hasOwn(board.stories, key) ? board.stories[key] : null;
    // Of a past batch the file tells nothing: it says how the story stands now.
    const written = past ? '' : known.get(key)?.status ?? '';
    const status = (card && !settled && card.status) || written || card?.status || 'in-progress';
    return row(key, status, known.get(key) ?? null, card, board, working.get(key) ?? NONE);
  });
}

/**
 * @param {string} key @param {string} status @param {Story | null} story @param {StoryCard | null} card
 * @param {Board} board @param {Running[]} running
 * @returns {Row}
 */
function row(key, status, story, card, board, running) {
  const end = card ? card.ended_at ?? board.ended_at : null;
  const spent = card !== null && (card.tokens > 0 || card.cost_usd > 0);
  return {
    key, status, running,
    short: story?.short_key ?? shortKey(key),
    title: story?.name ?? titleOf(key),
    epic: story?.epic_id ?? epicOf(key),
    inBatch: card !== null,
    phases: card?.phases ?? [],
    reviews: card?.reviews ?? 0,
    since: card && end === null ? card.started_at : null,
    duration: card ? end === null ? null : Math.max(0, end - card.started_at) : story?.duration_ms ?? null,
    cost: card && spent ? card.cost_usd : null,
    tokens: card && spent ? card.tokens : null,
    reason: status === 'blocked' ? card?.reason || story?.blocked_reason || '' : '',
  };
}

/** @param {Record<string, Running>} running @returns {Map<string, Running[]>} */
function byStory(running) {
  /** @type {Map<string, Running[]>} */
  const found = new Map();
  const waitedFor = (/** @type {Running} */ one) => (one.background ? 1 : 0);
  for (const one of Object.values(running).sort((a, b) => waitedFor(a) - waitedFor(b))) {
    for (const key of one.story_keys) found.set(key, [...found.get(key) ?? [], one]);
  }
  return found;
}

/** @param {any} before @param {any} after */
function alike(before, after) {
  return Object.keys(after).every((name) => {
    const [one, other] = [before[name], after[name]];
    if (!Array.isArray(other)) return Object.is(one, other);
    return one.length === other.length && other.every((value, place) => Object.is(value, one[place]));
  });
}

/** The words of a key. @param {string} key */
function titleOf(key) {
  const words = key.slice(shortKey(key).length).split(/[-_]/).filter((word) => word);
  return words.map((word) => word[0].toUpperCase() + word.slice(1)).join(' ') || key;
}

/** @param {string} key */
function epicOf(key) {
  return /^([0-9]+[a-z]?)-/i.exec(key)?.[1] ?? '';
}

/** The column of a status. @param {string} status */
export function columnOf(status) {
  return STATUSES.includes(status) ? status : OTHER;
}

/**
 * @param {Row[]} all
 * @param {Filters} filters
 */
export function filtered(all, { q = '', status = '', epic = '', in: where = '' }) {
  const words = q.toLowerCase().split(/\s+/).filter((word) => word);
  return all.filter((row) => {
    if (status && columnOf(row.status) !== status) return false;
    if (epic && row.epic !== epic) return false;
    if (where === 'batch' && !row.inBatch) return false;
    const text = words.length > 0 ? `${row.key} ${row.title} ${row.reason}`.toLowerCase() : '';
    return words.every((word) => text.includes(word));
  });
}

/**
 * The epics of these stories, in the order of the sprint; those of a batch behind it when the file has them no more.
 * @param {Row[]} all
 * @param {State} state
 * @returns {Group[]}
 */
export function groups(all, { sprint, past }) {
  /** @type {Map<string, Group>} */
  const found = new Map((sprint?.epics ?? []).map(({ id, title, status }) => [id, { id, title, status, done: 0, rows: [] }]));
  for (const one of all) {
    const group = found.get(one.epic) ?? { id: one.epic, title: '', status: '', done: 0, rows: [] };
    found.set(one.epic, group);
    group.rows.push(one);
    if (one.status === 'done') group.done += 1;
  }
  return [...found.values()].filter((group) => !past || group.rows.length > 0);
}

/** What its file says of a story. @param {Record<string, string>} descriptions @param {{key: string, short: string}} row */
export function descriptionOf(descriptions, { key, short }) {
  const names = [key, short, `story-${short}`, `story-${key}`, `sprint-${key}`];
  const name = names.find((one) => Object.hasOwn(descriptions, one));
  return name === undefined ? '' : descriptions[name];
}
