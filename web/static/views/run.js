/**
 * The run: every event as a line, newest first. Only the lines in sight are in the document.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').LogLine} LogLine
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { clock, plural, shortKey, stateOf } from '../core/format.js';
import { href } from '../core/router.js';
import { reveal, virtualList } from '../core/virtual.js';
import { filters } from './run_filters.js';
import { empty } from './parts.js';

const ROW = 28;
const LIST = 'log';

/** @param {State} state @param {App} app @returns {Child[]} */
export function run(state, app) {
  const log = logOf(state);
  const { kind = '', story = '', q = '' } = state.route.filters;
  log.show({ kind, story, text: q });
  const lines = log.shown;
  const local = state.local.run ?? {};
  const seenTo = local.pausedAt ?? log.lastSeq;
  const fresh = local.pausedAt === undefined ? 0 : newer(lines, seenTo);
  return [h('section', { key: 'log', class: 'panel log-panel', 'aria-label': 'Events' },
    h('div', { class: 'panel-head' },
      h('h2', null, 'Events'),
      ...filters(state),
      h('span', { class: 'quiet-text log-count' }, plural(lines.length, 'line')),
      h('label', { class: 'choice', title: 'Stay at the newest line (f)' },
        h('input', { type: 'checkbox', checked: local.pausedAt === undefined, onchange: () => follow(state, app, local.pausedAt !== undefined) }), 'follow')),
    h('div', { class: 'log-frame' },
      virtualList({
        id: LIST, class: 'log', label: 'Events, newest first', role: 'list', count: lines.length, rowHeight: ROW,
        deps: [state.logVersion, kind, story, q, local.selected, state.past?.batchId], shift: log.appended,
        row: (index) => line(lines[lines.length - 1 - index], state, app),
        empty: none(state),
        scrolled: ({ atStart, nearEnd }) => scrolled(app, atStart, nearEnd),
      }),
      fresh > 0 && h('button', { key: 'fresh', class: 'primary log-fresh', onclick: () => follow(state, app, true) }, `↑ ${fresh} new`)))];
}

/** @param {State} state */
function logOf({ past, log }) {
  return past ? past.log : log;
}

/** How many lines came after an event. @param {LogLine[]} lines @param {number} seq */
function newer(lines, seq) {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].seq <= seq) low = middle + 1;
    else high = middle;
  }
  return lines.length - low;
}

/** @param {State} state */
function none(state) {
  const { kind, story, q } = state.route.filters;
  if (kind || story || q) return empty('No line fits', 'Older events are searched with “Search everything”.');
  return empty('Nothing has happened yet', 'Start a batch: every event stands here as it happens.');
}

/** @param {LogLine} one @param {State} state @param {App} app */
function line(one, state, app) {
  const batch = state.past?.batchId ?? null;
  const link = one.commandId !== null ? href({ view: 'command', command: one.commandId, batch, filters: { at: String(one.seq) } })
    : one.story && !one.story.includes(',') ? href({ view: 'story', story: one.story, batch }) : null;
  const { icon } = stateOf(one.status);
  const cells = [
    h('time', { datetime: new Date(one.at).toISOString() }, clock(one.at)),
    h('span', { class: 'key cut', title: one.story }, one.story.split(',').map(shortKey).join(',')),
    h('span', { class: 'cut', title: one.command }, one.command),
    h('span', { class: 'cut quiet-text', title: one.task }, one.task),
    h('span', { class: 'state cut' }, h('span', { 'aria-hidden': 'true' }, icon), one.status),
    h('span', { class: 'cut log-message', title: one.message }, one.message),
  ];
  const place = { key: one.seq, class: 'log-line', 'data-tone': one.tone, 'data-seq': String(one.seq) };
  return h('div', { key: one.seq, role: 'listitem', class: 'log-item' },
    link ? h('a', { ...place, href: link, tabindex: state.local.run?.selected === one.seq ? '0' : '-1', onfocus: () => app.store.keep('run', { selected: one.seq }) }, ...cells)
      : h('div', place, ...cells));
}

/** @param {App} app @param {boolean} atStart @param {boolean} nearEnd */
function scrolled(app, atStart, nearEnd) {
  const { state } = app.store;
  const paused = state.local.run?.pausedAt !== undefined;
  if (atStart && paused) app.store.keep('run', { pausedAt: undefined });
  else if (!atStart && !paused) app.store.keep('run', { pausedAt: logOf(state).lastSeq });
  if (nearEnd) void (state.past ? app.history.older() : app.feed.older());
}

/** @param {State} state @param {App} app @param {boolean} wanted */
function follow(state, app, wanted) {
  app.store.keep('run', { pausedAt: wanted ? undefined : logOf(state).lastSeq });
  const list = document.getElementById(LIST);
  if (list && wanted) list.scrollTop = 0;
}

/** @param {State} state @param {App} app @returns {Keys} */
export function runKeys(state, app) {
  const { shown } = logOf(state);
  const move = (/** @type {number} */ by) => select(app, shown, place(shown, state) + by);
  return {
    j: { help: 'Next line, an older one', run: () => move(-1) },
    k: { help: 'Line before, a newer one', run: () => move(1) },
    e: { help: 'Next error', run: () => select(app, shown, lastError(shown, place(shown, state))) },
    f: { help: 'Follow, or stay', run: () => follow(state, app, state.local.run?.pausedAt !== undefined) },
    o: { help: 'Open the line', run: () => /** @type {HTMLElement | null} */ (document.querySelector(`[data-seq="${Number(state.local.run?.selected)}"]`))?.click() },
  };
}

/** Where the selection is; behind the newest line when there is none. @param {LogLine[]} lines @param {State} state */
function place(lines, state) {
  const { selected } = state.local.run ?? {};
  return selected === undefined ? lines.length : lines.length - newer(lines, selected) - 1;
}

/** @param {LogLine[]} lines @param {number} from */
function lastError(lines, from) {
  for (let index = Math.min(from, lines.length) - 1; index >= 0; index -= 1) if (lines[index].tone === 'error') return index;
  return -1;
}

/** @param {App} app @param {LogLine[]} lines @param {number} index */
function select(app, lines, index) {
  const one = lines[index];
  if (!one) return;
  reveal(LIST, lines.length - 1 - index);
  app.store.keep('run', { selected: one.seq });
  requestAnimationFrame(() => requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(`[data-seq="${one.seq}"]`))?.focus({ preventScroll: true })));
}

