/**
 * The board: epics with their stories by status. Each epic is drawn again only when something of it has changed.
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
import { shown, time } from '../core/scene.js';
import { columnOf, descriptionOf, filtered, groups, OTHER, rows, STATUSES } from '../core/stories.js';
import { meter, state as stateWord } from './parts.js';
import { storyCard } from './story_card.js';
import { filtersOf, isFiltered, storyFilters } from './story_filters.js';
import { noMatch, stale, without } from './story_states.js';
import { tip } from './story_tip.js';

/** Shorter than the words of the statuses. @type {Record<string, string>} */
const HEADS = { 'ready-for-dev': 'Ready', [OTHER]: 'Other' };

/** @type {import('./page.js').View} */
export function board(state, app) {
  const all = rows(state);
  const missing = without(state, all);
  if (missing) return [...heading(state), missing];
  const filters = filtersOf(state, 'board');
  const visible = filtered(all, filters);
  const narrowed = isFiltered(filters);
  const epics = groups(visible, state).filter((group) => group.rows.length > 0 || !narrowed);
  const whole = new Map(groups(all, state).map((group) => [group.id, group]));
  const columns = [...STATUSES, ...(all.some(({ status }) => columnOf(status) === OTHER) ? [OTHER] : [])];
  const counts = new Map(columns.map((column) => [column, visible.filter(({ status }) => columnOf(status) === column).length]));
  const next = epics.find((epic) => epic.rows.some(({ status }) => status !== 'done'))?.id;
  const opened = new Map(epics.map((epic) => [epic.id, isOpen(state, epic, next, narrowed)]));
  return [
    ...heading(state),
    storyFilters(state, app, 'board', all, visible.length, toggleAll(app, opened)),
    visible.length === 0 ? noMatch(app, 'board') : h('div', {
      key: 'board', class: 'board', style: { '--lanes': columns.map((column) => (counts.get(column) ? 'minmax(0, 1fr)' : '104px')).join(' ') },
    },
      h('div', { key: 'heads', class: 'lane-heads', 'aria-hidden': 'true' }, columns.map((column) => head(column, counts.get(column) ?? 0))),
      epics.map((epic) => section(state, app, epic, whole.get(epic.id) ?? epic, columns, opened.get(epic.id) ?? false))),
    tip(state, app, (key) => {
      const row = visible.find((one) => one.key === key);
      return row ? { title: row.key, text: descriptionOf(state.descriptions, row) } : null;
    }),
  ];
}

/** @param {State} state @param {App} app @returns {import('../core/keys.js').Keys} */
export function boardKeys(state, app) {
  return {
    j: { help: 'Next story', run: () => rove('.board .card-link', 1) },
    k: { help: 'Story before', run: () => rove('.board .card-link', -1) },
    x: { help: 'Expand or collapse all epics', run: () => document.getElementById('toggle-epics')?.click() },
  };
}

/** @param {State} state @returns {Child[]} */
function heading(state) {
  const { board: shownBoard } = shown(state);
  return [
    h('h2', { key: 'h', class: 'hidden' }, 'Board'),
    stale(state),
    state.past && h('p', { key: 'past', class: 'quiet-text story-note' },
      `The stories of batch ${state.past.batchId}, as ${shownBoard.ended_at === null || state.past.player ? 'they stood at this moment' : 'it left them'}. How they stand now is on the live board.`),
  ];
}

/** @param {State} state @param {Group} epic @param {string | undefined} next - The epic that is to be done next. @param {boolean} narrowed */
function isOpen({ prefs, past }, epic, next, narrowed) {
  const wish = prefs.expanded[`board:${epic.id}`];
  if (wish !== undefined) return wish;
  return narrowed || past !== null || epic.id === next || epic.rows.some(({ status, inBatch }) => inBatch || !['done', 'backlog'].includes(status));
}

/** @param {App} app @param {Map<string, boolean>} opened */
function toggleAll(app, opened) {
  const open = [...opened.values()].some((one) => !one);
  return h('button', {
    key: 'all', id: 'toggle-epics', class: 'quiet', 'aria-keyshortcuts': 'x', onclick: () => expand(app, [...opened.keys()], open),
  }, open ? 'Expand all' : 'Collapse all');
}

