/**
 * Orders: start, stop, pause, resume. Each is pending until an event of the runner's confirms it, or it is refused. When
 * its answer is lost, nobody knows: that is said until an event tells.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').Pending} Pending
 * @typedef {import('./types.js').Toast} Toast
 * @typedef {import('./store.js').Store} Store
 * @typedef {'start' | 'stop' | 'pause' | 'resume'} Name
 */
import { ApiError, send } from './api.js';
import { retract, toast } from './toasts.js';

/** @type {Record<string, (event: Envelope) => boolean>} */
const CONFIRMS = {
  start: ({ type }) => type === 'batch:start',
  stop: ({ type, payload }) => type === 'batch:end' || (type === 'batch:state' && payload.state === 'stopping'),
  pause: ({ type, payload }) => type === 'batch:end' || (type === 'batch:state' && /^paus/.test(payload.state)),
  resume: ({ type, payload }) => type === 'batch:start' || (type === 'batch:state' && payload.state === 'running'),
};

/**
 * The orders that are still open after these events; a refusal stays until the next order.
 * @param {Record<string, Pending>} orders
 * @param {Envelope[]} events
 */
export function confirmed(orders, events) {
  const open = Object.entries(orders).filter(([name, { error }]) => error || !events.some(CONFIRMS[name]));
  return open.length === Object.keys(orders).length ? orders : Object.fromEntries(open);
}

/**
 * The messages that still say something after these events: what was not known is.
 * @param {Toast[]} toasts
 * @param {Envelope[]} events
 */
export function undecided(toasts, events) {
  const settled = Object.keys(CONFIRMS).filter((name) => events.some(CONFIRMS[name])).map(doubt);
  return toasts.filter(({ about = '' }) => !settled.includes(about));
}

/** Whether it was given and neither confirmed nor refused. @param {State} state @param {string} name */
export function isOpen({ orders }, name) {
  return Boolean(orders[name] && !orders[name].error);
}

/**
 * Give an order, once: what was pressed twice before it could be drawn is one press.
 * @param {Store} store
 * @param {Name} name
 * @param {object} [body]
 */
export async function order(store, name, body = {}) {
  if (isOpen(store.state, name) || hindrance(store.state, name)) return;
  forget(store);
  const given = { since: Date.now(), error: '', hint: '' };
  store.set({ orders: { ...store.state.orders, [name]: given } });
  try {
    await send('POST', `/api/orchestrator/${name}`, body);
  } catch (error) {
    const { message, hint, status } = error instanceof ApiError ? error : new ApiError(String(error), '', 0);
    const { [name]: open, ...others } = store.state.orders;
    if (status > 0) store.set({ orders: { ...others, [name]: { ...given, error: message, hint } } });
    // Unless an event has told meanwhile.
    else if (open === given) {
      store.set({ orders: others });
      toast(store, unanswered(name));
    }
  }
}

/** What came of earlier orders is over with the next one, of whatever name. @param {Store} store */
function forget(store) {
  store.set({ orders: Object.fromEntries(Object.entries(store.state.orders).filter(([, { error }]) => !error)) });
  Object.keys(CONFIRMS).forEach((name) => retract(store, doubt(name)));
}

/** What a message about a lost answer is about. @param {string} name */
function doubt(name) {
  return `order ${name}`;
}

/** @param {Name} name @returns {import('./toasts.js').Said} */
function unanswered(name) {
  return {
    tone: 'warning', stays: true, about: doubt(name), title: `Not known: ${name}`,
    text: 'The runner did not answer; it may do it or not. If nothing changes, press it again.',
  };
}

/**
 * Why an order cannot be given now; empty when it can.
 * @param {State} state
 * @param {Name} name
 * @returns {string}
 */
export function hindrance(state, name) {
  if (state.line.state !== 'live') return 'No connection to the runner';
  if (!state.loaded) return 'Loading';
  const now = present(state);
  const active = ['starting', 'running', 'pausing', 'paused', 'waiting_limit', 'stopping'].includes(now);
  switch (name) {
    case 'start':
      return active ? 'A batch is running' : '';
    case 'stop':
      return active ? '' : 'Nothing runs';
    case 'pause':
      if (now === 'running') return '';
      return active ? `The batch is ${now === 'waiting_limit' ? 'waiting' : now} already` : 'Nothing runs';
    default:
      if (['pausing', 'paused', 'waiting_limit'].includes(now)) return '';
      return active ? 'The batch is running' : state.overview?.resumable ? '' : 'There is no unfinished batch';
  }
}

/**
 * What the present batch is doing: idle, starting, running, pausing, paused, waiting_limit, stopping.
 * @param {State} state
 */
export function present({ live: { board }, overview }) {
  if (board.ended_at === null && board.batch_id !== null && board.state !== 'idle') return board.state;
  // A batch that is over by its events: only a start that has not told anything yet is more than idle.
  return overview?.status === 'starting' ? 'starting' : 'idle';
}
