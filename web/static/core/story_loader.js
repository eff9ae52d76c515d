/**
 * What the page of a story has to ask for: verdicts, files and events. Asked when the story is opened, and again when
 * an attempt of it has ended; an answer that comes when another story is looked at is dropped.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').LogLine} LogLine
 * @typedef {import('./store.js').Store} Store
 *
 * @typedef {object} Detail
 * @property {string} of - Of which story and batch.
 * @property {boolean} loaded
 * @property {string} error
 * @property {Record<string, string>} verdicts - Facts as JSON, by the command's id.
 * @property {Envelope[]} writes - Events that may tell of files.
 * @property {LogLine[]} lines - Its last events, oldest first.
 * @property {number} seq - Up to which event they were asked for.
 * @property {number[]} starts - When batches took it.
 *
 * @typedef {{of: string, key: string, batch: number | null, version: number}} Wanted
 */
import { get } from './api.js';
import { logLine } from './log_line.js';
import { shown } from './scene.js';

export const MOST_LINES = 200;
const MOST_WRITES = 1000;
const MOST_STARTS = 200;
/** Words that are looked for: the tools that write files. */
const TOOLS = ['Write', 'Edit', 'MultiEdit', 'NotebookEdit'];

/**
 * What the story that is looked at needs.
 * @param {State} state
 * @returns {Wanted}
 */
export function wanted(state) {
  const key = state.route.story ?? '';
  const { board, attempts } = shown(state);
  const batch = state.past?.batchId ?? (Object.hasOwn(board.stories, key) ? board.batch_id : null);
  // What is past has nothing new, also while it is played again.
  const ended = Object.values(attempts).filter((one) => one.ended_at !== null && one.story_keys.includes(key));
  const version = state.past ? 0 : ended.length;
  return { of: JSON.stringify([key, batch]), key, batch, version };
}

/** @param {State} state @returns {Detail | null} */
export function detail(state) {
  const { story } = state.local;
  return story?.of === wanted(state).of ? story : null;
}

/** @param {Store} store @param {Wanted} what */
export async function load(store, { of, key, batch }) {
  if (store.state.local.story?.of !== of) {
    store.keep('story', { of, loaded: false, error: '', verdicts: {}, writes: [], lines: [], seq: 0, starts: [] });
  }
  const seq = store.state.log.lastSeq;
  try {
    const [verdicts, writes, lines, starts] = await Promise.all([
      batch === null ? {} : verdictsOf(key, batch),
      batch === null ? [] : writesOf(key, batch),
      eventsOf({ story: key, batch, limit: MOST_LINES }).then((events) => events.map(logLine)),
      eventsOf({ story: key, type: 'story:start', limit: MOST_STARTS }).then((all) => all.map(({ timestamp }) => timestamp)),
    ]);
    answer(store, of, { loaded: true, error: '', verdicts, writes, lines, seq, starts });
  } catch (error) {
    answer(store, of, { loaded: true, error: /** @type {Error} */ (error).message });
  }
}

/** @param {Store} store @param {string} of @param {Partial<Detail>} changes */
function answer(store, of, changes) {
  if (store.state.local.story?.of === of) store.keep('story', changes);
}

/** @param {Record<string, string | number | null>} query @returns {Promise<Envelope[]>} */
async function eventsOf(query) {
  return (await get('/api/events', query)).events;
}

/** @param {string} key @param {number} batch @returns {Promise<Record<string, string>>} */
async function verdictsOf(key, batch) {
  const { stories } = await get(`/api/batches/${batch}`);
  const commands = /** @type {any[]} */ (stories).filter((story) => story.story_key === key).flatMap((story) => story.commands);
  return Object.fromEntries(commands.map((command) => [command.id, command.verdict_json]));
}

/** @param {string} key @param {number} batch @returns {Promise<Envelope[]>} */
async function writesOf(key, batch) {
  const query = { story: key, batch, type: 'command:progress', limit: MOST_WRITES };
  const events = (await Promise.all(TOOLS.map((q) => eventsOf({ ...query, q })))).flat();
  return [...new Map(events.map((event) => [event.seq, event])).values()].sort((one, other) => one.seq - other.seq);
}

/** The last event that is shown: a replay does not tell what comes. @param {State} state */
export function until(state) {
  return state.past ? shown(state).board.seq : Infinity;
}

/**
 * The last events of the story, newest first: what was asked for, and what has come since.
 * @param {State} state
 * @param {Detail | null} known
 * @returns {LogLine[]}
 */
export function linesOf(state, known) {
  const { key } = wanted(state);
  const lines = known?.lines ?? [];
  const asked = Math.max(known?.seq ?? 0, lines[lines.length - 1]?.seq ?? 0);
  /** @type {LogLine[]} */
  const found = [];
  // From the end, because the log is long and what is new in it is short.
  const live = state.past || !known?.loaded ? [] : state.log.lines;
  for (let place = live.length - 1; place >= 0 && found.length < MOST_LINES; place -= 1) {
    const line = live[place];
    if (line.seq <= asked) break;
    if (line.story.split(',').includes(key)) found.push(line);
  }
  return [...found, ...lines.filter(({ seq }) => seq <= until(state)).reverse()].slice(0, MOST_LINES);
}
