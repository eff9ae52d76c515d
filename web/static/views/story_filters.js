/**
 * The filters above the board and the table of stories.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/stories.js').Filters} Filters
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./page.js').App} App
 */
import { choose, chosen } from '../core/chosen.js';
import { h } from '../core/dom.js';
import { plural, stateOf } from '../core/format.js';
import { columnOf, OTHER, STATUSES } from '../core/stories.js';

const NAMES = ['q', 'status', 'epic', 'in'];

/** @param {State} state @param {string} view @returns {Filters} */
export function filtersOf(state, view) {
  const filters = chosen(state, view, NAMES);
  return state.past ? { ...filters, in: '' } : filters;
}

/** @param {Filters} filters */
export function isFiltered({ q, status, epic, in: where }) {
  return Boolean(q || status || epic || where);
}

/** @param {App} app @param {string} view */
export function clearFilters(app, view) {
  choose(app, view, NAMES, Object.fromEntries(NAMES.map((name) => [name, ''])));
}

/**
 * @param {State} state
 * @param {App} app
 * @param {string} view
 * @param {Row[]} all
 * @param {number} shown - How many of them the filters let through.
 * @param {...Child} more - What else stands in the bar.
 */
export function storyFilters(state, app, view, all, shown, ...more) {
  const filters = filtersOf(state, view);
  const set = (/** @type {Record<string, string>} */ changes) => choose(app, view, NAMES, changes);
  return h('div', { key: 'filters', class: 'story-filters', role: 'search', 'aria-label': 'Stories' },
    // Those that were left set are shown, so the address has to say them too.
    h('span', { key: 'address', hidden: true, mount: () => {
      const { route } = app.store.state;
      if (!NAMES.some((name) => route.filters[name]) && isFiltered(filters)) set({});
    } }),
    h('input', {
      type: 'search', class: 'story-search', placeholder: 'Search key, title, reason', 'aria-label': 'Search stories',
      'aria-keyshortcuts': '/', value: filters.q ?? '', autocomplete: 'off', spellcheck: 'false',
      oninput: (/** @type {any} */ event) => set({ q: event.target.value }),
    }),
    choice('Status', filters.status ?? '', statuses(all), (status) => set({ status })),
    choice('Epic', filters.epic ?? '', epics(state, all), (epic) => set({ epic })),
    !state.past && h('label', { class: 'choice' },
      h('input', {
        type: 'checkbox', checked: filters.in === 'batch',
        onchange: (/** @type {any} */ event) => set({ in: event.target.checked ? 'batch' : '' }),
      }), 'In this batch'),
    h('span', { class: 'quiet-text story-count' },
      `${shown === all.length ? '' : `${shown} of `}${plural(all.length, 'story', 'stories')}`),
    isFiltered(filters) && h('button', { key: 'clear', class: 'quiet', onclick: () => clearFilters(app, view) }, 'Clear filters'),
    ...more);
}

/**
 * @param {string} label
 * @param {string} value
 * @param {[string, string][]} options - Value and text.
 * @param {(value: string) => void} set
 */
function choice(label, value, options, set) {
  // One that the address names and nobody has is shown all the same: it explains the empty list.
  const all = !value || options.some(([one]) => one === value) ? options : [...options, [value, value]];
  return h('label', { class: 'choice' }, h('span', { class: 'quiet-text' }, label),
    h('select', { class: 'story-choice', value, onchange: (/** @type {any} */ event) => set(event.target.value) },
      h('option', { key: ' all', value: '' }, 'All'),
      all.map(([one, text]) => h('option', { key: one, value: one }, text))));
}

/** @param {Row[]} all @returns {[string, string][]} */
function statuses(all) {
  const counts = new Map(STATUSES.map((status) => [status, 0]));
  for (const { status } of all) counts.set(columnOf(status), (counts.get(columnOf(status)) ?? 0) + 1);
  return [...counts].map(([status, count]) => [status, `${status === OTHER ? 'Other' : stateOf(status).word} (${count})`]);
}

/** @param {State} state @param {Row[]} all @returns {[string, string][]} */
function epics({ sprint }, all) {
  const titles = new Map((sprint?.epics ?? []).map(({ id, title }) => [id, title]));
  return [...new Set(all.map(({ epic }) => epic))].map((id) => {
    const title = titles.get(id);
    return [id, `${id || 'No epic'}${title ? ` – ${title.length > 40 ? `${title.slice(0, 39)}…` : title}` : ''}`];
  });
}
