/**
 * The settings as a form: in which groups, under which names, and what may be put in. Pure.
 *
 * @typedef {object} Row - As the server tells it.
 * @property {string} name
 * @property {number | string} value
 * @property {number | string} default
 * @property {number | null} low
 * @property {number | null} high
 * @property {string[]} choices
 * @property {string} help
 */

/** What belongs together; a setting that nobody has placed stands under "Other". @type {[string, string[]][]} */
const GROUPS = [
  ['Batch', [
    'default_max_cycles', 'max_code_review_attempts', 'background_review_workers', 'project_context_max_age_hours',
    'injection_warning_kb', 'injection_error_kb',
  ]],
  ['Agents', ['default_model', 'cheap_model', 'haiku_after_review', 'isolation']],
  ['Waits and limits', [
    'command_idle_timeout_minutes', 'command_timeout_minutes', 'stop_grace_seconds', 'retry_backoff_seconds',
  ]],
  ['Server and storage', [
    'server_port', 'max_websockets', 'websocket_heartbeat_seconds', 'default_batch_list_limit', 'keep_runs_days',
  ]],
];
/** @type {Record<string, string>} */
const LABELS = {
  default_max_cycles: 'Cycles of a batch',
  max_code_review_attempts: 'Code reviews of a story',
  background_review_workers: 'Background reviews at the same time',
  project_context_max_age_hours: 'Age of the project context',
  injection_warning_kb: 'Injected context, warning',
  injection_error_kb: 'Injected context, at most',
  haiku_after_review: 'Cheap model from review',
  isolation: 'Isolation of agents',
  max_websockets: 'Browsers at the same time',
  websocket_heartbeat_seconds: 'Sign of life from browsers',
  default_batch_list_limit: 'Batches on a page',
  keep_runs_days: 'Keep raw output',
};
/** @type {Record<string, string>} */
const UNITS = { hours: 'hours', minutes: 'minutes', seconds: 'seconds', days: 'days', kb: 'kB' };
/** Those that hold from the next start of the runner on. */
const AT_START = new Set(['server_port', 'max_websockets', 'websocket_heartbeat_seconds']);
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,99}$/;
const FIRST_FREE_PORT = 1024;

/** @param {Row[]} rows @returns {{title: string, rows: Row[]}[]} */
export function groups(rows) {
  const placed = new Set(GROUPS.flatMap(([, names]) => names));
  const named = GROUPS.map(([title, names]) => ({
    title, rows: names.flatMap((name) => rows.filter((row) => row.name === name)),
  }));
  const others = { title: 'Other', rows: rows.filter(({ name }) => !placed.has(name)) };
  return [...named, others].filter((group) => group.rows.length > 0);
}

/** @param {string} name */
export function label(name) {
  if (Object.hasOwn(LABELS, name)) return LABELS[name];
  const words = name.split('_').filter((word, place, all) => place < all.length - 1 || !Object.hasOwn(UNITS, word)).join(' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What stands behind the field. @param {string} name */
export function unit(name) {
  const last = name.split('_').at(-1) ?? '';
  return Object.hasOwn(UNITS, last) ? UNITS[last] : '';
}

/** @param {string} name */
export function isAtStart(name) {
  return AT_START.has(name);
}

/** @param {Row} row */
export function isNumber({ low, high }) {
  return low !== null && high !== null;
}

/** What it may be, and what it is when nobody says anything. @param {Row} row */
export function bounds(row) {
  const usual = row.default === '' ? 'empty' : row.default;
  return isNumber(row) ? `From ${row.low} to ${row.high}, default ${usual}.` : `Default ${usual}.`;
}

/**
 * Why this cannot be saved; empty when it can.
 * @param {Row} row
 * @param {string} text
 */
export function fault(row, text) {
  const typed = text.trim();
  if (row.choices.length) return row.choices.includes(typed) ? '' : `Choose one of ${row.choices.join(', ')}.`;
  if (!isNumber(row)) return typed === '' || MODEL.test(typed) ? '' : 'A model name has letters, digits and . _ - : / @ only.';
  const { low, high } = /** @type {{low: number, high: number}} */ (row);
  const isWithin = /^[0-9]{1,6}$/.test(typed) && Number(typed) >= low && Number(typed) <= high;
  return isWithin ? '' : `A whole number from ${low} to ${high}.`;
}

/** What somebody should know before it is saved. @param {Row} row @param {string} text */
export function hint(row, text) {
  const isLow = row.name === 'server_port' && !fault(row, text) && Number(text) < FIRST_FREE_PORT;
  return isLow ? 'Below 1024 the runner has to be started by root.' : '';
}

/** What stands in the field. @param {Row} row @param {Record<string, string>} drafts */
export function textOf(row, drafts) {
  return Object.hasOwn(drafts, row.name) ? drafts[row.name] : String(row.value);
}

/** @param {Row} row @param {Record<string, string>} drafts */
export function isChanged(row, drafts) {
  return Object.hasOwn(drafts, row.name) && drafts[row.name].trim() !== String(row.value);
}

/**
 * What is to be sent: only what is changed.
 * @param {Row[]} rows
 * @param {Record<string, string>} drafts
 * @returns {Record<string, number | string>}
 */
export function changes(rows, drafts) {
  return Object.fromEntries(rows.filter((row) => isChanged(row, drafts)).map((row) => {
    const text = drafts[row.name].trim();
    return [row.name, isNumber(row) ? Number(text) : text];
  }));
}

/** Everything as it is when nobody says anything. @param {Row[]} rows @returns {Record<string, string>} */
export function defaults(rows) {
  return Object.fromEntries(rows.filter((row) => row.value !== row.default).map((row) => [row.name, String(row.default)]));
}

/**
 * The settings that a refusal speaks of, each with its part of it.
 * @param {Row[]} rows
 * @param {string} error
 * @returns {Record<string, string>}
 */
export function refusals(rows, error) {
  const parts = error.split('; ');
  return Object.fromEntries(rows.flatMap(({ name }) => {
    const part = parts.find((one) => new RegExp(`\\b${name}\\b`).test(one));
    return part ? [[name, part.replace(/^settings: /, '')]] : [];
  }));
}
