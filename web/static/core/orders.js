/**
 * Orders: start, stop, pause, resume. Each is pending until an event of the runner's confirms it, or it is refused.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').Pending} Pending
 * @typedef {import('./store.js').Store} Store
 */
import { ApiError, send } from './api.js';

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
 * Give an order.
 * @param {Store} store
 * @param {'start' | 'stop' | 'pause' | 'resume'} name
 * @param {object} [body]
 */
export async function order(store, name, body = {}) {
  const note = (/** @type {Pending | null} */ pending) => {
    const { [name]: _, ...others } = store.state.orders;
    store.set({ orders: pending ? { ...others, [name]: pending } : others });
  };
  // What was refused before is over, of whatever name.
  store.set({ orders: Object.fromEntries(Object.entries(store.state.orders).filter(([, { error }]) => !error)) });
  note({ since: Date.now(), error: '', hint: '' });
  try {
    await send('POST', `/api/orchestrator/${name}`, body);
  } catch (error) {
    const { message, hint } = error instanceof ApiError ? error : new ApiError(String(error), '', 0);
    note({ since: Date.now(), error: message, hint });
  }
}

/**
 * Why an order cannot be given now; empty when it can.
 * @param {State} state
 * @param {'start' | 'stop' | 'pause' | 'resume'} name
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
