/**
 * What an agent said and did: the errors first, then card by card.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/cards.js').Card} Card
 * @typedef {import('../core/transcript.js').Opened} Opened
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { plural } from '../core/format.js';
import { placeOf } from '../core/cards.js';
import { next } from '../core/transcript.js';
import { empty, fault } from './parts.js';
import { card, failure } from './transcript_card.js';
import { mountPlace, place } from './transcript_scroll.js';
import { choice, down, filter, follows, jump, moved, reading, step, toEnd, toStart, up, windowOf } from './transcript_state.js';

const FAILURES = 5;
const SHOWS = [['', 'Everything'], ['errors', 'Errors'], ['tools', 'Tools'], ['text', 'Texts']];

/** @param {State} state @param {App} app @param {Opened} now */
export function transcript(state, app, now) {
  const shown = windowOf(state, now);
  const { visible, from, to } = shown;
  const { following, flags, seen } = reading(state);
  const { find } = choice(state);
  const running = now.row.ended_at === null;
  const edges = {
    up: () => up(app), down: () => down(app), moved: (/** @type {boolean} */ atEnd) => moved(app, atEnd),
    follows: follows(state) && to === visible.length, above: from > 0 || now.from > 0,
  };
  place()?.update(edges, now.loading !== '');
  const news = running && !following && seen >= 0 ? visible.length - placeOf(visible, seen + 1) : 0;
  return h('section', { key: `transcript ${now.id}`, class: 'panel transcript', 'aria-label': 'Transcript' },
    bar(state, app, now, visible),
    failures(app, now, state),
    now.error && fault(now.error),
    top(app, now, from),
    h('div', {
      key: 'entries', id: 'entries', class: 'entries', mount: (/** @type {HTMLElement} */ node) => mountPlace(node, edges),
    },
      h('span', { key: 'top', class: 'entries-top', 'aria-hidden': 'true' }),
      visible.slice(from, to).map((one) => card(one, { find, flags: flags[one.entry.id], running, root: now.root }, app))),
    bottom(app, now, shown, running),
    news > 0 && h('button', {
      key: 'fresh', class: 'primary transcript-fresh', onclick: () => void toEnd(app),
    }, `↓ ${news} new`));
}

/** @param {State} state @param {App} app @param {Opened} now @param {Card[]} visible */
function bar(state, app, now, visible) {
  const { show, find, thinking } = choice(state);
  const thoughts = now.cards.some(({ entry }) => entry.kind === 'thinking');
  const think = (/** @type {boolean} */ wanted) => app.store.set({ prefs: { ...app.store.state.prefs, thinking: wanted } });
  return h('div', { key: 'bar', class: 'panel-head transcript-bar' },
    h('h2', null, 'Transcript'),
    h('select', {
      'aria-label': 'Kind of entry', value: show,
      onchange: (/** @type {any} */ event) => filter(app, { kind: event.target.value }),
    }, SHOWS.map(([value, label]) => h('option', { key: value, value }, label))),
    h('input', {
      type: 'search', class: 'transcript-find', 'aria-label': 'Find in the transcript', placeholder: 'Find',
      title: 'Find (/), then n and N', 'aria-keyshortcuts': '/', autocomplete: 'off', spellcheck: 'false', value: find,
      oninput: (/** @type {any} */ event) => search(app, event.target.value),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && step(app, event.shiftKey ? -1 : 1),
    }),
    find && h('span', { key: 'steps', class: 'steps' },
      arrow('↑', 'Match before (N)', () => step(app, -1)), arrow('↓', 'Next match (n)', () => step(app, 1))),
    h('span', { key: 'count', class: 'quiet-text transcript-count' }, counted(now, visible)),
    thoughts && check('Thinking', 'What the agent thinks', thinking, think),
    now.row.ended_at === null && check('Follow', 'Stay at the end (f)', state.prefs.follow, (wanted) => follow(app, wanted)),
    h('span', { key: 'ends', class: 'steps' },
      arrow('⤒', 'To the beginning', () => void toStart(app)), arrow('⤓', 'To the end', () => void toEnd(app))));
}