/** @param {App} app @param {string[]} ids @param {boolean} open */
function expand({ store }, ids, open) {
  const { prefs } = store.state;
  const changes = Object.fromEntries(ids.map((id) => [`board:${id}`, open]));
  store.set({ prefs: { ...prefs, expanded: { ...prefs.expanded, ...changes } } });
}

/** @param {string} column @param {number} count */
function head(column, count) {
  const { icon, word, tone } = stateOf(column);
  return h('div', { key: column, class: 'lane-head', 'data-empty': count === 0 || null, title: word },
    h('span', { class: 'state', 'data-tone': tone }, icon), h('span', { class: 'cut' }, HEADS[column] ?? word), h('span', { class: 'quiet-text' }, count));
}

/**
 * @param {State} state
 * @param {App} app
 * @param {Group} epic - With the stories that are shown.
 * @param {Group} whole
 * @param {string[]} columns
 * @param {boolean} open
 */
function section(state, app, epic, whole, columns, open) {
  const now = time(state);
  // Only where something runs is there anything that a second changes.
  const tick = open && epic.rows.some(({ since }) => since !== null) ? Math.floor(now / 1000) : 0;
  const batch = state.past?.batchId ?? null;
  return h('section', {
    key: `epic ${epic.id}`, class: 'epic', 'aria-label': `Epic ${epic.id} ${epic.title}`,
    deps: [epic.title, epic.status, whole.done, whole.rows.length, columns.length, open, tick, batch, state.descriptions, ...epic.rows],
  }, () => [
    epicHead(app, epic, whole, open),
    open && h('div', { key: 'lanes', class: 'lanes' }, columns.map((column) => {
      const own = epic.rows.filter(({ status }) => columnOf(status) === column);
      const { icon, word, tone } = stateOf(column);
      return h('div', { key: column, class: 'lane', 'data-empty': own.length === 0 || null },
        own.length > 0 && h('h4', { class: 'lane-name' }, h('span', { class: 'state', 'data-tone': tone, 'aria-hidden': 'true' }, icon), ` ${HEADS[column] ?? word} `, h('span', { class: 'quiet-text' }, own.length)),
        own.length > 0 && h('ul', { class: 'cards' }, own.map((row) => storyCard(row, { app, batch, now, description: descriptionOf(state.descriptions, row) }))));
    })),
  ]);
}

/** @param {App} app @param {Group} epic @param {Group} whole @param {boolean} open */
function epicHead(app, epic, whole, open) {
  const total = whole.rows.length;
  const say = (/** @type {string} */ status) => whole.rows.filter((row) => row.status === status).length;
  const running = whole.rows.filter((row) => row.running.length > 0).length;
  return h('div', { key: 'head', class: 'epic-head' },
    h('h3', { class: 'epic-title' },
      h('button', {
        class: 'quiet epic-toggle', 'aria-expanded': String(open), title: 'Shift-click: all epics',
        onclick: (/** @type {MouseEvent} */ event) => {
          const ids = event.shiftKey ? groups(rows(app.store.state), app.store.state).map(({ id }) => id) : [epic.id];
          expand(app, ids, !open);
        },
      }, h('span', { class: 'epic-arrow', 'aria-hidden': 'true' }, '▸'),
      h('span', { class: 'key' }, epic.id || 'No epic'), h('span', { class: 'cut' }, epic.title || (epic.id ? `Epic ${epic.id}` : '')))),
    running > 0 && h('span', { key: 'running', class: 'state', 'data-tone': 'running' }, h('span', { class: 'breathing', 'aria-hidden': 'true' }, '◐'), plural(running, 'story', 'stories'), ' running'),
    say('blocked') > 0 && h('span', { key: 'blocked', class: 'state', 'data-tone': 'error' }, h('span', { 'aria-hidden': 'true' }, '⊘'), `${say('blocked')} blocked`),
    h('span', { key: 'space', class: 'grow' }),
    epic.status && stateWord(epic.status),
    meter(`Epic ${epic.id}: stories done`, whole.done, total, whole.done === total ? 'success' : 'running'),
    h('span', { key: 'done', class: 'epic-done' }, `${whole.done}/${total} done`));
}
