/**
 * The run: every event as a line, newest first. Only the lines in sight are in the document, and while one reads further
 * down nothing is put in front of what is read: the log stays as it was until one goes back to its top.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').LogLine} LogLine
 * @typedef {import('../core/event_log.js').EventLog} EventLog
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {{held: number | null, cursor: number | null, loading: boolean, error: string}} Reading
 *   `held`: the newest line that is shown, null: whatever comes. `cursor`: where the keyboard is.
 * @typedef {{name: string, log: EventLog, busy: boolean, error: string, older: () => Promise<void>}} Source
 */
import { h } from '../core/dom.js';
import { nextRow, rowOf, until } from '../core/log_place.js';
import { more, nameOf, search } from '../core/log_search.js';
import { reveal, virtualList } from '../core/virtual.js';
import { columns, foot, narrow, row } from './log_row.js';
import { empty, fault } from './parts.js';
import { clear, everywhere, filters, filtersOf } from './run_filters.js';

const LIST = 'log';
/** Kept apart from the state: it changes with each step of the wheel. @type {Map<string, number>} */
const tops = new Map();

/** @param {State} state @param {App} app @returns {Child[]} */
export function run(state, app) {
  const wanted = filtersOf(state);
  const everything = everywhere(state);
  const source = sourceOf(state, app);
  // What the server found fits its own way of looking for words.
  source.log.show({ kind: wanted.kind, story: wanted.story, text: everything ? '' : wanted.q });
  const { held } = reading(state, source.name);
  const end = held === null ? source.log.shown.length : until(source.log.shown, held);
  const news = source.log.shown.length - end;
  return [h('section', { key: 'log', class: 'panel log-panel', 'aria-label': 'Events' },
    h('div', { key: 'head', class: 'panel-head' },
      h('h2', null, 'Events'),
      ...filters(state, app),
      h('span', { class: 'quiet-text log-count' }, counted(source.log)),
      h('label', { class: 'choice', title: 'Stay at the newest line (f)' }, h('input', {
        type: 'checkbox', checked: state.prefs.follow, onchange: () => follow(app, !state.prefs.follow),
      }), 'Follow')),
    everything && h('span', {
      key: `search ${nameOf(everything)}`, hidden: true, mount: () => void search(app.store, everything),
    }),
    source.error && fault(source.error),
    h('div', { key: 'frame', class: 'log-frame' },
      columns(),
      end > 0 ? list(state, app, source, end) : nothing(state, app, source),
      news > 0 && h('button', { key: 'fresh', class: 'primary log-fresh', onclick: () => toTop(app) }, `↑ ${news} new`)))];
}

/** @param {State} state @param {App} app @param {Source} source @param {number} end */
function list(state, app, source, end) {
  const { log, name } = source;
  const { shown: lines } = log;
  const { cursor } = reading(state, source.name);
  const batch = state.past?.batchId ?? null;
  const tall = narrow();
  const newest = lines[end - 1];
  const chosen = cursor ?? newest.seq;
  return h('div', { key: `list ${name}`, class: 'log-place', mount: () => restore(name) }, virtualList({
    id: LIST, class: 'log', label: 'Events, newest first', count: end + 1, rowHeight: tall ? 48 : 28,
    // Between the newest and the oldest line of a filter nothing ever changes.
    deps: [lines, end, newest.seq, lines[0].seq, chosen, tall, batch, source.busy, log.complete],
    row: (index) => (index === end ? foot(source, lines.length < log.lines.length)
      : row(lines[end - 1 - index], batch, chosen, (seq) => keep(app, { cursor: seq }))),
    scrolled: (where) => scrolled(app, source, newest.seq, where),
  }));
}

/** @param {State} state @param {App} app @returns {Source} */
function sourceOf(state, app) {
  const everything = everywhere(state);
  const { found } = state.local;
  if (everything && found?.of === nameOf(everything)) {
    const { of, log, loading: busy, error } = /** @type {import('../core/log_search.js').Found} */ (found);
    return { name: `found ${of}`, log, busy, error, older: () => more(app.store, everything) };
  }
  const { past } = state;
  const name = past ? `batch ${past.batchId}` : 'live';
  const { loading, error } = reading(state, name);
  const ask = () => (past ? app.history.older() : app.feed.older());
  const log = past ? past.log : state.log;
  return { name, log, busy: loading || everything !== null, error, older: () => older(app, name, ask) };
}

/** @param {App} app @param {string} name @param {() => Promise<void>} ask */
async function older(app, name, ask) {
  if (reading(app.store.state, name).loading) return;
  app.store.keep(`log ${name}`, { loading: true, error: '' });
  const said = await ask().then(() => '', (/** @type {Error} */ error) => error.message);
  app.store.keep(`log ${name}`, { loading: false, error: said });
}

