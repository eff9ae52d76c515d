/**
 * The batches: the present one on top with its live figures, then the past, page by page. Beside the views or above them
 * it is there or not, as the person likes it; on a narrow page it is a drawer that is opened for one choice.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').BatchLine} BatchLine
 */
import { h } from '../core/dom.js';
import { cost, duration, moment, plural, stateOf } from '../core/format.js';
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
  store.set(narrow.matches ? { overlay: overlay === 'drawer' ? '' : 'drawer' } : { prefs: { ...prefs, sidebar: !prefs.sidebar } });
}

/** @param {State} state @param {App} app */
export function sidebar(state, app) {
  if (!batchesShown(state)) return null;
  const { batches, live: { board }, past } = state;
  const minute = Math.floor(state.now / 60_000);
  const close = () => app.store.set({ overlay: '' });
  const drawer = narrow.matches && {
    id: 'drawer', mount: (/** @type {HTMLElement} */ node) => opened(node, 'drawer', app),
    onclick: (/** @type {any} */ { target }) => target.closest('a') && close(),
  };
  return h('nav', { key: drawer ? 'drawer' : 'sidebar', class: 'sidebar', 'aria-label': 'Batches', ...drawer },
    h('div', { class: 'sidebar-head' },
      drawer && h('button', { class: 'quiet icon', 'aria-label': 'Close', title: 'Close (Esc)', onclick: close }, '×'),
      h('h2', { class: 'sidebar-title' }, 'Batches')),
    h('ul', { class: 'batches' },
      board.batch_id !== null && h('li', { key: 'live' }, present(state)),
      ...batches.rows.filter(({ id }) => id !== board.batch_id).map((line) => h('li', {
        key: line.id, deps: [JSON.stringify(line), past?.batchId === line.id, minute, state.route.view],
      }, () => [row(line, state)]))),
    batches.rows.length === 0 && board.batch_id === null && h('p', { class: 'sidebar-note' }, batches.loading ? 'Loading…' : 'No batch yet.'),
    batches.error && h('p', { class: 'fault' }, batches.error),
    batches.rows.length < batches.total && h('button', { class: 'quiet', disabled: batches.loading, onclick: () => app.feed.refreshBatches(MORE) },
      batches.loading ? 'Loading…' : `${batches.total - batches.rows.length} more`));
}

/** @param {State} state */
function present(state) {
  const { board } = state.live;
  const over = board.ended_at !== null;
  const { icon, word, tone } = stateOf(board.state);
  return h('a', { class: 'batch', href: href({ view: seen(state), batch: null }), 'aria-current': state.past ? null : 'true' },
    h('span', { class: 'state', 'data-tone': tone }, h('span', { 'aria-hidden': 'true', class: over ? '' : 'breathing' }, icon), String(board.batch_id)),
    h('span', { class: 'batch-what' }, `${board.cycles_completed}/${board.max_cycles ?? '∞'} ${over ? word.toLowerCase() : 'now'}`),
    h('span', { class: 'batch-more quiet-text' }, `${plural(Object.keys(board.stories).length, 'story', 'stories')} · ${duration(elapsed(board, state.now))} · ${cost(board.cost_usd, board.commands > 0)}`));
}

/** A view of one thing of another batch makes no sense here. @param {State} state */
function seen({ route }) {
  return route.view === 'command' || route.view === 'story' ? 'run' : route.view;
}

/** @param {BatchLine} line @param {State} state */
function row(line, state) {
  const { icon, word, tone } = stateOf(line.status);
  return h('a', { class: 'batch', href: href({ view: seen(state), batch: line.id }), 'aria-current': state.past?.batchId === line.id ? 'true' : null },
    h('span', { class: 'state', 'data-tone': tone }, h('span', { 'aria-hidden': 'true' }, icon), String(line.id)),
    h('span', { class: 'batch-what' }, `${line.cycles_completed}/${line.max_cycles ?? '∞'} ${word.toLowerCase()}`),
    h('span', { class: 'batch-more quiet-text' }, `${plural(line.story_count, 'story', 'stories')} · ${duration(line.duration_ms)} · ${cost(line.cost_usd, line.cost_usd > 0)} · ${moment(line.started_at, state.now)}`));
}
