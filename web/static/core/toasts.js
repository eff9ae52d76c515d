/**
 * Toasts: what happened while one looked elsewhere. Errors stay until they are closed, the others go after a while;
 * the same thing said again is counted, not piled up.
 *
 * @typedef {import('./types.js').Toast} Toast
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./store.js').Store} Store
 */
import { plural } from './format.js';
import { isInformation } from './log_line.js';
import { href } from './router.js';

const STAYS_MS = 6_000;
const MOST = 5;
let lastId = 0;

/**
 * Show a toast.
 * @param {Store} store
 * @param {{tone: Toast['tone'], title: string, text: string, href?: string}} said
 */
export function toast(store, said) {
  const { toasts } = store.state;
  const same = toasts.find(({ title, text }) => title === said.title && text === said.text);
  const id = same?.id ?? ++lastId;
  const others = toasts.filter((one) => one !== same);
  store.set({ toasts: [...others, { ...said, id, count: (same?.count ?? 0) + 1 }].slice(-MOST) });
  if (said.tone !== 'error') setTimeout(() => dismiss(store, id), STAYS_MS);
}

/** @param {Store} store @param {number} id */
export function dismiss(store, id) {
  store.set({ toasts: store.state.toasts.filter((one) => one.id !== id) });
}

/**
 * Say of an event what has to be said.
 * @param {Store} store
 * @param {Envelope} event
 */
export function tell(store, event) {
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
 * @returns {{tone: Toast['tone'], title: string, text: string, href?: string} | null}
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

/** @param {Record<string, any>} payload @returns {{tone: Toast['tone'], title: string, text: string}} */
function ended({ status, cycles_completed, reason, batch_id }) {
  const text = `Batch ${batch_id}: ${reason || `${plural(cycles_completed, 'cycle')} completed`}`;
  if (status === 'completed') return { tone: 'success', title: 'Batch completed', text };
  return status === 'error' ? { tone: 'error', title: 'Batch ended with an error', text } : { tone: 'info', title: 'Batch stopped', text };
}
