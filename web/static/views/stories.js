/**
 * All stories as a table, sorted by any column. Few rows flow with the page; of many only those in sight are there.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/story_order.js').Column} Column
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { cost, duration, stateOf, tokens } from '../core/format.js';
import { rove } from '../core/keys.js';
import { go, href } from '../core/router.js';
import { time } from '../core/scene.js';
import { filtered, rows } from '../core/stories.js';
import { phaseWord } from '../core/story_phases.js';
import { sorted, sorting } from '../core/story_order.js';
import { virtualList } from '../core/virtual.js';
import { state as stateWord } from './parts.js';
import { filtersOf, storyFilters } from './story_filters.js';
import { noMatch, stale, without } from './story_states.js';
import { lasting } from './story_time.js';

const MOST_FLOWING = 300;
/** Of rows with one line, and with two in a narrow window: as `story.css` has it. */
const HEIGHTS = { wide: 33, narrow: 52 };
/** @type {[Column, string, boolean, string][]} - Column, title, whether it is numbers, and what it says. */
const HEADS = [
  ['key', 'Id', false, 'The order of the sprint'], ['title', 'Title', false, ''], ['epic', 'Epic', false, ''],
  ['status', 'Status', false, ''], ['phase', 'Phase', false, 'Where the story stands in its cycle'],
  ['reviews', 'Reviews', true, 'Code reviews in this batch'],
  ['duration', 'Duration', true, 'In this batch; in earlier ones of a story that it does not have'],
  ['cost', 'Cost', true, 'In this batch'], ['tokens', 'Tokens', true, 'In this batch'],
];

/** @type {import('./page.js').View} */
export function stories(state, app) {
  const all = rows(state);
  const heading = h('h2', { key: 'h', class: 'hidden' }, 'Stories');
  const missing = without(state, all, app);
  if (missing) return [heading, missing];
  const now = time(state);
  const visible = filtered(all, filtersOf(state, 'stories'));
  const { column, down } = sorting(state.route.filters.sort, state.prefs);
  const listed = sorted(visible, column, down, now);
  return [
    heading,
    stale(state),
    state.past && h('p', { key: 'past', class: 'quiet-text story-note' }, `The stories of batch ${state.past.batchId}.`),
    storyFilters(state, app, 'stories', all, visible.length),
    listed.length === 0 ? noMatch(app, 'stories') : h('div', {
      key: 'table', class: 'stories', role: 'table', 'aria-label': 'Stories', 'aria-rowcount': listed.length + 1,
    }, heads(app, column, down), body(state, listed, now)),
  ];
}

/** @returns {import('../core/keys.js').Keys} */
export function storiesKeys() {
  return {
    j: { help: 'Next story', run: () => rove('.stories .story-link', 1) },
    k: { help: 'Story before', run: () => rove('.stories .story-link', -1) },
  };
}

/** @param {App} app @param {Column} column @param {boolean} down */
function heads(app, column, down) {
  return h('div', { key: 'heads', class: 'stories-head', role: 'rowgroup' },
    h('div', { class: 'stories-row', role: 'row', 'aria-rowindex': '1' }, HEADS.map(([name, title, numbers, help]) => h('div', {
      key: name, role: 'columnheader', class: numbers ? 'right' : '', 'data-column': name,
      'aria-sort': name === column ? (down ? 'descending' : 'ascending') : 'none',
    },
      h('button', { class: 'quiet', title: help || null, onclick: () => sortBy(app, name, name === column ? !down : false) },
        title, h('span', { class: 'stories-arrow', 'aria-hidden': 'true' }, name === column ? (down ? '▾' : '▴') : ''))))));
}

/** @param {App} app @param {Column} column @param {boolean} down */
function sortBy({ store }, column, down) {
  const { route, prefs } = store.state;
  store.set({ prefs: { ...prefs, sort: column, sortDown: down } });
  go({ ...route, filters: { ...route.filters, sort: `${down ? '-' : ''}${column}` } }, { replace: true });
}

/** @param {State} state @param {Row[]} listed @param {number} now */
function body(state, listed, now) {
  const batch = state.past?.batchId ?? null;
  const one = (/** @type {number} */ index) => line(listed[index], index, batch, now);
  if (listed.length <= MOST_FLOWING) {
    return h('div', { key: 'body', class: 'stories-body', role: 'rowgroup' }, listed.map((_, index) => one(index)));
  }
  const rowHeight = matchMedia('(max-width: 520px)').matches ? HEIGHTS.narrow : HEIGHTS.wide;
  return virtualList({
    id: 'stories-body', class: 'stories-body', role: 'rowgroup', label: 'Stories', count: listed.length, rowHeight, row: one,
    deps: [batch, Math.floor(now / 1000), rowHeight, ...listed],
  });
}

/** @param {Row} row @param {number} index @param {number | null} batch @param {number} now */
function line(row, index, batch, now) {
  const second = row.since === null ? 0 : Math.floor(now / 1000);
  return h('div', {
    key: row.key, class: 'stories-row', role: 'row', 'aria-rowindex': index + 2, deps: [row, index, batch, second],
  }, () => [
    cell('key', h('span', { class: 'key' }, row.short)),
    cell('title', h('a', {
      class: 'story-link', href: href({ view: 'story', story: row.key, batch }), title: `${row.key}: ${row.title}`,
    }, row.title)),
    cell('epic', row.epic || '–'),
    cell('status', stateWord(row.status)),
    cell('phase', phase(row)),
    cell('reviews', row.reviews || '–'),
    cell('duration', took(row, now)),
    cell('cost', cost(row.cost)),
    cell('tokens', tokens(row.tokens)),
  ]);
}

/** @param {Column} column @param {Child} content */
function cell(column, content) {
  const numbers = HEADS.some(([name, , isNumber]) => name === column && isNumber);
  const quiet = content === '–' ? ' quiet-text' : '';
  return h('div', { key: column, role: 'cell', 'data-column': column, class: `${numbers ? 'right' : 'cut'}${quiet}` }, content);
}

/** @param {Row} row @param {number} now @returns {Child} */
function took({ since, duration: took, inBatch }, now) {
  if (since !== null) return lasting(since, now);
  if (inBatch || took === null) return duration(took);
  return h('span', { class: 'quiet-text', title: 'In earlier batches' }, duration(took));
}

/** Where it stands, or why it does not go on. @param {Row} row @returns {Child} */
function phase(row) {
  if (row.status === 'blocked') return h('span', { class: 'stories-reason', title: row.reason }, row.reason || '–');
  const stands = row.phases[row.phases.length - 1];
  if (!stands) return '–';
  const running = row.running.find(({ background }) => !background);
  if (!running) return phaseWord(stands);
  const { icon, tone } = stateOf('running');
  return h('span', { class: 'state', 'data-tone': tone, title: running.doing },
    h('span', { class: 'breathing', 'aria-hidden': 'true' }, icon), running.command);
}
