/** The beginning: the state, the feed that keeps it up to date, and the page that is drawn from it. */
import { patch } from './core/dom.js';
import { EventLog } from './core/event_log.js';
import { Feed } from './core/feed.js';
import { Keyboard } from './core/keys.js';
import * as prefs from './core/prefs.js';
import { arrived, parse, tab } from './core/router.js';
import { NOTHING } from './core/scene.js';
import { Store } from './core/store.js';
import { History } from './core/history.js';
import { keys, page } from './views/page.js';

/** @typedef {import('./core/types.js').State} State */

/** @returns {State} */
function beginning() {
  const kept = prefs.load();
  return {
    live: NOTHING, log: new EventLog(), logVersion: 0,
    line: { state: 'connecting', since: Date.now(), from: performance.now(), retryAt: 0, cause: '', latency: null },
    loaded: false, loadError: '', overview: null, health: null, sprint: null, sprintError: null, descriptions: {},
    batches: { rows: [], total: 0, loading: false, error: '' }, plan: null, past: null,
    route: parse(location.hash || `#/${kept.view}`), orders: {}, toasts: [], prefs: kept, local: {}, overlay: '',
    now: Date.now(), project: '', idleMinutes: 30,
  };
}

const root = /** @type {HTMLElement} */ (document.getElementById('page'));
let asked = false;
/** Everything that has changed until the next frame is drawn once. A hidden page gets no frames. */
const store = new Store(beginning(), () => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
});
const feed = new Feed(store, anew);
const history = new History(store);
/** @type {import('./views/page.js').App} */
const app = { store, feed, history };

function draw() {
  const { state } = store;
  document.documentElement.dataset.theme = state.prefs.theme;
  patch(root, page(state, app));
}

/** Another runner has this address by now: nothing that is shown or looked at is its. */
function anew() {
  window.history.replaceState(null, '', location.pathname);
  location.reload();
}

function routed() {
  arrived();
  const route = parse(location.hash);
  store.set({ route, overlay: '', prefs: { ...store.state.prefs, view: tab(route) } });
  history.follow(route);
}

let saved = store.state.prefs;
function save() {
  prefs.save(store.state.prefs, saved);
  saved = store.state.prefs;
}

setInterval(() => {
  // Durations tick together, and preferences are written when they have changed.
  if (!document.hidden) store.set({ now: feed.now() });
  save();
}, 1_000);
addEventListener('pagehide', save);
arrived();
addEventListener('popstate', routed);
addEventListener('hashchange', routed);
new Keyboard(() => keys(store.state, app)).start();
draw();
history.follow(store.state.route);
feed.start();
