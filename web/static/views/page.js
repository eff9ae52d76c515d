/**
 * The page: what stands where. Each part is drawn by a module of its own from the state alone.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {{store: import('../core/store.js').Store, feed: import('../core/feed.js').Feed, history: import('../core/history.js').History}} App
 *   What views act with.
 * @typedef {(state: State, app: App) => Child[]} View
 */
import { h } from '../core/dom.js';
import { moving } from '../core/keys.js';
import { back, go, href, tab, VIEWS } from '../core/router.js';
import { isLost, trouble } from '../core/trouble.js';
import { lost } from './connection.js';
import { header, headerKeys } from './header.js';
import { help } from './help.js';
import { viewOf } from './lazy.js';
import { now } from './now.js';
import { attempt, part } from './part.js';
import { past } from './past.js';
import { progress } from './progress.js';
import { sidebar } from './sidebar.js';
import { toasts } from './toasts.js';

/** @type {Record<string, string>} */
const TITLES = {
  run: 'Run', board: 'Board', stories: 'Stories', timeline: 'Timeline', supervision: 'Supervision', activity: 'Activity', settings: 'Settings',
  story: 'Story', command: 'Command',
};
/** The letter after `g`. */
const LETTERS = { r: 'run', b: 'board', s: 'stories', t: 'timeline', v: 'supervision', a: 'activity', e: 'settings' };

/** @type {View} */
export function page(state, app) {
  const { line, loaded } = state;
  const stale = loaded && line.state !== 'live';
  return [
    ...part('bar', () => header(state, app)),
    lost(state, app),
    h('div', { key: 'body', class: `body ${state.prefs.sidebar ? '' : 'without-sidebar'}`, 'data-stale': stale || null },
      ...part('list of batches', () => sidebar(state, app)),
      h('main', { class: 'main' },
        ...part('past batch', () => past(state, app)),
        ...part('progress', () => progress(state)),
        ...part('present', () => now(state, app)),
        tabs(state),
        shown(state, app))),
    ...part('messages', () => toasts(state, app)),
    ...part('help', () => help(state, app, keys(state, app))),
  ];
}

/** @param {State} state @param {App} app */
function shown(state, app) {
  const { view: name } = state.route;
  const view = viewOf(name, app);
  return h('div', { id: 'view', key: `view ${name}`, class: `view view-${name}`, role: 'tabpanel', tabindex: '-1', 'aria-label': TITLES[name] },
    ...part('view', () => (view && state.loaded ? view.view(state, app) : loading(state))));
}

/** What stands where nothing can be shown yet. @param {State} state @returns {Child[]} */
function loading(state) {
  const [title, text] = wait(state);
  return [h('div', { class: 'empty', role: 'status' }, h('h2', null, title), text && h('p', null, text))];
}

/** @param {State} state */
function wait({ loaded, loadError, line }) {
  if (loaded) return ['Loading the view…', line.state === 'live' ? '' : 'It comes as soon as the connection is back.'];
  if (isLost(line)) return Object.values(trouble(line));
  return loadError ? ['The sprint could not be loaded', `${loadError} It is tried again.`] : ['Loading the sprint…', ''];
}

/** @param {State} state */
function tabs({ route, past }) {
  const batch = past?.batchId ?? null;
  return h('nav', { key: 'tabs', class: 'tabs', 'aria-label': 'Views' },
    VIEWS.map((name) => h('a', {
      key: name, class: 'tab', href: href({ view: name, batch }), 'aria-current': tab(route) === name ? 'page' : null,
    }, TITLES[name], tab(route) === name && h('span', { key: 'here', mount: comeIntoSight }))));
}

/** The tab of this view, where not all of them fit. @param {HTMLElement} here */
function comeIntoSight(here) {
  // It is in the document only when the whole page is drawn.
  queueMicrotask(() => {
    const [one, all] = [here.parentElement, here.closest('nav')];
    if (one && all) all.scrollLeft = one.offsetLeft - (all.clientWidth - one.offsetWidth) / 2;
  });
}

/**
 * The keys that hold now.
 * @param {State} state
 * @param {App} app
 * @returns {Keys}
 */
export function keys(state, app) {
  const batch = state.past?.batchId ?? null;
  /** @type {Keys} */
  const goes = Object.fromEntries(Object.entries(LETTERS).map(
    ([letter, view]) => [`g ${letter}`, { help: TITLES[view], run: () => go({ view, batch }) }],
  ));
  return {
    ...goes,
    ...headerKeys(state, app),
    ...moving(attempt('keys', () => viewOf(state.route.view, app)?.keys?.(state, app), () => undefined) ?? {}),
    '/': { help: 'Search in this view', run: () => /** @type {HTMLElement | null} */ (document.querySelector('#view [type=search]'))?.focus() },
    '?': { help: 'This help', run: () => app.store.set({ overlay: 'help' }) },
    Escape: { help: 'Close, leave', run: () => escape(state, app) },
  };
}

/** @param {State} state @param {App} app */
function escape(state, app) {
  const active = /** @type {HTMLElement | null} */ (document.activeElement);
  if (state.overlay) app.store.set({ overlay: '' });
  else if (active?.matches('input, select, textarea')) active.blur();
  else if (state.route.view === 'command' || state.route.view === 'story') back();
}
