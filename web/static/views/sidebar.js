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
 * @property {string} cycles
 * @property {string} age
 * @property {string} rest
 */
import { h } from '../core/dom.js';
import { ago, cost, duration, plural, stateOf } from '../core/format.js';
import { elapsed } from '../core/reducer.js';
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
        link(present(state), href({ view: seen(state), batch: null }), past === null)),
      ...batches.rows.filter(({ id }) => id !== board.batch_id).map((line) => h('li', {
        key: line.id, deps: [JSON.stringify(line), past?.batchId === line.id, minute, state.route.view,
          overview?.resumable?.batch_id === line.id],
      }, () => [link(over(line, state), href({ view: seen(state), batch: line.id }), past?.batchId === line.id)]))),
    batches.rows.length === 0 && board.batch_id === null && h('p', { class: 'sidebar-note' },
      batches.loading || !state.loaded ? 'Loading…' : 'No batch yet. Start makes the first one.'),
    batches.error && h('p', { class: 'fault' }, batches.error),
    batches.rows.length < batches.total && h('button', {
      class: 'quiet sidebar-more', disabled: batches.loading, title: `${batches.rows.length} of ${batches.total} are here`,
      onclick: () => app.feed.refreshBatches(MORE),
    }, batches.loading ? 'Loading…' : `Show more (${batches.total - batches.rows.length})`));
}

/** A view of one thing of another batch makes no sense here. @param {State} state */
function seen({ route }) {
  return route.view === 'command' || route.view === 'story' ? 'run' : route.view;
}

/** @param {State} state @returns {Row} */
function present(state) {
  const { board } = state.live;
  const runs = board.ended_at === null;
  return {
    ...look(board.state, /** @type {number} */ (board.batch_id), state), breathes: runs && board.state === 'running',
    cycles: cycles(board), age: board.ended_at === null ? 'now' : age(board.ended_at, state.now),
    rest: rest(Object.keys(board.stories).length, elapsed(board, state.now), cost(board.cost_usd, board.commands > 0)),
  };
}

/** @param {BatchLine} line @param {State} state @returns {Row} */
function over(line, state) {
  return {
    ...look(line.status, line.id, state), breathes: false, cycles: cycles(line),
    age: age(line.ended_at ?? line.started_at, state.now),
    rest: rest(line.story_count, line.duration_ms, cost(line.cost_usd, line.cost_usd > 0)),
  };
}

/** @param {string} status @param {number} id @param {State} state */
function look(status, id, { overview }) {
  const { icon, word, tone } = stateOf(status);
  if (overview?.resumable?.batch_id === id) return { id, icon, word: 'unfinished', tone: 'warning' };
  // The reason stands elsewhere.
  return { id, icon, word: status === 'waiting_limit' ? 'waiting' : word.toLowerCase(), tone };
}

/** @param {{cycles_completed: number, max_cycles: number | null}} batch */
function cycles({ cycles_completed, max_cycles }) {
  return `${cycles_completed}/${max_cycles ?? '∞'}`;
}

/** In its largest unit: `3 h`. @param {number} at @param {number} now */
function age(at, now) {
  const [value, unit] = ago(at, now).split(' ');
  // Drawn once a minute.
  return !unit || unit === 's' ? '<1 m' : `${value} ${unit}`;
}

/** @param {number} stories @param {number | null} took @param {string} spent */
function rest(stories, took, spent) {
  return `${plural(stories, 'story', 'stories')} · ${duration(took)} · ${spent}`;
}

/** @param {Row} row @param {string} address @param {boolean} current */
function link({ id, icon, word, tone, breathes, cycles: done, age: old, rest: more }, address, current) {
  return h('a', { class: 'batch', href: address, 'aria-current': current ? 'true' : null,
    title: `Batch ${id}, ${word}${old === 'now' ? '' : `, ended ${old} ago`}` },
    h('span', { class: 'state batch-id', 'data-tone': tone },
      h('span', { 'aria-hidden': 'true', class: breathes ? 'breathing' : '' }, icon), String(id)),
    h('span', { class: 'batch-what cut' }, done, ' ', h('span', { class: 'batch-word', 'data-tone': tone }, word)),
    h('span', { class: 'batch-age quiet-text' }, old, old !== 'now' && h('span', { class: 'hidden' }, ' ago')),
    h('span', { class: 'batch-more quiet-text cut' }, more));
}
