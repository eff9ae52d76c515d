/**
 * What is at work in a batch, in lines that keep their places, and what comes next. Pure.
 *
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').Running} Running
 * @typedef {import('./types.js').Chain} Chain
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').PlannedCycle} PlannedCycle
 * @typedef {{id: string, command: Running | null, chain: Chain | null}} Line
 *   A command in the foreground, or a chain in the background with the command of it that runs, if one does.
 * @typedef {{commands: string[], story_keys: string[], assumed: string}} Step
 */
import { baseName, isOver } from './reducer.js';
import { isSettled } from './stories.js';

/** The commands of a chain or of a context refresh. @type {Record<string, string>} */
const OF_CHAIN = {
  'story-review-chain': 'story-review', 'tech-spec-review-chain': 'tech-spec-review', 'project-context-refresh': 'generate-project-context',
};

/**
 * The batch that can be resumed. What the runner says of it comes a moment after the end of the batch.
 * @param {State} state
 * @returns {import('./types.js').Overview['resumable']}
 */
export function unfinished({ live: { board }, overview, now }) {
  if (overview?.resumable) return overview.resumable;
  if (board.state !== 'stopped' || board.batch_id === null || isSettled(board, now)) return null;
  const { batch_id, state: status, max_cycles, cycles_completed, detail: reason } = board;
  return { batch_id, status, max_cycles, cycles_completed, reason };
}

/** What runs, as it is listed everywhere. @param {Board} board */
export function foregroundFirst({ running }) {
  return Object.values(running).sort((one, other) => (
    Number(one.background) - Number(other.background) || one.command_id - other.command_id
  ));
}

/**
 * A chain has one line from its beginning to its end, whatever of it runs.
 * @param {Board} board
 * @returns {{front: Line[], behind: Line[]}}
 */
export function lines(board) {
  const running = foregroundFirst(board);
  const front = running.filter(({ background }) => !background).map((command, place) => ({ id: `front ${place}`, command, chain: null }));
  /** @type {Set<Running | null>} */
  const placed = new Set();
  const chains = Object.entries(board.background).map(([id, chain]) => {
    const command = running.find((one) => isOf(one, chain) && !placed.has(one)) ?? null;
    placed.add(command);
    return { id: `chain ${id}`, command, chain };
  });
  const others = running.filter((one) => one.background && !placed.has(one))
    .map((command) => ({ id: `command ${command.command_id}`, command, chain: null }));
  return { front, behind: [...chains, ...others] };
}

/** @param {Running} one @param {Chain} chain */
function isOf({ background, command, story_keys }, { task_type, story_keys: keys }) {
  return background && baseName(command) === OF_CHAIN[task_type] && story_keys.join() === keys.join();
}

/**
 * The step that the batch goes on with, as far as the plan knows; null where it depends on what a review finds.
 * @param {State} state
 * @returns {Step | null}
 */
export function upcoming({ plan, live: { board, attempts } }) {
  const of = board.cycle > board.cycles_completed ? board.cycle_keys.join() : null;
  const cycle = plan?.cycles.find(({ story_keys }) => of === null || story_keys.join() === of);
  if (!cycle) return null;
  const passed = cycle.steps.map(({ commands, story_keys }) => commands.every((command) => Object.values(attempts).some((one) => (
    one.command === command && one.status === 'success' && !one.background && one.story_keys.join() === story_keys.join()))));
  const last = of === null ? -1 : passed.lastIndexOf(true);
  return isDecided(board, cycle.steps[last]) ? cycle.steps[last + 1] ?? null : null;
}

/** Whether nothing but the plan says what comes after this step. @param {Board} board @param {Step | undefined} step */
function isDecided({ stories }, step) {
  if (!step || !step.commands.some((command) => baseName(command) === 'code-review')) return true;
  return step.story_keys.every((key) => Object.hasOwn(stories, key) && isOver(stories[key].status));
}
