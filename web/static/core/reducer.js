/**
 * The board: what is going on in a batch, folded from its events.
 *
 * The same reducer as `runner/domain/board.py`, function by function; `tests/web/board_cases.json` holds both to the
 * same answers. Pure, and runs under node. Boards are never changed in place.
 *
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').StoryCard} StoryCard
 * @typedef {import('./types.js').Envelope} Envelope
 */
import { isWhole } from './shape.js';

/** Whether a story with this status is not worked on any more. @param {string} status */
export function isOver(status) {
  return status === 'done' || status === 'blocked';
}

/** A story's way through its cycle, as the base names of commands. */
export const PHASES = ['create-story', 'story-review', 'create-tech-spec', 'tech-spec-review', 'dev-story', 'code-review'];

/** @type {Board} */
export const EMPTY = Object.freeze({
  seq: 0, at: 0, batch_id: null, max_cycles: null, state: 'idle', detail: '', resets_at: null, started_at: 0,
  ended_at: null, worked_ms: 0, cycle: 0, cycle_keys: [], cycles_completed: 0, stories: {}, running: {},
  background: {}, commands: 0, failures: 0, warnings: 0, tokens: 0, cost_usd: 0,
});

/**
 * The board after this event. One that is not understood only moves its place and time.
 * @param {Board} board
 * @param {Envelope} envelope
 * @returns {Board}
 */
export function absorb(board, { seq, type, timestamp, payload }) {
  const after = isWhole(type, payload) ? CHANGES[type](board, payload, timestamp) : board;
  return { ...after, seq, at: timestamp };
}

/**
 * How long the batch has been worked on, all its runs together, in milliseconds.
 * @param {Board} board
 * @param {number} now
 */
export function elapsed(board, now) {
  return board.worked_ms + Math.max(0, (board.ended_at ?? now) - board.started_at);
}

/** The number at the end of a command's name: of `code-review-2` it is 2. @param {string} command */
export function reviewNumber(command) {
  const found = /-([0-9]+)$/.exec(command);
  return found ? Number(found[1]) : null;
}

/** A command without its number. @param {string} command */
export function baseName(command) {
  return command.replace(/-[0-9]+$/, '');
}

/** @type {Record<string, (board: Board, payload: Record<string, any>, at: number) => Board>} */
const CHANGES = {
  'batch:start': (board, event, at) => {
    if (event.resumed && board.batch_id === event.batch_id) return resumed(board, at);
    const max_cycles = Number.isInteger(event.max_cycles) ? event.max_cycles : null;
    return { ...EMPTY, batch_id: event.batch_id, max_cycles, state: 'running', started_at: at };
  },
  'batch:state': (board, event) => ({
    ...board, state: event.state, detail: event.detail ?? '', resets_at: event.resets_at ?? null,
  }),
  'batch:end': (board, event, at) => ({
    ...board, state: event.status, detail: event.reason, resets_at: null, ended_at: at,
    cycles_completed: event.cycles_completed, running: {}, background: {},
  }),
  'batch:warning': (board) => ({ ...board, warnings: board.warnings + 1 }),
  'cycle:start': (board, event) => ({ ...board, cycle: event.cycle_number, cycle_keys: event.story_keys }),
  'cycle:end': cycleEnd,
  'story:start': (board, event, at) => withCard(board, card(board, event.story_key, at)),
  'story:status': storyStatus,
  'command:start': commandStart,
  'command:progress': progress,
  'command:end': commandEnd,
  'background:start': (board, event, at) => ({
    ...board,
    background: {
      ...board.background,
      [event.background_task_id]: { task_type: event.task_type, story_keys: event.story_keys, started_at: at },
    },
  }),
  'background:end': (board, event) => ({
    ...board, background: without(board.background, event.background_task_id),
  }),
};

/**
 * Another run of the same batch: the time in between is nobody's.
 * @param {Board} board
 * @param {number} at
 * @returns {Board}
 */
function resumed(board, at) {
  // A run that was killed has no end: what is known of its length is its last event.
  const gap = at - (board.ended_at ?? board.at);
  const stories = Object.fromEntries(Object.entries(board.stories).map(
    ([key, one]) => [key, one.ended_at === null ? { ...one, started_at: one.started_at + gap } : one],
  ));
  return {
    ...board, worked_ms: elapsed(board, board.at), stories, running: {}, background: {},
    state: 'running', detail: '', resets_at: null, started_at: at, ended_at: null,
  };
}

