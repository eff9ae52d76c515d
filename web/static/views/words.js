/**
 * What the sprint does, in words. Pure.
 *
 * @typedef {import('../core/types.js').State} State
 */
import { unfinished } from '../core/at_work.js';
import { hour } from '../core/format.js';
import { present } from '../core/orders.js';
import { underWay } from '../core/stop_kinds.js';
import { isLost, trouble } from '../core/trouble.js';

/**
 * `state`: as in format.STATES; `long`: "Running cycle 2 of 5"; `short`: for the window's title.
 * @param {State} state
 * @returns {{state: string, long: string, short: string}}
 */
export function words(state) {
  // What it did last may be over for long.
  if (state.loaded && isLost(state.line)) return { state: 'lost', long: trouble(state.line).what, short: '○ No connection' };
  const { board } = state.live;
  const now = present(state);
  const of = board.max_cycles === null ? '' : ` of ${board.max_cycles}`;
  const cycle = board.cycle ? `cycle ${board.cycle}${of}` : 'the first cycle';
  switch (now) {
    case 'starting':
      return { state: 'starting', long: 'Starting', short: '◌ Starting' };
    case 'running':
      return { state: 'running', long: `Running ${cycle}`, short: `● ${board.cycle || 1}${of && `/${board.max_cycles}`} Running` };
    case 'pausing':
      return { state: 'pausing', long: 'Pausing after what runs', short: '◔ Pausing' };
    case 'paused':
      return { state: 'paused', long: `Paused in ${cycle}`, short: '‖ Paused' };
    case 'waiting_limit': {
      const until = board.resets_at === null ? '' : ` until ${hour(board.resets_at)}`;
      return { state: 'waiting_limit', long: `Waiting for limit${until}`, short: `◷ Waiting${until}` };
    }
    case 'stopping':
      return { state: 'stopping', long: stopping(board), short: '◑ Stopping' };
    default:
      return ended(state);
  }
}

/** @param {import('../core/types.js').Board} board */
function stopping(board) {
  const kind = underWay(board);
  return kind === 'now' ? 'Stopping' : `Stopping after this ${kind}`;
}

/** @param {State} state */
function ended(state) {
  const { board } = state.live;
  if (board.state === 'error') return { state: 'error', long: `Batch ${board.batch_id} ended with an error`, short: '✕ Error' };
  const open = unfinished(state);
  if (open) return { state: 'stopped', long: `Idle, batch ${open.batch_id} unfinished`, short: '■ Unfinished' };
  if (board.state === 'completed') return { state: 'completed', long: `Idle, batch ${board.batch_id} completed`, short: '✓ Completed' };
  return { state: 'idle', long: 'Idle', short: '○ Idle' };
}
