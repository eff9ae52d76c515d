/** Times, durations, amounts and names as a person reads them. Pure. */

const two = (/** @type {number} */ value) => String(value).padStart(2, '0');

/** `14:32:01` @param {number} at */
export function clock(at) {
  const time = new Date(at);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** `14:32` @param {number} at */
export function hour(at) {
  return clock(at).slice(0, 5);
}

/** `14:32` today, else `30 Nov 14:32`. @param {number} at @param {number} now */
export function moment(at, now) {
  const time = new Date(at);
  const today = time.toDateString() === new Date(now).toDateString();
  return today ? hour(at) : `${time.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })} ${hour(at)}`;
}

/** `12:41`, from an hour on `1 h 12 m`. @param {number} ms */
export function elapsed(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return seconds < 3600 ? `${Math.floor(seconds / 60)}:${two(seconds % 60)}` : duration(ms);
}

/** `0.4 s`, `12 s`, `3 m 20 s`, `1 h 12 m`, `2 d 3 h` @param {number | null} ms */
export function duration(ms) {
  if (ms === null) return '–';
  if (ms < 950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const parts = /** @type {[number, string][]} */ ([
    [Math.floor(seconds / 86400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's'],
  ]);
  const first = parts.findIndex(([value]) => value > 0);
  return parts.slice(first, first + 2).filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`).join(' ');
}

/** `now`, `3 s ago`, `2 m ago` @param {number} at @param {number} now */
export function ago(at, now) {
  return now - at < 1000 ? 'now' : `${duration(Math.floor((now - at) / 1000) * 1000).split(' ').slice(0, 2).join(' ')} ago`;
}

/** `$4.31`; nothing is known: a dash, never $0. @param {number | null} usd @param {boolean} [known] */
export function cost(usd, known = true) {
  if (usd === null || !known) return '–';
  return usd > 0 && usd < 0.01 ? '<$0.01' : `$${usd.toFixed(2)}`;
}

/** `412 k` @param {number | null} value */
export function count(value) {
  if (value === null) return '–';
  if (value < 10_000) return String(value);
  // What would be rounded to a thousand has the next unit.
  return value < 999_500 ? `${Math.round(value / 1000)} k` : `${(value / 1_000_000).toFixed(1)} M`;
}

/** Of the tokens of a command, `9.4 k` beside `455 k`: in one unit they can be compared. @param {number | null} value */
export function tokens(value) {
  if (value === null || value < 1000) return count(value);
  return value < 9_950 ? `${(value / 1000).toFixed(1)} k` : count(Math.max(value, 10_000));
}

/** `3.4 MB` @param {number} value */
export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  while (value >= 999.5 && unit < 3) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `2a-3` of `2a-3-session-store`; another key as it is. @param {string} key */
export function shortKey(key) {
  return /^([0-9]+[a-z]?-[0-9]+[a-z]?)(-|$)/i.exec(key)?.[1] ?? key;
}

/** `2 stories`, `1 story` @param {number} value @param {string} one @param {string} [many] */
export function plural(value, one, many = `${one}s`) {
  return `${value} ${value === 1 ? one : many}`;
}

/** What a state is called, its icon and the colour token: never colour alone. @type {Record<string, {icon: string, word: string, tone: string}>} */
export const STATES = {
  idle: { icon: '○', word: 'Idle', tone: 'idle' },
  lost: { icon: '○', word: 'No connection', tone: 'warning' },
  starting: { icon: '◌', word: 'Starting', tone: 'running' },
  running: { icon: '◐', word: 'Running', tone: 'running' },
  pausing: { icon: '◔', word: 'Pausing', tone: 'waiting' },
  paused: { icon: '‖', word: 'Paused', tone: 'waiting' },
  waiting: { icon: '◷', word: 'Waiting', tone: 'waiting' },
  waiting_limit: { icon: '◷', word: 'Waiting for limit', tone: 'waiting' },
  stopping: { icon: '◑', word: 'Stopping', tone: 'warning' },
  restarting: { icon: '↻', word: 'Restarting', tone: 'warning' },
  stopped: { icon: '■', word: 'Stopped', tone: 'idle' },
  interrupted: { icon: '■', word: 'Interrupted', tone: 'warning' },
  limit: { icon: '◷', word: 'Limit', tone: 'waiting' },
  success: { icon: '✓', word: 'Success', tone: 'success' },
  completed: { icon: '✓', word: 'Completed', tone: 'success' },
  done: { icon: '✓', word: 'Done', tone: 'success' },
  error: { icon: '✕', word: 'Error', tone: 'error' },
  failed: { icon: '✕', word: 'Failed', tone: 'error' },
  blocked: { icon: '⊘', word: 'Blocked', tone: 'error' },
  backlog: { icon: '·', word: 'Backlog', tone: 'idle' },
  'ready-for-dev': { icon: '▷', word: 'Ready for dev', tone: 'running' },
  'in-progress': { icon: '◐', word: 'In progress', tone: 'running' },
  review: { icon: '◎', word: 'Review', tone: 'waiting' },
};

/** @param {string} state */
export function stateOf(state) {
  return Object.hasOwn(STATES, state) ? STATES[state] : { icon: '·', word: state || 'Unknown', tone: 'idle' };
}
