/**
 * Toasts: what happened while one looked elsewhere. Errors stay until they are closed, the others go after a while;
 * the same thing said again is counted, not piled up; what is no longer so is taken back.
 *
 * @typedef {import('./types.js').Toast} Toast
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./store.js').Store} Store
 * @typedef {Omit<Toast, 'id' | 'count'>} Said
 */
import { plural } from './format.js';
import { isInformation } from './log_line.js';
import { href } from './router.js';

const STAYS_MS = 6_000;
/** More of them, and the oldest go; errors only from so many on that nobody would read them. */
const MOST = 5;
const MOST_ERRORS = 50;
const END = 'end of batch';
let lastId = 0;

/**
 * Show a toast.
 * @param {Store} store
 * @param {Said} said
 */
export function toast(store, said) {
  const { toasts } = store.state;
  const same = toasts.find(({ title, text }) => title === said.title && text === said.text);
  const shown = { ...said, id: same?.id ?? ++lastId, count: (same?.count ?? 0) + 1 };
  store.set({ toasts: fitting([...toasts.filter((one) => one !== same), shown]) });
  if (!lasts(shown)) setTimeout(() => pass(store, shown), STAYS_MS);
}

/** @param {Store} store @param {number} id */
export function dismiss(store, id) {
  store.set({ toasts: store.state.toasts.filter((one) => one.id !== id) });
}

/** Take back what was said about something. @param {Store} store @param {string} about */
export function retract(store, about) {
  const { toasts } = store.state;
  if (toasts.some((one) => one.about === about)) store.set({ toasts: toasts.filter((one) => one.about !== about) });
}

/** Its time is over, unless it was said again meanwhile. @param {Store} store @param {Toast} shown */
function pass(store, { id, count }) {
  if (store.state.toasts.some((one) => one.id === id && one.count === count)) dismiss(store, id);
}

/** @param {Said} said */
function lasts({ tone, stays = false }) {
  return tone === 'error' || stays;
}

/** Without the oldest of those that would go by themselves; the newest is always shown. @param {Toast[]} toasts */
function fitting(toasts) {
  const passing = toasts.slice(0, -1).filter((one) => !lasts(one));
  const gone = new Set(passing.slice(0, Math.max(0, toasts.length - MOST)));
  return toasts.filter((one) => !gone.has(one)).slice(-MOST_ERRORS);
}

/**
 * Say of an event what has to be said.
 * @param {Store} store
 * @param {Envelope} event
 */
export function tell(store, event) {
  if (event.type === 'batch:start') retract(store, END);
  const said = wording(event);
  if (!said) return;
  toast(store, said);
  if (store.state.prefs.notify && document.hidden && said.tone !== 'info' && Notification.permission === 'granted') {
    // Tagged by its title: a hundred of the same are one in the list of the desktop.
    new Notification(`Sprint Runner: ${said.title}`, { body: said.text, tag: said.title });
  }
}

/**
 * @param {Envelope} event
 * @returns {Said | null}
 */
export function wording({ type, payload }) {
  switch (type) {
    case 'batch:warning':
      return isInformation(payload.warning_type)
        ? { tone: 'info', title: `Note: ${payload.warning_type}`, text: payload.message }
        : { tone: 'warning', title: `Warning: ${payload.warning_type}`, text: payload.message };
    case 'batch:end':
      return ended(payload);
    case 'batch:state':
      return payload.state === 'waiting_limit' ? { tone: 'warning', title: 'Waiting for a usage limit', text: payload.detail } : null;
    case 'story:status':
      if (payload.new_status !== 'blocked') return null;
      return { tone: 'warning', title: `Blocked: ${payload.story_key}`, text: payload.reason, href: href({ view: 'story', story: payload.story_key }) };
    case 'supervisor:restart':
      return { tone: 'warning', title: `Restarted: ${payload.child}`, text: payload.reason };
    case 'supervisor:escalate':
      return { tone: 'error', title: `Gave up: ${payload.child}`, text: payload.reason };
    case 'context:error':
      return { tone: 'warning', title: 'Warning: project context', text: payload.message };
    case 'error':
      return { tone: 'error', title: `Error: ${payload.type}`, text: payload.message };
    default:
      return null;
  }
}

/** @param {Record<string, any>} payload @returns {Said} */
function ended({ status, cycles_completed, reason, batch_id }) {
  const text = `Batch ${batch_id}: ${reason || `${plural(cycles_completed, 'cycle')} completed`}`;
  if (status === 'error') return { tone: 'error', title: 'Batch ended with an error', text };
  return status === 'completed' ? { tone: 'success', title: 'Batch completed', text, about: END }
    : { tone: 'info', title: 'Batch stopped', text, about: END };
}