/** @param {string} icon @param {string} label @param {() => void} go */
function arrow(icon, label, go) {
  return h('button', { class: 'quiet', title: label, 'aria-label': label, onclick: go }, icon);
}

/** @param {string} label @param {string} title @param {boolean} checked @param {(wanted: boolean) => void} set */
function check(label, title, checked, set) {
  return h('label', { key: label, class: 'choice', title }, h('input', {
    type: 'checkbox', checked, onchange: (/** @type {any} */ event) => set(event.target.checked),
  }), label);
}

/** @param {Opened} now @param {Card[]} visible */
function counted({ cards, from, atEnd }, visible) {
  const all = `${plural(cards.length, 'entry', 'entries')}${from > 0 || !atEnd ? ' loaded' : ''}`;
  return visible.length === cards.length ? all : `${visible.length} of ${all}`;
}

/** Where one was stays in sight when the words are taken away again. @param {App} app @param {string} find */
function search(app, find) {
  const current = place()?.current;
  filter(app, { q: find });
  if (!find && current) jump(app, Number(current.dataset.rank), false);
}

/** @param {App} app @param {boolean} wanted */
export function follow(app, wanted) {
  app.store.set({ prefs: { ...app.store.state.prefs, follow: wanted } });
  if (wanted) void toEnd(app);
}

/** @param {App} app @param {Opened} now @param {State} state */
function failures(app, now, state) {
  const failed = now.cards.filter((one) => one.failed);
  if (failed.length === 0 || choice(state).show === 'errors') return null;
  return h('div', { key: 'failures', class: 'failures', role: 'group', 'aria-label': 'Errors', deps: [now.cards] }, () => [
    ...failed.slice(0, FAILURES).map((one) => failure(one, () => jump(app, one.rank))),
    failed.length > FAILURES && h('button', {
      key: 'all', class: 'quiet', onclick: () => filter(app, { kind: 'errors' }),
    }, `All ${failed.length} errors`),
  ]);
}

/** @param {App} app @param {Opened} now @param {number} from */
function top(app, now, from) {
  if (from === 0 && now.from === 0) return null;
  if (now.loading === 'before') return sentinel('before', 'Loading…');
  return sentinel('before', ask('Earlier entries', () => up(app)));
}

/**
 * @param {App} app
 * @param {Opened} now
 * @param {import('./transcript_state.js').Window} shown
 * @param {boolean} running
 * @returns {Child}
 */
function bottom(app, now, { visible, to }, running) {
  if (!now.asked) return sentinel('behind', now.error ? '' : 'Loading the transcript…');
  if (to < visible.length) return sentinel('behind', ask('Later entries', () => down(app)));
  if (!now.atEnd) return sentinel('behind', now.loading ? 'Loading…' : ask('Load more', () => void next(app.store)));
  if (now.cards.length === 0) {
    return running ? empty('Nothing was printed yet', 'What the agent says and does stands here as it happens.')
      : empty('Nothing was printed', 'This agent ended without a word.');
  }
  if (visible.length === 0) {
    return h('div', { key: 'none', class: 'empty' }, h('h3', null, 'No entry matches'),
      h('button', { onclick: () => filter(app, { kind: '', q: '' }) }, 'Show everything'));
  }
  if (!running) return sentinel('behind', 'End of the transcript');
  const sign = h('span', { class: 'breathing', 'aria-hidden': 'true' }, '◐');
  return sentinel('behind', h('span', null, sign, ' The agent is at work'));
}

/** @param {string} label @param {() => void} go */
function ask(label, go) {
  return h('button', { class: 'quiet', onclick: go }, label);
}

/** What stands at an end. @param {string} key @param {Child} child */
function sentinel(key, child) {
  return h('p', { key, class: 'sentinel' }, child);
}
