// What the tests are made of: the shapes of web/static/core/types.js with little in them, and chance that repeats itself.
import { EMPTY } from '../../web/static/core/reducer.js';
import { NOTHING } from '../../web/static/core/scene.js';

export const EVIL = '<img src=x onerror=alert(1)>';
/** Names that a plain object would stumble over, and some that want to be more than text. */
export const HOSTILE = [
  '__proto__', 'constructor', 'toString', EVIL, 'javascript:alert(1)', '', ' ', '%', '/?#&=+', '"\'\n\0', '😀é',
];
export const AT = Date.UTC(2026, 9, 14, 12);

/** Numbers from 0 up to, not including, `below`; the same ones for the same seed. */
export function chance(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export const pick = (random, items) => items[random(items.length)];
export const range = (count) => [...Array(count).keys()];

export function event(seq, type, payload = {}, timestamp = AT + seq * 1000) {
  return { seq, type, timestamp, payload };
}

export function board(changes = {}) {
  return { ...EMPTY, ...changes };
}

export function card(key, changes = {}) {
  return {
    key, status: 'in-progress', phases: [], reviews: 0, started_at: AT, ended_at: null, reason: '', tokens: 0, cost_usd: 0,
    ...changes,
  };
}

export function running(command_id, changes = {}) {
  return {
    command_id, command: 'dev-story', story_keys: ['1-1-one'], attempt: 1, model: '', background: false, started_at: AT,
    last_at: AT, task: '', doing: '', ...changes,
  };
}

export function attempt(id, changes = {}) {
  return {
    id, command: 'dev-story', story_keys: ['1-1-one'], attempt: 1, model: '', background: false, started_at: AT,
    ended_at: AT + 1000,
    status: 'success', reason: '', tokens: 0, cost_usd: 0, ...changes,
  };
}

export function story(key, changes = {}) {
  return { key, short_key: key, epic_id: '1', name: key, status: 'backlog', duration_ms: null, blocked_reason: null, ...changes };
}

export function node(id, changes = {}, children = []) {
  return {
    id, role: 'actor', state: 'running', since: AT, restarts: 0, max_restarts: null, last_error: null, mailbox: null,
    deadline: null,
    pid: null, children, ...changes,
  };
}

/** A page that has everything and where nothing goes on. `board`: of the present. */
export function state({ board: present = {}, ...changes } = {}) {
  return {
    live: { ...NOTHING, board: board(present) }, past: null, line: { state: 'live' }, loaded: true, overview: null, sprint: null,
    sprintError: null, idleMinutes: 30, now: AT, orders: {}, ...changes,
  };
}

export const byKey = (items) => Object.fromEntries(items.map((item) => [item.key, item]));
export const byId = (items) => Object.fromEntries(items.map((item) => [item.id ?? item.command_id, item]));

export function entry(id, kind, changes = {}) {
  return {
    id, kind, text: '', truncated: false, tool: '', tool_use_id: '', input: '', is_error: false, parent_tool_use_id: '',
    figures: null,
    ...changes,
  };
}
