/**
 * An epic on the board. It is drawn again only when something of it has changed.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/stories.js').Group} Group
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { stateOf } from '../core/format.js';
import { time } from '../core/scene.js';
import { columnOf, descriptionOf, groups, OTHER, rows } from '../core/stories.js';
import { meter, state as stateWord } from './parts.js';
import { storyCard } from './story_card.js';

/** What columns are called, where it is not the status. @type {Record<string, string>} */
const WORDS = { 'ready-for-dev': 'Ready', [OTHER]: 'Other' };

/** @param {string} column */
export function columnWord(column) {
  return WORDS[column] ?? stateOf(column).word;
}

/** @param {App} app @param {string[]} names @param {boolean} open */
export function expand({ store }, names, open) {
  const { prefs } = store.state;
  const changes = Object.fromEntries(names.map((name) => [name, open]));
  store.set({ prefs: { ...prefs, expanded: { ...prefs.expanded, ...changes } } });
}

/**
 * @param {State} state
 * @param {App} app
 * @param {Group} epic - With the stories that are shown.
 * @param {Group} whole
 * @param {string[]} columns
 * @param {boolean} open
 */
export function epicSection(state, app, epic, whole, columns, open) {
  // Only where something is worked on is there anything that a second changes.
  const ticks = open && epic.rows.some(({ since, running }) => since !== null || running.length > 0);
  const now = time(state);
  const batch = state.past?.batchId ?? null;
  return h('section', {
    key: `epic ${epic.id}`, class: 'board-epic', 'aria-label': `Epic ${epic.id} ${epic.title}`,
    deps: [
      epic.title, epic.status, columns.length, open, batch, state.descriptions, ticks ? Math.floor(now / 1000) : 0,
      whole.rows.length, ...whole.rows, ...epic.rows,
    ],
  }, () => [
    head(app, epic, whole, open, batch !== null),
    open && h('div', { key: 'lanes', class: 'board-lanes' },
      columns.map((column) => lane(column, epic.rows, (row) => storyCard(row, {
        app, batch, now, description: descriptionOf(state.descriptions, row),
      })))),
  ]);
}

/** @param {string} column @param {Row[]} some @param {(row: Row) => import('../core/dom.js').Child} card */
function lane(column, some, card) {
  const own = some.filter(({ status }) => columnOf(status) === column);
  if (own.length === 0) return h('div', { key: column, class: 'board-lane', 'data-empty': true });
  const { icon, tone } = stateOf(column);
  return h('div', { key: column, class: 'board-lane' },
    h('h4', { class: 'board-lane-name' },
      h('span', { class: 'state', 'data-tone': tone, 'aria-hidden': 'true' }, icon), ` ${columnWord(column)} `,
      h('span', { class: 'quiet-text' }, own.length)),
    h('ul', { class: 'story-cards' }, own.map(card)));
}

/** @param {App} app @param {Group} epic @param {Group} whole @param {boolean} open @param {boolean} past */
function head(app, epic, whole, open, past) {
  const total = whole.rows.length;
  const running = whole.rows.filter((row) => row.running.length > 0).length;
  const blocked = whole.rows.filter(({ status }) => status === 'blocked').length;
  return h('div', { key: 'head', class: 'epic-head' },
    h('h3', { class: 'epic-title' }, toggle(app, epic, open)),
    running > 0 && h('span', { key: 'running', class: 'state', 'data-tone': 'running' },
      h('span', { class: 'breathing', 'aria-hidden': 'true' }, '◐'), `${running} running`),
    blocked > 0 && h('span', { key: 'blocked', class: 'state', 'data-tone': 'error' },
      h('span', { 'aria-hidden': 'true' }, '⊘'), `${blocked} blocked`),
    h('span', { key: 'space', class: 'grow' }),
    // The file tells how an epic stands now.
    !past && epic.status && !(epic.status === 'done' && whole.done === total) && h('span', {
      key: 'file', class: 'epic-file', title: `The sprint file says ${epic.status}`,
    }, `file: ${stateOf(epic.status).word}`),
    standing(whole, blocked),
    meter(`Epic ${epic.id}: stories done`, whole.done, total, whole.done === total ? 'success' : 'running'),
    h('span', { key: 'done', class: 'epic-done' }, total > 0 ? `${whole.done}/${total} done` : 'No stories'));
}

/**
 * How far its stories are. The file may go on saying that it is worked on when nothing is left to be done.
 * @param {Group} whole @param {number} blocked
 */
function standing({ done, rows: { length: total } }, blocked) {
  const word = (/** @type {string} */ state, /** @type {string} */ text) => (
    h('span', { key: 'standing', class: 'epic-standing' }, stateWord(state, text)));
  if (total === 0) return null;
  if (done === total) return word('done', 'Done');
  const left = total - done - blocked;
  if (left === 0) return done > 0 ? word('done', `Done but for ${blocked} blocked`) : word('blocked', 'All blocked');
  return word('idle', `${left} to do`);
}

/** @param {App} app @param {Group} epic @param {boolean} open */
function toggle(app, epic, open) {
  return h('button', {
    class: 'quiet epic-toggle', 'aria-expanded': String(open), title: 'Shift-click: all epics',
    onclick: (/** @type {MouseEvent} */ event) => {
      const { state } = app.store;
      const those = event.shiftKey ? groups(rows(state), state) : [epic];
      expand(app, those.map(({ id }) => `board:${id}`), !open);
    },
  },
    h('span', { class: 'epic-arrow', 'aria-hidden': 'true' }, '▸'), h('span', { class: 'key' }, epic.id || 'No epic'),
    h('span', { class: 'cut' }, epic.title || (epic.id && `Epic ${epic.id}`)));
}