/** @param {State} state @param {string} name @returns {Reading} */
function reading(state, name) {
  return { held: null, cursor: null, loading: false, error: '', ...state.local[`log ${name}`] };
}

/** @param {App} app @param {Partial<Reading>} changes */
function keep(app, changes) {
  app.store.keep(`log ${sourceOf(app.store.state, app).name}`, changes);
}

/** Back from a command one stands where one was. @param {string} name */
function restore(name) {
  queueMicrotask(() => {
    document.getElementById(LIST)?.scrollTo({ top: tops.get(name) ?? 0 });
  });
}

/**
 * @param {App} app
 * @param {Source} source
 * @param {number} newest
 * @param {{top: number, atStart: boolean, nearEnd: boolean}} where
 */
function scrolled(app, source, newest, { top, atStart, nearEnd }) {
  const { state } = app.store;
  const { held } = reading(state, source.name);
  const up = top < (tops.get(source.name) ?? 0);
  tops.set(source.name, top);
  if (!atStart && held === null) keep(app, { held: newest });
  else if (atStart && up && held !== null && state.prefs.follow) keep(app, { held: null });
  if (nearEnd && !source.busy && !source.log.complete) void source.older();
}

/** @param {App} app */
function toTop(app) {
  const { log } = sourceOf(app.store.state, app);
  keep(app, { held: app.store.state.prefs.follow ? null : log.lastSeq, cursor: null });
  document.getElementById(LIST)?.scrollTo({ top: 0 });
}

/** @param {App} app @param {boolean} wanted */
function follow(app, wanted) {
  app.store.set({ prefs: { ...app.store.state.prefs, follow: wanted } });
  const { name, log } = sourceOf(app.store.state, app);
  if (wanted) toTop(app);
  else keep(app, { held: reading(app.store.state, name).held ?? log.lastSeq });
}

/** Nobody knows how many older ones there are. @param {EventLog} log */
function amount({ lines, complete }) {
  const { length } = lines;
  return `${complete ? '' : 'latest '}${length.toLocaleString('en')} ${length === 1 ? 'line' : 'lines'}`;
}

/** @param {EventLog} log */
function counted(log) {
  const { shown, lines, complete } = log;
  if (shown.length === lines.length) return amount(log);
  return `${shown.length.toLocaleString('en')} of ${complete ? '' : 'the '}${amount(log)}`;
}

/** @param {State} state @param {App} app @param {Source} source @returns {Child} */
function nothing(state, app, source) {
  const { log, busy } = source;
  if (busy) return h('p', { key: 'busy', class: 'loading', role: 'status' }, 'Looking…');
  const everything = everywhere(state) !== null;
  if (log.lines.length === 0 && !everything) {
    return empty('Nothing has happened yet', 'Start a sprint: every event stands here, the newest on top.');
  }
  return h('div', { key: 'none', class: 'empty' },
    h('h2', null, everything ? 'No event matches' : 'No line matches'),
    !log.complete && h('p', null, `Only the ${amount(log)} are loaded.`),
    h('p', { class: 'choices' },
      h('button', { onclick: () => clear(app) }, 'Clear filters'),
      !log.complete && h('button', { onclick: () => void source.older() }, 'Load older lines')));
}

/** @param {State} state @param {App} app @returns {Keys} */
export function runKeys(state, app) {
  const step = (/** @type {(row: number, end: number, lines: LogLine[]) => number} */ next) => () => move(app, next);
  return {
    j: { help: 'Next line, an older one', run: step((at) => at + 1) },
    k: { help: 'Line before, a newer one', run: step((at) => Math.max(0, at - 1)) },
    e: { help: 'Next error', run: step((at, end, lines) => nextRow(lines, end, at, ({ tone }) => tone === 'error')) },
    f: { help: 'Follow the newest line, or stay', run: () => follow(app, !state.prefs.follow) },
  };
}

/** @param {App} app @param {(row: number, end: number, lines: LogLine[]) => number} next */
function move(app, next) {
  const source = sourceOf(app.store.state, app);
  const { held, cursor } = reading(app.store.state, source.name);
  const lines = source.log.shown;
  const end = held === null ? lines.length : until(lines, held);
  const to = next(cursor === null ? -1 : rowOf(lines, end, cursor), end, lines);
  const line = to >= 0 && lines[end - 1 - to];
  if (!line) return;
  keep(app, { cursor: line.seq, held: to === 0 && app.store.state.prefs.follow ? null : lines[end - 1].seq });
  reveal(LIST, to);
  // It is in the document after the next frame at the latest, and has to be there to be focused.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    // Somebody who holds the key down is further by now, and a focus would take the cursor back.
    if (reading(app.store.state, source.name).cursor !== line.seq) return;
    const there = /** @type {HTMLElement | null} */ (document.querySelector(`#${LIST} [data-seq="${line.seq}"]`));
    there?.focus({ preventScroll: true });
  }));
}
