/**
 * A command: what came of it, and what its agent said and did.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { back } from '../core/router.js';
import { close, open, opened, refresh, stir } from '../core/transcript.js';
import { commandHead } from './command_head.js';
import { empty, fault } from './parts.js';
import { follow, transcript } from './transcript.js';
import { place } from './transcript_scroll.js';
import { choice, filter, follows, jump, keep, step } from './transcript_state.js';

/** @param {State} state @param {App} app @returns {Child[]} */
export function command(state, app) {
  const id = state.route.command;
  if (id === null) return [missing('There is no such command', 'Its address has no number.')];
  const now = opened(app.store);
  const known = now?.id === id ? now : undefined;
  return [
    ...asking(state, app, id),
    ...(known?.row ? [...commandHead(state, app, known.row), transcript(state, app, known)]
      : known?.fault ? [gone(id, known.fault)]
        : [h('p', { key: 'loading', class: 'loading', role: 'status' }, 'Loading the command…')]),
    known?.row && known.target >= 0 && h('span', {
      key: `target ${known.target}`, hidden: true, mount: () => jump(app, known.target),
    }),
  ];
}

/**
 * Elements that nobody sees: what appears with one of them is asked for when the thing that its key names changes.
 * @param {State} state
 * @param {App} app
 * @param {number} id
 */
function asking(state, app, id) {
  const at = Number(state.route.filters.at) || 0;
  const running = state.live.board.running[id];
  const status = state.live.attempts[id]?.status ?? '';
  const wake = () => stir(app.store, () => follows(app.store.state));
  return [
    h('span', { key: `open ${id} ${at}`, hidden: true, mount: () => begin(app, id, at, Boolean(running)) }),
    h('span', { key: `heard ${id} ${running?.last_at ?? 0}`, hidden: true, mount: wake }),
    h('span', {
      key: `status ${id} ${status}`, hidden: true, mount: () => {
        if (opened(app.store)?.row) void refresh(app.store, id);
        wake();
      },
    }),
  ];
}

/** @param {App} app @param {number} id @param {number} at @param {boolean} running */
function begin(app, id, at, running) {
  keep(app, { following: running && !at, first: running && !at && app.store.state.prefs.follow ? Infinity : 0, seen: -1 });
  void open(app.store, id, { at, running });
  const token = opened(app.store)?.token;
  return () => close(app.store, token);
}

/** @param {number} id @param {{error: string, hint: string, status: number}} told */
function gone(id, { error, hint, status }) {
  if (status === 404) return missing(`There is no command ${id}`, 'Commands go with their batch when its record is removed.');
  return fault(error, hint);
}

/** @param {string} title @param {string} text */
function missing(title, text) {
  return h('div', { key: 'missing', class: 'panel' }, empty(title, text),
    h('p', { class: 'sentinel' }, h('button', { onclick: back }, '← Back')));
}

/** @param {State} state @param {App} app @returns {Keys} */
export function commandKeys(state, app) {
  const current = (/** @type {string} */ part) => {
    const found = /** @type {HTMLElement | null | undefined} */ (place()?.current?.querySelector(part));
    found?.click();
  };
  const shows = choice(state).show;
  return {
    j: { help: 'Next entry', run: () => step(app, 1) },
    k: { help: 'Entry before', run: () => step(app, -1) },
    n: { help: 'Next match', run: () => step(app, 1) },
    N: { help: 'Match before', run: () => step(app, -1) },
    e: { help: 'Next error', run: () => step(app, 1, ({ failed }) => failed) },
    E: { help: 'Errors only, or everything', run: () => filter(app, { kind: shows === 'errors' ? '' : 'errors' }) },
    x: { help: 'Open or fold the entry', run: () => current('.call, .fold') },
    c: { help: 'Copy the entry', run: () => current('.entry-copy') },
    f: { help: 'Follow, or stay', run: () => follow(app, !state.prefs.follow) },
  };
}
