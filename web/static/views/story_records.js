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
  return h('section', { key: 'files', class: 'panel', 'aria-labelledby': 'files-title', deps: [known?.writes, known?.loaded, last, batch] }, () => {
    const { root, files: all } = written((known?.writes ?? []).filter(({ seq }) => seq <= last));
    return [
      h('div', { class: 'panel-head' }, h('h3', { id: 'files-title' }, 'Files it wrote'), h('span', { class: 'quiet-text' }, all.length || '')),
      all.length === 0 ? h('p', { class: 'story-none' }, known?.loaded ? 'None is known. Files that a shell command changed are not seen.' : 'Loading…')
        : h('ul', { class: 'story-files' }, all.map((file) => h('li', { key: file.path },
          h('a', { class: 'mono', href: commandHref(file.commandId, batch), title: `${root}${file.path}, last at ${clock(file.at)}: the command that wrote it` }, file.path),
          h('span', { class: 'quiet-text' }, `${file.made ? 'written' : 'edited'}${file.times > 1 ? ` ×${file.times}` : ''}`)))),
      all.length > 0 && h('p', { class: 'story-none' }, root && ['In ', h('code', { key: 'root' }, root), '. '], 'By its commands, those with a partner too; what a shell command changed is not seen.'),
    ];
  });
}

/** @param {State} state @param {string} key @param {Detail | null} known */
export function batches(state, key, known) {
  const present = state.past?.batchId ?? state.live.board.batch_id;
  return h('section', { key: 'batches', class: 'panel', 'aria-labelledby': 'batches-title', deps: [known?.starts, known?.loaded, state.batches.rows, present, key] }, () => {
    const { batches: all, earlier } = batchesOf(known?.starts ?? [], state.batches.rows);
    const live = state.live.board.batch_id;
    return [
      h('div', { class: 'panel-head' }, h('h3', { id: 'batches-title' }, 'Batches that took it'), h('span', { class: 'quiet-text' }, all.length || '')),
      h('ul', { class: 'story-batches' }, all.map((batch) => h('li', { key: batch.id },
        h('a', { href: href({ view: 'story', story: key, batch: batch.id === live ? null : batch.id }), 'aria-current': batch.id === present ? 'true' : null }, `Batch ${batch.id}`),
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
      h('span', { class: 'quiet-text grow' }, lines.length < MOST_LINES ? plural(lines.length, 'event') : `the last ${lines.length}`),
      h('a', { href: href({ view: 'run', batch, filters: { story: key } }) }, 'All in the log')),
    lines.length === 0 ? h('p', { key: 'none', class: 'story-none' }, known?.loaded ? 'Nothing has happened to it yet.' : 'Loading…')
      : h('ol', { key: 'lines', class: 'story-events', tabindex: '0', 'aria-label': 'Events, newest first' }, lines.map((line) => event(line, batch))));
}

/** @param {LogLine} line @param {number | null} batch */
function event(line, batch) {
  const command = line.command === 'story' ? '' : line.command;
  return h('li', { key: line.seq, 'data-tone': line.tone, deps: [line, batch] }, () => [
    h('time', null, clock(line.at)),
    h('span', { class: 'event-command cut' }, line.commandId !== null ? h('a', { href: commandHref(line.commandId, batch) }, command) : command),
    h('span', { class: 'event-task cut quiet-text' }, line.task),
    h('span', { class: 'event-status cut' }, line.status),
    h('span', { class: 'event-message', title: line.message }, line.message),
  ]);
}
