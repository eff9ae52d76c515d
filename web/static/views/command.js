/**
 * A command: what came of it, and what its agent said and did.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {import('../core/dom.js').Child} Child
 */
import { cards, chosen } from '../core/cards.js';
import { h } from '../core/dom.js';
import { rove } from '../core/keys.js';
import { shown } from '../core/scene.js';
import { more, need } from '../core/transcript.js';
import { commandHead } from './command_head.js';
import { empty, fault } from './parts.js';
import { card } from './transcript_card.js';

/** Cards that are in the document at the same time. */
const MOST_CARDS = 200;
const STEP = 100;

/** @param {State} state @param {App} app @returns {Child[]} */
export function command(state, app) {
  const id = state.route.command;
  if (id === null) return [fault('There is no such command.')];
  const running = state.live.board.running[id];
  const mark = running?.last_at ?? state.live.attempts[id]?.status ?? 'past';
  queueMicrotask(() => need(app.store, id, mark));
  const now = state.local.command;
  if (now?.id !== id || (!now.row && !now.error)) return [h('p', { class: 'loading', role: 'status' }, 'Loading the command…')];
  if (!now.row) return [fault(now.error, 'Commands of batches that were removed are gone with them.')];
  return [
    commandHead(now.row, shown(state), state, app),
    transcript(now, state, app),
  ];
}

/** @param {any} now @param {State} state @param {App} app */
function transcript(now, state, app) {
  const keep = (/** @type {Record<string, any>} */ changes) => app.store.keep('command', changes);
  const choice = { thinking: state.prefs.thinking, show: now.show, find: now.find };
  const all = cards(now.entries);
  const fit = chosen(all, choice);
  const failed = all.filter((one) => one.failed).length;
  const from = Math.min(now.from, Math.max(0, fit.length - 1));
  const shownNow = fit.slice(from, from + MOST_CARDS);
  const below = fit.length - from - shownNow.length;
  return h('section', { key: 'transcript', class: 'panel transcript', 'aria-label': 'Transcript' },
    h('div', { class: 'panel-head' },
      h('h2', null, 'Transcript'),
      h('select', { 'aria-label': 'Show', value: now.show, onchange: (/** @type {any} */ event) => keep({ show: event.target.value, from: 0 }) },
        ...[['', 'Everything'], ['errors', `Errors (${failed})`], ['tools', 'Tool calls'], ['text', 'What it says']].map(([value, label]) => h('option', { key: value, value }, label))),
      h('input', { type: 'search', 'aria-label': 'Find in the transcript', placeholder: 'Find  /', value: now.find, oninput: (/** @type {any} */ event) => keep({ find: event.target.value, from: 0 }) }),
      h('label', { class: 'choice' }, h('input', {
        type: 'checkbox', checked: state.prefs.thinking,
        onchange: (/** @type {any} */ event) => app.store.set({ prefs: { ...app.store.state.prefs, thinking: event.target.checked } }),
      }), 'thinking'),
      h('span', { class: 'quiet-text log-count' }, `${fit.length} of ${all.length}${now.atEnd ? '' : '+'}`)),
    now.error && fault(now.error),
    from > 0 && h('button', { key: 'before', class: 'quiet transcript-more', onclick: () => keep({ from: Math.max(0, from - STEP) }) }, `${from} before`),
    h('ol', { key: 'cards', class: 'entries', mount: following }, ...shownNow.map((one) => card(one, now.expanded[one.entry.id], (open) => keep({ expanded: { ...app.store.state.local.command.expanded, [one.entry.id]: open } }), app))),
    fit.length === 0 && now.atEnd && (all.length ? empty('Nothing fits') : empty('Nothing was printed', now.row.ended_at ? 'This agent said nothing.' : 'The agent has said nothing yet.')),
    (below > 0 || !now.atEnd) && h('button', {
      key: 'behind', class: 'quiet transcript-more', disabled: now.loading, mount: (/** @type {HTMLElement} */ node) => whenSeen(node),
      onclick: () => (below > 0 ? keep({ from: from + STEP }) : void more(app.store, now.id)),
    }, now.loading ? 'Loading…' : below > 0 ? `${below} more` : 'More'));
}

/** What is scrolled to is pressed. @param {HTMLElement} button */
function whenSeen(button) {
  const observer = new IntersectionObserver((seen) => {
    if (seen.some(({ isIntersecting }) => isIntersecting)) button.click();
  }, { rootMargin: '400px' });
  observer.observe(button);
  return () => observer.disconnect();
}

/** Who stands at the end stays there; who scrolled up is left alone. @param {HTMLElement} list */
function following(list) {
  const page = () => list.closest('.main') ?? document.documentElement;
  let atEnd = false;
  const look = () => {
    const { scrollTop, clientHeight, scrollHeight } = page();
    atEnd = scrollTop > 0 && scrollTop + clientHeight >= scrollHeight - 60;
  };
  const observer = new MutationObserver(() => {
    if (atEnd) page().scrollTop = page().scrollHeight;
  });
  observer.observe(list, { childList: true });
  document.addEventListener('scroll', look, { capture: true, passive: true });
  return () => {
    observer.disconnect();
    document.removeEventListener('scroll', look, { capture: true });
  };
}

/** @param {State} state @param {App} app @returns {Keys} */
export function commandKeys(state, app) {
  return {
    j: { help: 'Next card', run: () => rove('.entry-head', 1) },
    k: { help: 'Card before', run: () => rove('.entry-head', -1) },
    e: { help: 'Errors only, or everything', run: () => app.store.keep('command', { show: state.local.command?.show === 'errors' ? '' : 'errors', from: 0 }) },
    c: { help: 'Copy the card', run: () => /** @type {HTMLElement | null} */ (document.activeElement?.closest('.entry')?.querySelector('.entry-copy'))?.click() },
  };
}
