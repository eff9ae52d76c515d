/**
 * One story: where it stands, what was done for it, what was found, what was written and what happened.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { cost, duration, moment, tokens } from '../core/format.js';
import { href } from '../core/router.js';
import { shown, time } from '../core/scene.js';
import { descriptionOf, rows } from '../core/stories.js';
import { cureOf } from '../core/story_detail.js';
import { detail, load, wanted } from '../core/story_loader.js';
import { commandHref, empty, fault, state as stateWord } from './parts.js';
import { phases } from './story_card.js';
import { attempts } from './story_attempts.js';
import { batches, events, files } from './story_records.js';
import { waiting } from './story_states.js';
import { lasting } from './story_time.js';

/** @type {import('./page.js').View} */
export function story(state, app) {
  const what = wanted(state);
  const known = detail(state);
  const row = rows(state).find(({ key }) => key === what.key);
  const loader = h('span', {
    key: `load ${what.of} ${what.version}`, hidden: true, mount: () => void load(app.store, what),
  });
  if (!row && !known?.lines.length) return [loader, unknown(state, what.key, known?.loaded ?? false)];
  return [
    loader,
    row ? head(state, app, row) : goneHead(state, what.key),
    known?.error && fault(`What was done for the story could not be loaded. ${known.error}`),
    row?.status === 'blocked' && blocked(state, row),
    h('div', { key: 'columns', class: 'story-columns' },
      h('div', { key: 'main', class: 'story-main' }, attempts(state, what.key, known, row), events(state, what.key, known)),
      h('div', { key: 'side', class: 'story-side' },
        what.batch !== null && files(state, known), batches(state, what.key, known))),
  ];
}

/** @param {State} state @param {string} key @param {boolean} loaded */
function unknown(state, key, loaded) {
  if (!loaded || (state.past && !state.past.scene) || (!state.sprint && !state.sprintError)) {
    return waiting('Loading the story…');
  }
  const batch = state.past?.batchId ?? null;
  const where = batch === null ? 'It is not in the sprint file, and no batch has taken it.' : `Batch ${batch} did not take it.`;
  return h('div', { key: 'unknown', class: 'story-without' }, empty(`No story is called ${key}`, where),
    h('a', { href: href({ view: 'stories', batch }) }, 'All stories'));
}

/** Of a story that was taken out of the sprint file. @param {State} state @param {string} key */
function goneHead(state, key) {
  const text = state.past ? `Batch ${state.past.batchId} did not take this story.`
    : 'The sprint file does not list this story any more, and the present batch did not take it.';
  return h('div', { key: 'head', class: 'panel story-head' }, h('h2', null, key), h('p', { class: 'quiet-text' }, text));
}

/** @param {State} state @param {App} app @param {Row} row */
function head(state, app, row) {
  const now = time(state);
  const batch = state.past?.batchId ?? null;
  const epic = state.sprint?.epics.find(({ id }) => id === row.epic);
  const description = descriptionOf(state.descriptions, row);
  return h('header', { key: 'head', class: 'panel story-head', 'data-running': row.running.length > 0 || null },
    h('div', { key: 'title', class: 'story-title' }, h('h2', null, row.title), stateWord(row.status)),
    h('div', { key: 'names', class: 'story-names' },
      h('code', { class: 'key' }, row.key), copy(state, app, row.key),
      row.epic && h('a', { href: href({ view: 'board', batch, filters: { epic: row.epic } }) },
        `Epic ${row.epic}${epic?.title ? ` – ${epic.title}` : ''}`)),
    description && h('p', { key: 'description', class: 'text' }, description),
    row.phases.length > 0 && h('div', { key: 'track', class: 'story-track' }, phases(row)),
    row.running.map((running) => work(running, batch, now)),
    row.inBatch ? figures(state, row, now) : h('p', { key: 'none', class: 'quiet-text' }, outside(state, row)));
}

/** @param {import('../core/types.js').Running} running @param {number | null} batch @param {number} now */
function work({ command_id, command, task, doing, background, started_at }, batch, now) {
  return h('p', { key: `command ${command_id}`, class: 'story-work', 'data-tone': background ? 'idle' : 'running' },
    h('span', { class: 'breathing', 'aria-hidden': 'true' }, background ? '◌' : '◐'),
    h('a', { href: commandHref(command_id, batch) }, command),
    task && h('span', { class: 'mono' }, task),
    background && h('span', { class: 'badge' }, 'in the background'),
    doing && h('span', { class: 'cut grow quiet-text', title: doing }, doing),
    lasting(started_at, now));
}

/** @param {State} state @param {Row} row */
function outside(state, row) {
  const { board } = shown(state);
  const earlier = row.duration === null ? '' : ` Earlier ones worked on it for ${duration(row.duration)}.`;
  return (board.batch_id === null ? 'No batch has been run yet.' : `Batch ${board.batch_id} has not taken this story.`) + earlier;
}

/** @param {State} state @param {Row} row @param {number} now */
function figures(state, row, now) {
  const card = shown(state).board.stories[row.key];
  const all = /** @type {[string, Child][]} */ ([
    ['Reviews', row.reviews || '–'],
    ['Duration', row.since === null ? duration(row.duration) : lasting(row.since, now)],
    ['Cost', cost(row.cost)],
    ['Tokens', tokens(row.tokens)],
    ['Started', moment(card.started_at, state.now)],
    ['Ended', card.ended_at === null ? '–' : moment(card.ended_at, state.now)],
  ]);
  return h('dl', { key: 'figures', class: 'story-figures' },
    all.map(([name, value]) => h('div', { key: name }, h('dt', null, name), h('dd', null, value))));
}

/** @param {State} state @param {App} app @param {string} key */
function copy(state, app, key) {
  const done = state.local.copied?.key === key && state.now - state.local.copied.at < 3_000;
  const said = done ? (state.local.copied.ok ? '✓ Copied' : 'Select it and copy it yourself') : 'Copy key';
  return h('button', {
    class: 'quiet', onclick: async () => {
      // Only pages of this machine, or over TLS, may write to the clipboard.
      const ok = await Promise.resolve(navigator.clipboard?.writeText(key).then(() => true)).catch(() => false);
      app.store.keep('copied', { key, at: app.feed.now(), ok: ok === true });
    },
  }, said);
}

/** @param {State} state @param {Row} row */
function blocked(state, row) {
  const gone = /no longer in the sprint file/i.test(row.reason);
  const cure = cureOf(row.reason);
  return h('section', { key: 'blocked', class: 'story-blocked', 'aria-labelledby': 'blocked-title' },
    h('h3', { id: 'blocked-title' },
      h('span', { 'aria-hidden': 'true' }, '⊘ '), `Blocked: ${row.reason || 'no reason is on record'}`),
    cure && h('p', { class: 'text' }, cure),
    !state.past && h('p', { class: 'text' }, `To have it tried again, ${gone ? 'put this line back into ' : 'set it back in '}`,
      h('code', null, 'sprint-status.yaml'), ': ', h('code', null, `${row.key}: ready-for-dev`), ', or ',
      h('code', null, 'review'),
      ' when only its code review is to be repeated. The next cycle takes it.'));
}
