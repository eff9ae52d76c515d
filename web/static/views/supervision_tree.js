/**
 * The supervision tree as a grid of indented rows. Arrow keys move the focus from row to row, open and close.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Node} Node
 * @typedef {import('../core/tree.js').Row} Row
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { ago, duration } from '../core/format.js';
import { href } from '../core/router.js';
import { attemptOf, nameOf, rows, trouble } from '../core/tree.js';
import { commandHref, meter, state as stateOf } from './parts.js';

const COLUMNS = ['Part', 'State', 'Since', 'Restarts', 'Mailbox', 'Deadline', 'Process'];
/** A row whose state is so new, in milliseconds, is lit once. */
const NEW = 1_500;

/** @param {State} state @param {App} app @param {Node} root @returns {Child} */
export function tree(state, app, root) {
  const shown = rows(root, state.prefs.expanded);
  const kept = state.local.supervision?.active;
  const active = shown.some(({ path }) => path === kept) ? kept : shown[0].path;
  return h('div', { key: 'tree', class: 'sv-scroll' },
    h('table', {
      class: 'sv-tree', role: 'treegrid', 'aria-labelledby': 'sv-parts',
      onkeydown: (/** @type {KeyboardEvent} */ event) => keydown(app, shown, event),
    },
    h('thead', { role: 'rowgroup' },
      h('tr', { role: 'row' }, COLUMNS.map((name) => h('th', { key: name, role: 'columnheader', scope: 'col' }, name)))),
    h('tbody', { role: 'rowgroup' }, shown.map((row) => line(row, state, app, active)))));
}

/** Open what leads to a row, and go there. @param {App} app @param {string} path */
export function reveal(app, path) {
  const { prefs } = app.store.state;
  const expanded = { ...prefs.expanded };
  const ids = path.split('/').slice(0, -1).map((part, place) => (place ? part.slice(part.indexOf(':') + 1) : part));
  for (const id of ids) delete expanded[`tree:${id}`];
  app.store.set({ prefs: { ...prefs, expanded } });
  focus(app, path);
}

