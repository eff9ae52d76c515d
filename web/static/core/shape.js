/**
 * Whether an event that moves the board is what its type says: the fields of `runner/domain/events.py`, as strictly as
 * the runner reads them. One of a newer runner, or one that was damaged, is passed over by both.
 */

const ABSENT = undefined;
const whole = Number.isInteger;
const words = (/** @type {unknown} */ value) => typeof value === 'string';
const flag = (/** @type {unknown} */ value) => typeof value === 'boolean';
const list = (/** @type {unknown} */ value) => Array.isArray(value) && value.every(words);
const table = (/** @type {(value: unknown) => boolean} */ fits) => (/** @type {unknown} */ value) => (
  isRecord(value) && Object.values(value).every(fits));
const number = (/** @type {unknown} */ value) => typeof value === 'number';
const maybe = (/** @type {(value: unknown) => boolean} */ fits) => (/** @type {unknown} */ value) => value === ABSENT || fits(value);
const orNull = (/** @type {(value: unknown) => boolean} */ fits) => (/** @type {unknown} */ value) => value === null || fits(value);
const either = (/** @type {unknown} */ value) => whole(value) || words(value);

const COMMAND = { story_key: words, command: words, task_id: words, command_id: whole };
/** @type {Record<string, Record<string, (value: any) => boolean>>} */
const FIELDS = {
  'batch:start': { batch_id: whole, max_cycles: either, resumed: flag },
  'batch:end': { batch_id: whole, cycles_completed: whole, status: words, reason: words },
  'batch:warning': { batch_id: whole, message: words, warning_type: words },
  'batch:state': { batch_id: whole, state: words, detail: maybe(words), resets_at: maybe(orNull(whole)) },
  'cycle:start': { cycle_number: whole, story_keys: list },
  'cycle:end': { cycle_number: whole, completed_stories: list, blocked_stories: list },
  'story:start': { story_key: words, epic_id: words },
  'story:status': { story_key: words, old_status: words, new_status: words, reason: words },
  'command:start': { ...COMMAND, story_keys: list, attempt: whole, model: words, background: flag },
  'command:progress': {
    ...COMMAND, message: words, kind: words, status: maybe(orNull(words)), metrics: maybe(table(words)),
  },
  'command:end': { ...COMMAND, status: words, metrics: table(number), attempt: whole, reason: words },
  'background:start': { background_task_id: whole, task_type: words, story_keys: list, status: words },
  'background:end': { background_task_id: whole, task_type: words, story_keys: list, status: words, reason: maybe(words) },
};

/** @param {string} type @param {unknown} payload */
export function isWhole(type, payload) {
  if (!Object.hasOwn(FIELDS, type) || !isRecord(payload)) return false;
  return Object.entries(FIELDS[type]).every(([name, fits]) => fits(Object.hasOwn(payload, name) ? payload[name] : ABSENT));
}

/** Whether it says something else than its type promises. @param {import('./types.js').Envelope} event */
export function isDamaged({ type, payload }) {
  return Object.hasOwn(FIELDS, type) && !isWhole(type, payload);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