/** @type {(board: Board, event: Record<string, any>, at: number) => Board} */
function cycleEnd(board, event, at) {
  let after = board;
  for (const [keys, status] of [[event.completed_stories, 'done'], [event.blocked_stories, 'blocked']]) {
    for (const key of keys) {
      const one = card(after, key, at);
      after = withCard(after, { ...one, status, ended_at: one.ended_at || at });
    }
  }
  return { ...after, cycles_completed: after.cycles_completed + 1 };
}

/**
 * A story that the batch has not taken yet may change too: the sprint file is everybody's.
 * @type {(board: Board, event: Record<string, any>, at: number) => Board}
 */
function storyStatus(board, event, at) {
  if (!Object.hasOwn(board.stories, event.story_key)) return board;
  const status = event.new_status;
  const blocked = status === 'blocked';
  return withCard(board, {
    ...board.stories[event.story_key],
    status,
    ended_at: blocked || status === 'done' ? at : null,
    reason: blocked ? event.reason : '',
  });
}

/** @type {(board: Board, event: Record<string, any>, at: number) => Board} */
function commandStart(board, event, at) {
  const { command_id, command, story_keys, attempt, model, background } = event;
  const running = {
    command_id, command, story_keys, attempt, model, background, started_at: at, last_at: at, task: '', doing: '',
  };
  let after = { ...board, running: { ...board.running, [command_id]: running } };
  if (background) return after;
  for (const key of story_keys) after = withCard(after, entered(card(after, key, at), command));
  return after;
}

/**
 * The card of a story that this command was started for.
 * @param {StoryCard} one
 * @param {string} command
 * @returns {StoryCard}
 */
function entered(one, command) {
  const base = baseName(command);
  const phase = base === 'story-discovery' ? 'create-story' : base;
  // At the end even if it was there before: the last one is where the story stands.
  const phases = PHASES.includes(phase) ? [...one.phases.filter((name) => name !== phase), phase] : one.phases;
  const reviews = base === 'code-review' ? reviewNumber(command) || 1 : 0;
  return { ...one, phases, reviews: Math.max(one.reviews, reviews) };
}

/** @type {(board: Board, event: Record<string, any>, at: number) => Board} */
function progress(board, event, at) {
  const before = board.running[event.command_id];
  if (!before) return board;
  const after = { ...before, last_at: at };
  if (event.kind === 'task') Object.assign(after, { task: event.task_id, doing: event.message });
  else if (!before.task) after.doing = event.message;
  return { ...board, running: { ...board.running, [event.command_id]: after } };
}

/** @type {(board: Board, event: Record<string, any>) => Board} */
function commandEnd(board, event) {
  const tokens = Math.trunc(event.metrics.tokens ?? 0);
  const cost = event.metrics.cost_usd ?? 0;
  const keys = board.running[event.command_id]?.story_keys
    ?? event.story_key.split(',').filter((/** @type {string} */ key) => key);
  let after = board;
  for (const key of keys) {
    if (!Object.hasOwn(after.stories, key)) continue;
    const one = after.stories[key];
    after = withCard(after, {
      ...one,
      tokens: one.tokens + Math.floor(tokens / keys.length),
      cost_usd: one.cost_usd + cost / keys.length,
    });
  }
  return {
    ...after,
    running: without(after.running, event.command_id),
    commands: after.commands + 1,
    failures: after.failures + (event.status === 'error' ? 1 : 0),
    tokens: after.tokens + tokens,
    cost_usd: after.cost_usd + cost,
  };
}

/**
 * A story's card; a new one for a story that nobody has mentioned.
 * @param {Board} board
 * @param {string} key
 * @param {number} at
 * @returns {StoryCard}
 */
function card(board, key, at) {
  if (Object.hasOwn(board.stories, key)) return board.stories[key];
  return {
    key, status: '', phases: [], reviews: 0, started_at: at, ended_at: null, reason: '', tokens: 0, cost_usd: 0,
  };
}

/** @param {Board} board @param {StoryCard} one @returns {Board} */
function withCard(board, one) {
  return { ...board, stories: { ...board.stories, [one.key]: one } };
}

/**
 * @template Item
 * @param {Record<string, Item>} items
 * @param {number} key
 * @returns {Record<string, Item>}
 */
function without(items, key) {
  if (!(key in items)) return items;
  const { [key]: _, ...others } = items;
  return others;
}
