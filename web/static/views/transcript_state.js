/**
 * What is shown of a transcript: which cards fit, which of them are in the document, and where one goes from there.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/cards.js').Card} Card
 * @typedef {import('../core/transcript.js').Opened} Opened
 *
 * @typedef {Record<string, boolean>} Flags - Which parts of a card somebody has opened or closed.
 * @typedef {object} Reading
 * @property {number} first - The rank of the first card in the document; Infinity: the last ones, whatever comes.
 * @property {boolean} following - Whether one stands at the end.
 * @property {number} seen - The last card there was when one left the end; -1: none.
 * @property {Record<string, Flags>} flags - By the entry's id.
 *
 * @typedef {{visible: Card[], from: number, to: number}} Window
 */
import { chosen, placeOf } from '../core/cards.js';
import { go } from '../core/router.js';
import { before, next, opened, start, tail } from '../core/transcript.js';
import { place } from './transcript_scroll.js';

/** Cards in the document at the same time, and how far they are moved at once. */
const MOST_CARDS = 200;
const STEP = 50;

/** @type {Reading} */
const FRESH = { first: 0, following: false, seen: -1, flags: {} };
/** @type {{cards: Card[], wanted: string, found: Card[]}} */
let last = { cards: [], wanted: '', found: [] };

/** @param {State} state @returns {Reading} */
export function reading({ local, route }) {
  return { ...FRESH, ...local[`reading ${route.command}`] };
}

/** @param {App} app @param {Partial<Reading>} changes */
export function keep(app, changes) {
  app.store.keep(`reading ${app.store.state.route.command}`, changes);
}

/** @param {State} state */
export function choice({ prefs, route: { filters } }) {
  return { thinking: Boolean(prefs.thinking), show: filters.kind ?? '', find: filters.q ?? '' };
}

/** The cards that fit. @param {State} state @param {Opened} now */
export function fitting(state, now) {
  const wanted = choice(state);
  const name = JSON.stringify(wanted);
  // The page is drawn with every event, and looking through megabytes takes longer than drawing.
  if (last.cards !== now.cards || last.wanted !== name) {
    last = { cards: now.cards, wanted: name, found: chosen(now.cards, wanted) };
  }
  return last.found;
}

/** @param {State} state @param {Opened} now @returns {Window} */
export function windowOf(state, now) {
  const visible = fitting(state, now);
  const { first } = reading(state);
  const lastFrom = Math.max(0, visible.length - MOST_CARDS);
  const from = first === Infinity ? lastFrom : Math.min(placeOf(visible, first), lastFrom);
  return { visible, from, to: Math.min(visible.length, from + MOST_CARDS) };
}

/** Whether somebody waits for what comes. @param {State} state */
export function follows(state) {
  const { command } = state.route;
  const running = command !== null && Object.hasOwn(state.live.board.running, command);
  return running && state.prefs.follow && reading(state).following;
}

/** @param {App} app */
function present(app) {
  const now = opened(app.store);
  return now?.row ? { now, ...windowOf(app.store.state, now) } : null;
}

/** More of what comes behind. @param {App} app */
export function down(app) {
  const here = present(app);
  if (!here) return;
  const { now, visible, from, to } = here;
  if (to < visible.length) keep(app, { first: visible[from + STEP]?.rank ?? Infinity });
  else if (!now.atEnd && !now.loading && !now.error) void next(app.store);
}

/** More of what stands in front. @param {App} app */
export function up(app) {
  const here = present(app);
  if (!here) return;
  const { now, visible, from } = here;
  if (from > 0) keep(app, { first: visible[Math.max(0, from - STEP)].rank });
  else if (now.from > 0 && !now.loading && !now.error) void before(app.store);
}

/** Somebody has scrolled. @param {App} app @param {boolean} atEnd - Of what is in the document. */
export function moved(app, atEnd) {
  const here = present(app);
  if (!here) return;
  const { now, visible, from, to } = here;
  const { following, seen } = reading(app.store.state);
  const there = atEnd && to === visible.length && now.atEnd;
  const newest = visible.at(-1)?.rank ?? -1;
  const first = visible[from]?.rank ?? 0;
  if (there && !following) keep(app, { following: true, first: app.store.state.prefs.follow ? Infinity : first, seen: newest });
  else if (!there && following) keep(app, { following: false, first, seen: newest });
  else if (there && seen !== newest) keep(app, { seen: newest });
}

/** Go to a card, or to the next one that fits. @param {App} app @param {number} rank @param {boolean} [focus] */
export function jump(app, rank, focus = true) {
  const here = present(app);
  if (!here) return;
  const { visible, from, to } = here;
  const at = Math.min(placeOf(visible, rank), visible.length - 1);
  if (at < 0) return;
  const inside = at >= from && at < to;
  keep(app, { following: false, first: visible[inside ? from : Math.max(0, at - STEP)].rank });
  place()?.bring(visible[at].rank, focus);
}

/** @param {App} app */
export async function toStart(app) {
  if ((opened(app.store)?.from ?? 0) > 0) await start(app.store);
  jump(app, 0);
}

/** @param {App} app */
export async function toEnd(app) {
  if (!opened(app.store)?.atEnd) await tail(app.store);
  jump(app, Infinity);
  keep(app, { following: true, ...(app.store.state.prefs.follow && { first: Infinity }) });
}

/**
 * The next card that fits, from the one that is read; round and round.
 * @param {App} app
 * @param {number} by
 * @param {(card: Card) => boolean} [wanted]
 */
export function step(app, by, wanted = () => true) {
  const { visible = [] } = present(app) ?? {};
  const current = place()?.current;
  // A button that was pressed has taken the focus from the card that it led to.
  const visited = current && (current === document.activeElement || current === place()?.arrived);
  const at = current ? placeOf(visible, Number(current.dataset.rank)) : -1;
  // The first step goes to the card that is read, the next ones on from there.
  const begin = visited || by < 0 || !current ? at + by : at;
  for (let count = 0; count < visible.length; count += 1) {
    const to = (((begin + count * by) % visible.length) + visible.length) % visible.length;
    if (wanted(visible[to])) return jump(app, visible[to].rank);
  }
}

/** Set filters of the address. @param {App} app @param {Record<string, string>} changes */
export function filter(app, changes) {
  const { route } = app.store.state;
  go({ ...route, filters: { ...route.filters, ...changes } }, { replace: true });
}

/** Open or close a part of a card. @param {App} app @param {string} id @param {string} part @param {boolean} open */
export function flag(app, id, part, open) {
  const { flags } = reading(app.store.state);
  keep(app, { flags: { ...flags, [id]: { ...flags[id], [part]: open } } });
}
