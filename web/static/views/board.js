/**
 * The board: epics with their stories by status.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/stories.js').Group} Group
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { plural, stateOf } from '../core/format.js';
import { rove } from '../core/keys.js';
import { shown } from '../core/scene.js';
import { columnOf, descriptionOf, filtered, groups, OTHER, rows, STATUSES } from '../core/stories.js';
import { columnWord, epicSection, expand } from './board_epic.js';
import { filtersOf, isFiltered, storyFilters } from './story_filters.js';
import { noMatch, stale, without } from './story_states.js';
import { tip } from './story_tip.js';

/** More epics that are done than this are folded into one line. */
const MOST_FINISHED = 2;
const FINISHED = 'board: finished';

/** @type {import('./page.js').View} */
export function board(state, app) {
  const all = rows(state);
  const missing = without(state, all, app);
  if (missing) return [...heading(state), missing];
  const filters = filtersOf(state, 'board');
  const visible = filtered(all, filters);
  const narrowed = isFiltered(filters);
  const epics = groups(visible, state).filter((group) => group.rows.length > 0 || !narrowed);
  const finished = narrowed || state.past ? [] : foldable(epics);
  const opened = openedOf(state, epics, narrowed);
  return [
    ...heading(state),
    storyFilters(state, app, 'board', all, visible.length, toggleAll(app, opened, finished.length > 0)),
    visible.length === 0 ? noMatch(app, 'board') : lanes(state, app, { all, visible, epics, finished, opened }),
    tip(state, app, (key) => {
      const row = visible.find((one) => one.key === key);
      return row ? { title: row.key, text: descriptionOf(state.descriptions, row) } : null;
    }),
  ];
}

/** @returns {import('../core/keys.js').Keys} */
export function boardKeys() {
  return {
    j: { help: 'Next story', run: () => rove('.board .story-card-link', 1) },
    k: { help: 'Story before', run: () => rove('.board .story-card-link', -1) },
    x: { help: 'Expand or collapse all epics', run: () => document.getElementById('toggle-epics')?.click() },
  };
}

/** @param {State} state @returns {Child[]} */
function heading(state) {
  const { past } = state;
  const how = shown(state).board.ended_at === null || past?.player ? 'they stood at this moment' : 'it left them';
  return [
    h('h2', { key: 'h', class: 'hidden' }, 'Board'),
    stale(state),
    past?.scene && h('p', { key: 'past', class: 'quiet-text' },
      `The stories of batch ${past.batchId}, as ${how}. How they stand now is on the live board.`),
  ];
}

/** Epics that are done and were not touched by the batch, if there are many. @param {Group[]} epics */
function foldable(epics) {
  const isDone = (/** @type {Row} */ { status, inBatch }) => status === 'done' && !inBatch;
  const done = epics.filter(({ rows: some }) => some.length > 0 && some.every(isDone));
  return done.length > MOST_FINISHED ? done : [];
}

/**
 * Which epics are open: as somebody wished it, else those in which something goes on, and the next one.
 * @param {State} state @param {Group[]} epics @param {boolean} narrowed
 */
function openedOf({ prefs, past }, epics, narrowed) {
  const next = epics.find((epic) => epic.rows.some(({ status }) => status !== 'done'))?.id;
  return new Map(epics.map(({ id, rows: some }) => {
    const busy = some.some(({ status, inBatch }) => inBatch || !['done', 'backlog'].includes(status));
    return [id, prefs.expanded[`board:${id}`] ?? (narrowed || past !== null || id === next || busy)];
  }));
}

/** @param {App} app @param {Map<string, boolean>} opened @param {boolean} some - Whether some are folded into one line. */
function toggleAll(app, opened, some) {
  const open = [...opened.values()].some((one) => !one);
  const names = [...opened.keys()].map((id) => `board:${id}`);
  return h('button', {
    key: 'all', id: 'toggle-epics', class: 'quiet', 'aria-keyshortcuts': 'x',
    onclick: () => expand(app, some ? [...names, FINISHED] : names, open),
  }, open ? 'Expand all' : 'Collapse all');
}

/**
 * @param {State} state
 * @param {App} app
 * @param {{all: Row[], visible: Row[], epics: Group[], finished: Group[], opened: Map<string, boolean>}} what
 */
function lanes(state, app, { all, visible, epics, finished, opened }) {
  const whole = new Map(groups(all, state).map((group) => [group.id, group]));
  const columns = all.some(({ status }) => columnOf(status) === OTHER) ? [...STATUSES, OTHER] : STATUSES;
  const counts = new Map(columns.map((column) => [column, visible.filter(({ status }) => columnOf(status) === column).length]));
  const folded = finished.length > 0 && !state.prefs.expanded[FINISHED];
  const listed = folded ? epics.filter((epic) => !finished.includes(epic)) : epics;
  return h('div', { key: 'board', class: 'board', style: { '--lanes': String(columns.length) } },
    h('div', { key: ' heads', class: 'board-heads', 'aria-hidden': 'true' },
      columns.map((column) => head(column, counts.get(column) ?? 0))),
    finished.length > 0 && finishedRow(app, finished, !folded),
    listed.map((epic) => epicSection(state, app, epic, whole.get(epic.id) ?? epic, columns, opened.get(epic.id) ?? false)));
}

/** @param {string} column @param {number} count */
function head(column, count) {
  const { icon, tone } = stateOf(column);
  return h('div', { key: column, class: 'board-head', 'data-empty': count === 0 || null },
    h('span', { class: 'state', 'data-tone': tone }, icon), h('span', { class: 'cut' }, columnWord(column)),
    h('span', { class: 'quiet-text' }, count));
}

/** @param {App} app @param {Group[]} finished @param {boolean} open */
function finishedRow(app, finished, open) {
  const count = finished.reduce((sum, { rows: some }) => sum + some.length, 0);
  return h('button', {
    key: ' finished', class: 'epic-finished', 'aria-expanded': String(open), onclick: () => expand(app, [FINISHED], !open),
  },
    h('span', { class: 'epic-arrow', 'aria-hidden': 'true' }, '▸'),
    h('span', { class: 'state', 'data-tone': 'success', 'aria-hidden': 'true' }, '✓'),
    `${plural(finished.length, 'epic')} done`, h('span', { class: 'quiet-text' }, plural(count, 'story', 'stories')));
}
