/**
 * The batches: the present one on top with its live figures, then the past, page by page. Beside the views or above them
 * it is there or not, as the person likes it; on a narrow page it is a drawer that is opened for one choice.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').BatchLine} BatchLine
 * @typedef {object} Row - What a batch is shown with.
 * @property {number} id
 * @property {string} icon
 * @property {string} word
 * @property {string} tone
 * @property {boolean} breathes
 * @property {string} age
 * @property {string} rest - How far it is, and what it cost.
 * @property {string} took
 */
import { unfinished } from '../core/at_work.js';
import { h } from '../core/dom.js';
import { ago, cost, moment, plural, stateOf } from '../core/format.js';
import { cycles } from '../core/headway.js';
import { href } from '../core/router.js';
import { opened } from './menu.js';

const MORE = 20;
const narrow = matchMedia('(max-width: 899px)');

/** @param {State} state */
export function batchesShown({ overlay, prefs }) {
  return narrow.matches ? overlay === 'drawer' : prefs.sidebar;
}

/** @param {App} app */
export function toggleBatches({ store }) {
  const { overlay, prefs } = store.state;
  store.set(narrow.matches ? { overlay: overlay === 'drawer' ? '' : 'drawer' }
    : { prefs: { ...prefs, sidebar: !prefs.sidebar } });
}

/** @param {State} state @param {App} app */
export function sidebar(state, app) {
  if (!batchesShown(state)) return null;
  const { batches, live: { board }, past, overview } = state;
  const minute = Math.floor(state.now / 60_000);
  const close = () => app.store.set({ overlay: '' });
  const drawer = narrow.matches && {
    id: 'drawer', mount: (/** @type {HTMLElement} */ node) => opened(node, 'drawer', app),
    onclick: (/** @type {any} */ { target }) => target.closest('a') && close(),
  };
  return h('nav', { key: drawer ? 'drawer' : 'sidebar', class: 'sidebar', 'aria-label': 'Batches', ...drawer },
    h('div', { class: 'sidebar-head' },
      h('h2', { class: 'sidebar-title' }, 'Batches'),
      h('span', { class: 'quiet-text sidebar-count' }, batches.total > 0 && batches.total),
      drawer && h('button', { class: 'quiet icon', 'aria-label': 'Close', title: 'Close (Esc)', onclick: close }, '×')),
    h('ul', { class: 'batches' },
      board.batch_id !== null && h('li', { key: 'live' },
        link(present(state), null, state)),
      ...batches.rows.filter(({ id }) => id !== board.batch_id).map((line) => h('li', {
        key: line.id, deps: [JSON.stringify(line), past?.batchId === line.id, minute, state.route.view,
          overview?.resumable?.batch_id === line.id],
      }, () => [link(over(line, state), line.id, state)]))),
    batches.rows.length === 0 && board.batch_id === null && h('p', { class: 'sidebar-note' },
      batches.loading || !state.loaded ? 'Loading…' : 'No batch yet. Start makes the first one.'),
    batches.error && h('p', { class: 'fault' }, batches.error),
    batches.rows.length < batches.total && h('button', {
      class: 'quiet sidebar-more', disabled: batches.loading, title: `${batches.rows.length} of ${batches.total} are here`,
      onclick: () => app.feed.refreshBatches(MORE),
    }, batches.loading ? 'Loading…' : `Show more (${batches.total - batches.rows.length})`));
}

/**
 * Where a choice leads: to the same view of that batch. A view of one thing of another batch makes no sense there, and who
 * chooses the batch that is shown already wants to see what it did.
 * @param {State} state
 * @param {boolean} isShown
 */
function seen({ route }, isShown) {
  return isShown || route.view === 'command' || route.view === 'story' ? 'run' : route.view;
}

/** @param {State} state @returns {Row} */
function present(state) {
  const { board } = state.live;
  const runs = board.ended_at === null;
  return {
    ...look(board.state, /** @type {number} */ (board.batch_id), state), breathes: runs && board.state === 'running',
    age: board.ended_at === null ? 'now' : age(board.ended_at, state.now),
    rest: `${cycles(board)} · ${cost(board.cost_usd, board.commands > 0)}`,
    took: took(Object.keys(board.stories).length, board.ended_at, state.now),
  };
}

/** @param {BatchLine} line @param {State} state @returns {Row} */
function over(line, state) {
  return {
    ...look(line.status, line.id, state), breathes: false, age: age(line.ended_at ?? line.started_at, state.now),
    rest: `${cycles({ ...line, state: line.status })} · ${cost(line.cost_usd, line.cost_usd > 0)}`,
    took: took(line.story_count, line.ended_at, state.now),
  };
}

/** @param {string} status @param {number} id @param {State} state */
function look(status, id, state) {
  const { icon, word, tone } = stateOf(status);
  if (unfinished(state)?.batch_id === id) return { id, icon, word: 'unfinished', tone: 'warning' };
  // The reason stands elsewhere.
  return { id, icon, word: status === 'waiting_limit' ? 'waiting' : word.toLowerCase(), tone };
}

/** In its largest unit: `3 h`. @param {number} at @param {number} now */
function age(at, now) {
  const [value, unit] = ago(at, now).split(' ');
  // Drawn once a minute.
  return !unit || unit === 's' ? '<1 m' : `${value} ${unit}`;
}

/** @param {number} stories @param {number | null} ended @param {number} now */
function took(stories, ended, now) {
  return `it took ${plural(stories, 'story', 'stories')}${ended === null ? '' : `, ended ${moment(ended, now)}`}`;
}

/** @param {Row} row @param {number | null} batch - null: the present one. @param {State} state */
function link({ id, icon, word, tone, breathes, age: old, rest, took: title }, batch, state) {
  const isShown = batch === (state.past?.batchId ?? null);
  return h('a', { class: 'batch', href: href({ view: seen(state, isShown), batch }), 'aria-current': isShown ? 'true' : null,
    title: `Batch ${id}, ${word}: ${title}` },
    h('span', { class: 'state batch-id', 'data-tone': tone },
      h('span', { 'aria-hidden': 'true', class: breathes ? 'breathing' : '' }, icon), String(id)),
    h('span', { class: 'batch-word cut', 'data-tone': tone }, word),
    h('span', { class: 'batch-age quiet-text' }, old, old !== 'now' && h('span', { class: 'hidden' }, ' ago')),
    h('span', { class: 'batch-more quiet-text cut' }, rest));
}