/** @param {App} app @param {string} path */
function focus(app, path) {
  app.store.keep('supervision', { active: path });
  // After the store's own frame, in which the row comes.
  requestAnimationFrame(() => {
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-path="${CSS.escape(path)}"]`))?.focus();
  });
}

/** @param {App} app @param {Node} node @param {boolean} open */
function expand(app, node, open) {
  const { prefs } = app.store.state;
  app.store.set({ prefs: { ...prefs, expanded: { ...prefs.expanded, [`tree:${node.id}`]: open } } });
}

/** @param {Row} row @param {State} state @param {App} app @param {string} active */
function line(row, state, app, active) {
  const { node, path, level, isOpen } = row;
  const { now } = state;
  const branches = node.children.length > 0;
  return h('tr', {
    key: path, role: 'row', 'data-path': path, class: 'sv-row', tabindex: path === active ? '0' : '-1',
    'aria-level': level, 'aria-setsize': row.siblings, 'aria-posinset': row.place,
    'aria-expanded': branches ? String(isOpen) : null,
    'data-tone': trouble(node, now).tone || null, 'data-new': now - node.since < NEW || null,
    onfocus: () => path !== active && app.store.keep('supervision', { active: path }),
    onclick: (/** @type {MouseEvent} */ event) => {
      if (branches && /** @type {Element} */ (event.target).closest('.sv-fold')) expand(app, node, !isOpen);
    },
  },
  part(row, state),
  cell('State', stands(node)),
  cell('Since', h('span', { class: 'mono' }, ago(node.since, now))),
  cell('Restarts', restarts(node)),
  cell('Mailbox', mailbox(node)),
  cell('Deadline', deadline(node, now)),
  cell('Process', node.pid !== null && h('span', { class: 'mono' }, `pid ${node.pid}`)));
}

/** @param {Row} row @param {State} state */
function part({ node, parent, level, isOpen }, state) {
  const attempt = attemptOf(node, parent, state.live.board.running);
  const story = node.id.startsWith('story-') ? node.id.slice('story-'.length) : '';
  const address = attempt ? commandHref(attempt.command_id, null) : story && href({ view: 'story', story });
  const name = nameOf(node.id);
  const branches = node.children.length > 0;
  return h('td', { key: 'part', role: 'gridcell', class: 'sv-part', style: { '--level': String(level - 1) } },
    h('span', { class: 'sv-name' },
      h('span', { class: branches ? 'sv-fold' : 'sv-leaf', 'aria-hidden': 'true' }, branches && (isOpen ? '▾' : '▸')),
      address
        ? h('a', { class: 'sv-id', href: address, tabindex: '-1', title: node.id }, name)
        : h('span', { class: 'sv-id', title: node.id }, name),
      h('span', { class: 'sv-role' }, node.role),
      !isOpen && branches && h('span', { class: 'badge', 'data-tone': 'idle' }, `${node.children.length} below`)),
    node.last_error && h('span', { class: 'sv-error' }, node.last_error));
}

/** @param {string} label @param {Child} content */
function cell(label, content) {
  return h('td', {
    key: label, role: 'gridcell', class: `sv-cell sv-${label.toLowerCase()}`, 'data-label': label, 'data-none': !content || null,
  }, content || h('span', { class: 'sv-none' }, '–'));
}

/** Most parts run for as long as the runner does: only of an agent it says that there is work. @param {Node} node */
function stands({ role, state }) {
  if (state !== 'running' || role === 'process') return stateOf(state);
  return h('span', { class: 'state sv-well' }, h('span', { 'aria-hidden': 'true' }, '●'), 'Running');
}

/** How often, and the limit when it is near. @param {Node} node */
function restarts({ restarts: count, max_restarts: most }) {
  if (count === 0 && most === null) return null;
  const title = most === null ? null : `With more than ${most} in a short time the part above gives up`;
  if (count === 0) return h('span', { class: 'mono quiet-text', title }, '0');
  const near = most !== null && 2 * count >= most;
  return h('span', { class: 'mono sv-often', 'data-tone': 'warning', title }, `↻ ${count}${near ? `/${most}` : ''}`);
}

/** @param {Node} node */
function mailbox({ id, mailbox: load }) {
  if (!load) return null;
  const share = load.depth / load.capacity;
  const tone = share >= 1 ? 'error' : share >= 0.8 ? 'warning' : 'running';
  return h('span', { class: 'sv-load' },
    meter(`Mailbox of ${id}`, load.depth, load.capacity, tone),
    h('span', { class: 'mono' }, `${load.depth}/${load.capacity}`));
}

/** @param {Node} node @param {number} now */
function deadline({ deadline: at, state }, now) {
  if (at === null) return null;
  const left = at - now;
  const waits = state === 'waiting';
  if (left >= 0) return `${waits ? 'goes on in' : 'ends in'} ${duration(left)}`;
  return h('span', { class: 'sv-over', 'data-tone': waits ? 'idle' : 'warning' }, `over since ${duration(-left)}`);
}

/** @param {App} app @param {Row[]} shown @param {KeyboardEvent} event */
function keydown(app, shown, event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const at = shown.findIndex(({ path }) => path === target.dataset.path);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const { node, level, isOpen } = shown[at];
  const go = (/** @type {number} */ place) => shown[place] && focus(app, shown[place].path);
  const above = shown.findLastIndex((row, place) => place < at && row.level < level);
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowDown: () => go(at + 1),
    ArrowUp: () => go(at - 1),
    Home: () => go(0),
    End: () => go(shown.length - 1),
    ArrowRight: () => (isOpen ? go(at + 1) : node.children.length > 0 && expand(app, node, true)),
    ArrowLeft: () => (isOpen ? expand(app, node, false) : go(above)),
    Enter: () => target.querySelector('a')?.click(),
    ' ': () => node.children.length > 0 && expand(app, node, !isOpen),
  };
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
}
