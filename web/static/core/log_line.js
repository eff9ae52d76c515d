/**
 * An event as a line of the log: `HH:MM:SS story command task status message`.
 *
 * @typedef {import('./types.js').LogLine} LogLine
 * @typedef {import('./types.js').Envelope} Envelope
 */
import { cost, duration, plural, tokens as amount } from './format.js';

const INFORMATION = new Set(['context_unavailable']);
/** @type {Record<string, LogLine['tone']>} */
const TONES = {
  success: 'success', completed: 'success', complete: 'success', done: 'success', fresh: 'success', running: 'running',
  start: 'running', starting: 'running', started: 'running', end: 'idle', error: 'error', failed: 'error',
  blocked: 'error', interrupted: 'warning', limit: 'waiting', paused: 'waiting', pausing: 'waiting',
  waiting_limit: 'waiting', stopping: 'warning', stopped: 'idle',
};

/** What an event without a message tells, where its type and status are no words for it. @type {Record<string, string>} */
const SAYINGS = {
  'context:create': 'the project context is written', 'context:complete': 'the project context is ready',
  'context:fresh': 'the project context is recent enough', 'background:start': 'goes on in the background',
  'background:end': 'in the background',
};

/** Whether a warning only tells something. @param {string} warningType */
export function isInformation(warningType) {
  return INFORMATION.has(warningType);
}

/**
 * @param {Envelope} event
 * @returns {LogLine}
 */
export function logLine({ seq, type, timestamp, payload }) {
  const status = statusOf(type, payload);
  return {
    seq,
    at: timestamp,
    type,
    kind: type === 'command:progress' ? text(payload.kind) : type.split(':')[0],
    story: text(payload.story_key) || list(payload.story_keys) || text(payload.context?.story_key),
    command: text(payload.command) || text(payload.context?.command) || text(payload.task_type) || type.split(':')[0],
    task: text(payload.task_id),
    status,
    message: messageOf(type, payload),
    commandId: Number.isInteger(payload.command_id) ? payload.command_id : null,
    tone: toneOf(type, payload, status),
  };
}

/** Whether it says no more than that a tool is done, which its beginning told of. @param {LogLine} line */
export function isEcho({ kind, status, message }) {
  return kind === 'tool' && status === 'end' && !message.includes(' failed: ');
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}

/** @param {unknown} value */
function list(value) {
  return Array.isArray(value) ? value.join(',') : '';
}

/** @param {string} type @param {Record<string, any>} payload */
function statusOf(type, payload) {
  if (type === 'batch:state') return text(payload.state);
  if (type === 'story:status') return text(payload.new_status);
  if (type === 'batch:warning') return isInformation(payload.warning_type) ? 'info' : 'warning';
  if (type === 'command:progress') return text(payload.status) || text(payload.kind);
  return text(payload.status) || type.split(':')[1] || 'error';
}

/** @param {string} type @param {Record<string, any>} payload @param {string} status @returns {LogLine['tone']} */
function toneOf(type, payload, status) {
  if (type === 'error' || type === 'supervisor:escalate') return 'error';
  if (type === 'batch:warning') return isInformation(payload.warning_type) ? 'idle' : 'warning';
  if (type === 'supervisor:restart') return 'warning';
  if (type === 'cycle:end') return payload.blocked_stories?.length ? 'warning' : 'success';
  if (type === 'command:progress') return payload.kind === 'task' && status === 'start' ? 'running' : 'idle';
  return Object.hasOwn(TONES, status) ? TONES[status] : 'idle';
}

/** @param {string} type @param {Record<string, any>} payload */
function messageOf(type, payload) {
  switch (type) {
    case 'batch:start':
      return `batch ${payload.batch_id}, ${cyclesOf(payload.max_cycles)}${payload.resumed ? ', resumed' : ''}`;
    case 'batch:end':
      return text(payload.reason) || `${plural(payload.cycles_completed, 'cycle')} completed`;
    case 'batch:state':
      return text(payload.detail);
    case 'batch:warning':
      return `${payload.warning_type}: ${payload.message}`;
    case 'cycle:start':
      return `cycle ${payload.cycle_number}`;
    case 'cycle:end':
      return cycleEnded(payload);
    case 'story:start':
      return `epic ${payload.epic_id}`;
    case 'story:status':
      return `${payload.old_status} → ${payload.new_status}: ${payload.reason}`;
    case 'command:start':
      return [`attempt ${payload.attempt}`, payload.model, payload.background && 'in the background'].filter(Boolean).join(', ');
    case 'command:end':
      return ended(payload);
    case 'supervisor:restart':
    case 'supervisor:escalate':
      return `${payload.child}: ${payload.reason} (${payload.restarts})`;
    default:
      return text(payload.message) || text(payload.reason) || (Object.hasOwn(SAYINGS, type) ? SAYINGS[type] : '');
  }
}

/** @param {number | 'all'} cycles */
function cyclesOf(cycles) {
  return cycles === 'all' ? 'until no story is left' : plural(cycles, 'cycle');
}

/** @param {Record<string, any>} payload */
function cycleEnded({ cycle_number, completed_stories, blocked_stories }) {
  const blocked = list(blocked_stories);
  return `cycle ${cycle_number}: done ${list(completed_stories) || 'none'}${blocked && `, blocked ${blocked}`}`;
}

/** Why it did not succeed, and what it took. @param {Record<string, any>} payload */
function ended({ reason, metrics }) {
  const { duration_ms: took, tokens, cost_usd: usd } = metrics ?? {};
  const figures = [took > 0 && duration(took), tokens > 0 && `${amount(tokens)} tokens`, usd > 0 && cost(usd)].filter(Boolean);
  return [text(reason), figures.join(', ')].filter(Boolean).join(' · ');
}
