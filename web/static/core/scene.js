/**
 * A scene: the board of a batch, the attempts of its commands and its background chains. Folded from events like the
 * board itself; the views draw from nothing else, so a past batch and a replay look like the present one.
 *
 * @typedef {import('./types.js').Scene} Scene
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').State} State
 */
import { absorb, EMPTY } from './reducer.js';
import { isWhole } from './shape.js';

/** @type {Scene} */
export const NOTHING = Object.freeze({ board: EMPTY, attempts: {}, chains: {}, waits: [] });

/**
 * The scene that the views show.
 * @param {State} state
 * @returns {Scene}
 */
export function shown(state) {
  return state.past ? state.past.scene ?? NOTHING : state.live;
}

/**
 * The time that running things are measured against: of a past batch, its last event.
 * @param {State} state
 */
export function time(state) {
  return state.past ? shown(state).board.at : state.now;
}

/**
 * The scene after this event.
 * @param {Scene} scene
 * @param {Envelope} envelope
 * @returns {Scene}
 */
export function follow(scene, envelope) {
  const { type, payload, timestamp } = envelope;
  const board = absorb(scene.board, envelope);
  if (!isWhole(type, payload)) return { ...scene, board };
  const begins = type === 'batch:start' && !(payload.resumed && payload.batch_id === scene.board.batch_id);
  const before = begins ? NOTHING : scene;
  const change = Object.hasOwn(CHANGES, type) ? CHANGES[type] : undefined;
  return { ...(change ? change(before, payload, timestamp) : before), board };
}

/** @type {Record<string, (scene: Scene, payload: Record<string, any>, at: number) => Scene>} */
const CHANGES = {
  'batch:start': (scene, event, at) => ({ ...scene, waits: closed(scene.waits, at) }),
  'batch:state': (scene, event, at) => {
    const waits = closed(scene.waits, at);
    const waiting = event.state === 'paused' || event.state === 'waiting_limit';
    return { ...scene, waits: waiting ? [...waits, { from: at, to: null, state: event.state }] : waits };
  },
  'batch:end': (scene, event, at) => ({ ...scene, waits: closed(scene.waits, at) }),
  'command:start': (scene, event, at) => withAttempt(scene, {
    id: event.command_id, command: event.command, story_keys: event.story_keys, attempt: event.attempt,
    model: event.model, background: event.background, started_at: at, ended_at: null, status: 'running', reason: '',
    tokens: 0, cost_usd: 0,
  }),
  'command:end': (scene, event, at) => {
    const begun = scene.attempts[event.command_id];
    if (!begun) return scene;
    const { tokens = 0, cost_usd = 0 } = event.metrics;
    return withAttempt(scene, { ...begun, ended_at: at, status: event.status, reason: event.reason, tokens, cost_usd });
  },
  'background:start': (scene, event, at) => withChain(scene, {
    id: event.background_task_id, task_type: event.task_type, story_keys: event.story_keys,
    // One that goes on after a resume keeps its beginning.
    started_at: scene.chains[event.background_task_id]?.started_at ?? at, ended_at: null, status: 'running',
  }),
  'background:end': (scene, event, at) => {
    const begun = scene.chains[event.background_task_id];
    return begun ? withChain(scene, { ...begun, ended_at: at, status: event.status }) : scene;
  },
};

/** @param {Scene} scene @param {import('./types.js').Attempt} attempt @returns {Scene} */
function withAttempt(scene, attempt) {
  return { ...scene, attempts: { ...scene.attempts, [attempt.id]: attempt } };
}

/** @param {Scene} scene @param {import('./types.js').ChainBar} chain @returns {Scene} */
function withChain(scene, chain) {
  return { ...scene, chains: { ...scene.chains, [chain.id]: chain } };
}

/** @param {import('./types.js').Wait[]} waits @param {number} at */
function closed(waits, at) {
  return waits.map((wait) => (wait.to === null ? { ...wait, to: at } : wait));
}
