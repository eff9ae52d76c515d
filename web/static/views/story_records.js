/**
 * What is on record of a story: the files that were written for it, its events, and the batches that took it.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').LogLine} LogLine
 * @typedef {import('../core/story_loader.js').Detail} Detail
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { clock, moment, plural } from '../core/format.js';
import { href } from '../core/router.js';
import { batchesOf, written } from '../core/story_detail.js';
import { linesOf, MOST_LINES, until } from '../core/story_loader.js';
import { commandHref, state as stateWord } from './parts.js';

/** @param {State} state @param {Detail | null} known */
export function files(state, known) {
  const batch = state.past?.batchId ?? null;
  const last = until(state);
  const deps = [known?.writes, known?.loaded, last, batch];
  return h('section', { key: 'files', class: 'panel', 'aria-labelledby': 'files-title', deps }, () => {
    const { root, count, folders } = written((known?.writes ?? []).filter(({ seq }) => seq <= last));
    return [
      panelHead('files-title', 'Files it wrote', count),
      ...folders.map(({ folder, files: some }) => h('div', { key: folder, class: 'story-folder' },
        h('p', { class: 'mono quiet-text' }, folder || './'),
        h('ul', { class: 'story-files' }, some.map((file) => fileLine(file, batch))))),
      h('p', { key: 'note', class: 'story-none' }, ...note(known, root, count)),
    ];
  });
}

/** @param {import('../core/story_detail.js').WrittenFile & {name: string}} file @param {number | null} batch */
function fileLine({ path, name, at, made, times, commandId }, batch) {
  return h('li', { key: path },
    h('a', { class: 'mono', href: commandHref(commandId, batch), title: `${path}, at ${clock(at)}: its command` }, name),
    h('span', { class: 'quiet-text' }, `${made ? 'written' : 'edited'}${times > 1 ? ` ×${times}` : ''}`));
}

/** @param {string} id @param {string} title @param {number} count */
function panelHead(id, title, count) {
  return h('div', { key: 'head', class: 'panel-head' }, h('h3', { id }, title), h('span', { class: 'quiet-text' }, count || ''));
}

/** @param {Detail | null} known @param {string} root @param {number} count @returns {Child[]} */
function note(known, root, count) {
  if (!known?.loaded) return ['Loading…'];
  const unseen = 'What a shell command changes is not seen.';
  if (count === 0) return [`None is known. ${unseen}`];
  const where = root ? ['In ', h('code', { key: 'root' }, root), '. '] : [];
  return [...where, `Also by commands that it shared with a partner. ${unseen}`];
}

/** @param {State} state @param {string} key @param {Detail | null} known */
export function batches(state, key, known) {
  const present = state.past?.batchId ?? state.live.board.batch_id;
  const deps = [known?.starts, known?.loaded, state.batches.rows, present, key];
  return h('section', { key: 'batches', class: 'panel', 'aria-labelledby': 'batches-title', deps }, () => {
    const { batches: all, earlier } = batchesOf(known?.starts ?? [], state.batches.rows);
    const live = state.live.board.batch_id;
    return [
      panelHead('batches-title', 'Batches that took it', all.length),
      h('ul', { class: 'story-batches' }, all.map((batch) => h('li', { key: batch.id },
        h('a', {
          href: href({ view: 'story', story: key, batch: batch.id === live ? null : batch.id }),
          'aria-current': batch.id === present ? 'true' : null,
        }, `Batch ${batch.id}`),
        stateWord(batch.status), h('span', { class: 'quiet-text' }, moment(batch.started_at, state.now))))),
      all.length === 0 && !earlier && h('p', { class: 'story-none' }, known?.loaded ? 'None yet.' : 'Loading…'),
      earlier && h('p', { class: 'story-none' }, 'Earlier ones too: load more of the batch list to see them here.'),
    ];
  });
}

/** @param {State} state @param {string} key @param {Detail | null} known */
export function events(state, key, known) {
  const lines = linesOf(state, known);
  const batch = state.past?.batchId ?? null;
  return h('section', { key: 'events', class: 'panel', 'aria-labelledby': 'events-title' },
    h('div', { key: 'head', class: 'panel-head' }, h('h3', { id: 'events-title' }, 'Events'),
      h('span', { class: 'quiet-text grow' },
        lines.length < MOST_LINES ? plural(lines.length, 'event') : `the last ${lines.length}`),
      h('a', { href: href({ view: 'run', batch, filters: { story: key } }) }, 'All in the log')),
    lines.length === 0
      ? h('p', { key: 'none', class: 'story-none' }, known?.loaded ? 'Nothing has happened to it yet.' : 'Loading…')
      : h('ol', { key: 'lines', class: 'story-events', tabindex: '0', 'aria-label': 'Events, newest first' },
        lines.map((line) => event(line, batch))));
}

/** @param {LogLine} line @param {number | null} batch */
function event(line, batch) {
  const command = line.command === 'story' ? '' : line.command;
  return h('li', { key: line.seq, 'data-tone': line.tone, deps: [line, batch] }, () => [
    h('time', null, clock(line.at)),
    h('span', { class: 'story-event-command cut' },
      line.commandId === null ? command : h('a', { href: commandHref(line.commandId, batch) }, command)),
    h('span', { class: 'story-event-task cut quiet-text' }, line.task),
    h('span', { class: 'story-event-status cut' }, line.status),
    h('span', { class: 'story-event-message', title: line.message }, line.message),
  ]);
}
