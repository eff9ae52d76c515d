/**
 * What the page remembers between visits: one versioned value in `localStorage`. Whatever stands there is checked; what
 * is no preference of today's is left out, so an older or newer page, or a curious person, can break nothing.
 */

const KEY = 'sprint-runner';
const VERSION = 1;

/** Every preference with what it is at first; a value of another type is not taken. */
export const DEFAULTS = Object.freeze({
  theme: 'auto',
  cycles: 2,
  all: false,
  follow: true,
  sidebar: true,
  notify: false,
  view: 'run',
  /** Expanded things, by `view:key`. @type {Record<string, boolean>} */
  expanded: {},
  /** Filters of each view. @type {Record<string, Record<string, string>>} */
  filters: {},
  sort: 'key',
  sortDown: false,
  thinking: false,
  treeProblems: false,
});
const MOST_EXPANDED = 500;
export const MOST_CYCLES = 999;

/** @returns {Record<string, any>} */
export function load() {
  try {
    const { version, values } = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (version !== VERSION) return { ...DEFAULTS };
    const known = Object.entries(DEFAULTS).map(([name, usual]) => [name, fits(values[name], usual) ? values[name] : usual]);
    return bounded(Object.fromEntries(known));
  } catch {
    return { ...DEFAULTS };
  }
}

/**
 * Keep what has changed; what another tab has kept meanwhile stays.
 * @param {Record<string, any>} values
 * @param {Record<string, any>} before - What this page has kept last.
 */
export function save(values, before) {
  const changed = Object.entries(values).filter(([name, value]) => value !== before[name]);
  if (changed.length === 0) return;
  const kept = { ...load(), ...Object.fromEntries(changed) };
  const expanded = Object.fromEntries(Object.entries(kept.expanded).slice(-MOST_EXPANDED));
  try {
    localStorage.setItem(KEY, JSON.stringify({ version: VERSION, values: { ...kept, expanded } }));
  } catch {
    // Full or forbidden: the page works without.
  }
}

/** @param {Record<string, any>} values */
function bounded(values) {
  return { ...values, cycles: Math.max(1, Math.min(MOST_CYCLES, Math.round(values.cycles))) };
}

/** @param {unknown} value @param {unknown} usual */
function fits(value, usual) {
  return typeof value === typeof usual && value !== null && !Array.isArray(value);
}
