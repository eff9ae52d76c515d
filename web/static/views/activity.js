/**
 * Activity: the log that the original tool keeps in `orchestrator.md`, line by line as it is there.
 *
 * @typedef {import('./page.js').View} View
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {{activities: string[] | null, raw: string, error: string, loading: boolean, isRaw: boolean}} Log
 *   `state.local.activity`
 */
import { get } from '../core/api.js';
import { h } from '../core/dom.js';
import { plural } from '../core/format.js';
import { go } from '../core/router.js';
import { virtualList } from '../core/virtual.js';
import { empty, fault } from './parts.js';

const ROW = 28;
/** Longer lists are drawn in part, with lines of one height. */
const WRAPPED_BELOW = 200;
/** @type {Log} */
const NOTHING = { activities: null, raw: '', error: '', loading: false, isRaw: false };

/** @type {View} */
export const activity = (state, app) => {
  const log = { ...NOTHING, ...state.local.activity };
  const { board } = state.live;
  // Another one whenever a cycle or a batch has ended, and so loaded again.
  const stamp = `load ${board.batch_id} ${board.cycles_completed} ${board.ended_at}`;
  return [
    h('span', { key: stamp, hidden: true, mount: () => void load(app) }),
    log.error && fault(log.error),
    log.activities === null
      ? !log.error && h('div', { key: 'loading', class: 'empty', role: 'status' }, h('h2', null, 'Loading the activity log…'))
      : panel(log, log.activities, state, app),
  ];
};

/** @param {App} app */
async function load(app) {
  app.store.keep('activity', { loading: true });
  try {
    const { activities, raw } = await get('/api/orchestrator-status');
    app.store.keep('activity', { activities, raw, error: '', loading: false });
  } catch (error) {
    app.store.keep('activity', { error: /** @type {Error} */ (error).message, loading: false });
  }
}

/** @param {Log} log @param {string[]} activities @param {State} state @param {App} app */
function panel(log, activities, state, app) {
  const search = state.route.filters.q ?? '';
  const found = matching(activities, search);
  const isEmpty = activities.length === 0;
  return h('section', { key: 'panel', class: 'panel', 'aria-labelledby': 'ac-title' },
    h('div', { class: 'panel-head' },
      h('h2', { id: 'ac-title' }, 'Activity'),
      !isEmpty && h('span', { class: 'quiet-text', role: 'status' },
        search && `${found.length} of `, plural(activities.length, 'line')),
      h('span', { class: 'grow' }),
      !isEmpty && h('input', {
        type: 'search', class: 'ac-search', placeholder: 'Search', 'aria-label': 'Search in the activity log',
        value: search, disabled: log.isRaw,
        oninput: (/** @type {any} */ { target }) => {
          go({ ...state.route, filters: { ...state.route.filters, q: target.value } }, { replace: true });
        },
      }),
      log.raw && h('button', {
        type: 'button', 'aria-pressed': String(log.isRaw), onclick: () => app.store.keep('activity', { isRaw: !log.isRaw }),
      }, 'Raw'),
      h('button', { type: 'button', disabled: log.loading, onclick: () => void load(app) }, 'Reload')),
    log.isRaw && log.raw ? raw(log.raw) : isEmpty ? nothing() : list(found, search));
}

/** @param {string} text */
function raw(text) {
  return h('pre', { key: 'raw', class: 'ac-raw', tabindex: '0', role: 'region', 'aria-label': 'orchestrator.md' }, text);
}

function nothing() {
  return empty('No activity log', 'Projects that were worked on by the original sprint tool, the one before this runner, have a diary of it: ',
    h('code', null, 'orchestrator.md'), ', beside the sprint file. It is shown here; this project has none, or it is empty. ',
    'What this runner does stands in the Run view.');
}

/** @type {{activities: string[], search: string, found: Line[]}} */
let last = { activities: [], search: '', found: [] };
/** @typedef {{text: string, number: number}} Line */

/** The lines with all words of the search, newest first. @param {string[]} activities @param {string} search */
function matching(activities, search) {
  if (last.activities === activities && last.search === search) return last.found;
  const words = search.toLowerCase().split(/\s+/).filter((word) => word);
  const found = activities.map((text, place) => ({ text, number: place + 1 })).reverse().filter(({ text }) => {
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
  last = { activities, search, found };
  return found;
}

/** @param {Line[]} found @param {string} search */
function list(found, search) {
  if (found.length === 0) return empty('Nothing found', `No line has “${search}” in it.`);
  if (found.length > WRAPPED_BELOW) {
    return virtualList({
      id: 'ac-list', class: 'ac-list', label: 'Activity, newest first', count: found.length, rowHeight: ROW, deps: [found],
      row: (index) => line(found[index]),
    });
  }
  return h('ol', { key: 'list', 'aria-label': 'Activity, newest first' }, found.map((one) => line(one, 'li')));
}

/** @param {Line} one @param {string} [tag] */
function line({ text, number }, tag = 'div') {
  return h(tag, { key: number, class: 'ac-row', role: tag === 'div' ? 'listitem' : null, title: tag === 'div' ? text : null },
    h('span', { class: 'ac-number', 'aria-hidden': 'true' }, String(number)), h('span', { class: 'ac-line' }, text));
}
