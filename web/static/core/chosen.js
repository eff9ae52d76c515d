/**
 * What a view's filters are set to. The address says it; where it says nothing of them, they are as they were left.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('../views/page.js').App} App
 */
import { go } from './router.js';

/**
 * @param {State} state
 * @param {string} view
 * @param {string[]} names
 * @returns {Record<string, string>}
 */
export function chosen({ route, prefs }, view, names) {
  const said = pick(route.filters, names);
  return Object.keys(said).length > 0 ? said : pick(prefs.filters[view] ?? {}, names);
}

/**
 * Set some of them; an empty text clears one.
 * @param {App} app
 * @param {string} view
 * @param {string[]} names
 * @param {Record<string, string>} changes
 */
export function choose({ store }, view, names, changes) {
  const { route, prefs } = store.state;
  const wanted = { ...chosen(store.state, view, names), ...changes };
  store.set({ prefs: { ...prefs, filters: { ...prefs.filters, [view]: pick(wanted, names) } } });
  const others = Object.entries(route.filters).filter(([name]) => !names.includes(name));
  go({ ...route, filters: { ...Object.fromEntries(others), ...wanted } }, { replace: true });
}

/** @param {Record<string, unknown>} values @param {string[]} names @returns {Record<string, string>} */
function pick(values, names) {
  const found = names.filter((name) => Object.hasOwn(values, name) && typeof values[name] === 'string' && values[name] !== '');
  return Object.fromEntries(found.map((name) => [name, String(values[name])]));
}
