/**
 * A story on the board: what it is, where it stands, what runs for it and what it took.
 *
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { cost, duration, plural, stateOf, tokens } from '../core/format.js';
import { href } from '../core/router.js';
import { columnOf, OTHER } from '../core/stories.js';
import { phaseWord, track } from '../core/story_phases.js';
import { commandHref, state as stateWord } from './parts.js';
import { lasting } from './story_time.js';
import { tipFor } from './story_tip.js';

const ICONS = { done: '✓', running: '◐', current: '▸', blocked: '⊘', skipped: '–', todo: '·' };
const TONES = { done: 'success', running: 'running', current: 'waiting', blocked: 'error', skipped: 'idle', todo: 'idle' };
const WORDS = {
  done: 'done', running: 'running', current: 'here', blocked: 'blocked here', skipped: 'not needed', todo: 'not yet',
};

/**
 * @param {Row} row
 * @param {{app: App, batch: number | null, now: number, description: string}} with_
 */
export function storyCard(row, { app, batch, now, description }) {
  const { key, short, title } = row;
  // Ids are separated by blanks where they are listed, and a key may have some.
  const id = `about-${encodeURIComponent(key)}`;
  // What was done before is only counted: one line each.
  const quiet = row.status === 'done' && !row.inBatch;
  const tip = description ? tipFor(app, key) : null;
  return h('li', {
    key, class: 'story-card', 'data-quiet': quiet || null, 'data-batch': row.inBatch || null,
    'data-running': row.running.length > 0 || null,
    title: description ? null : `${key}: ${title}`, ...tip?.owner,
  },
    h('a', {
      class: 'story-card-link', href: href({ view: 'story', story: key, batch }),
      'aria-describedby': tip ? id : null, ...tip?.link,
    },
      h('span', { class: 'key' }, short), ' ', h('span', { class: 'story-card-title' }, title)),
    columnOf(row.status) === OTHER && h('p', { class: 'story-card-line' }, stateWord(row.status)),
    row.phases.length > 0 && row.status !== 'done' && phases(row),
    row.running.map((running) => work(running, batch, now)),
    row.status === 'blocked' && h('p', { class: 'story-card-blocked', 'data-tone': row.reason ? 'error' : null },
      h('span', { 'aria-hidden': 'true' }, '⊘ '), row.reason || 'No reason is on record'),
    !quiet && figures(row, now),
    description && h('span', { id, hidden: true }, description));
}

/** The way through the phases. @param {Row} row */
export function phases(row) {
  return h('ol', { key: 'phases', class: 'story-phases', 'aria-label': 'Phases' }, track(row).map(({ phase, state }) => {
    const number = phase === 'code-review' && row.reviews > 0 ? ` ${row.reviews}` : '';
    const word = `${phaseWord(phase)}${number}`;
    return h('li', { key: phase, 'data-tone': TONES[state], 'data-state': state, title: `${phase}${number}: ${WORDS[state]}` },
      h('span', { 'aria-hidden': 'true', class: state === 'running' ? 'breathing' : '' }, ICONS[state]),
      h('span', { class: 'story-phase-word', 'aria-hidden': 'true' }, word),
      h('span', { class: 'hidden' }, `${word}: ${WORDS[state]}`));
  }));
}

/** @param {import('../core/stories.js').Running} running @param {number | null} batch @param {number} now */
function work(running, batch, now) {
  const { icon, tone } = running.background ? { icon: '◌', tone: 'idle' } : stateOf('running');
  const said = running.doing && running.doing !== running.task ? running.doing : '';
  const title = [running.command, running.task, said].filter((part) => part).join(' · ');
  return h('p', { key: `command ${running.command_id}`, class: 'story-card-work', 'data-tone': tone },
    h('a', { href: commandHref(running.command_id, batch), title },
      h('span', { 'aria-hidden': 'true', class: 'breathing' }, icon), ' ', running.command,
      running.task && h('span', { class: 'quiet-text' }, ` · ${running.task}`),
      running.attempt > 1 && h('span', { class: 'quiet-text' }, ` · attempt ${running.attempt}`),
      running.background && h('span', { class: 'hidden' }, ' in the background')),
    lasting(running.started_at, now));
}

/** @param {Row} row @param {number} now @returns {Child} */
function figures(row, now) {
  const parts = /** @type {[string, Child, string][]} */ ([
    ['reviews', row.reviews > 0 && plural(row.reviews, 'review'), 'Code reviews'],
    ['took', took(row, now), row.inBatch ? 'Time in this batch' : 'Time in earlier batches'],
    ['cost', row.cost !== null && cost(row.cost), row.tokens === null ? '' : `Cost in this batch, ${tokens(row.tokens)} tokens`],
  ]).filter(([, value]) => value);
  if (parts.length === 0) return null;
  return h('p', { key: 'figures', class: 'story-card-figures' },
    parts.map(([name, value, title]) => h('span', { key: name, title }, value)));
}

/** @param {Row} row @param {number} now */
function took({ since, duration: took }, now) {
  return since === null ? took !== null && duration(took) : lasting(since, now);
}
