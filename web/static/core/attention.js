/**
 * What needs somebody: the number in the header and the list behind it. Pure.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Node} Node
 * @typedef {{key: string, tone: 'error' | 'warning' | 'waiting', title: string, text: string, href: string}} Need
 */
import { ago, shortKey } from './format.js';
import { href } from './router.js';
import { isSettled } from './stories.js';

/**
 * @param {State} state
 * @returns {Need[]}
 */
export function needs(state) {
  return [...ofBatch(state), ...ofStories(state), ...ofCommands(state), ...ofTree(state)];
}

/**
 * How silent a command is: amber at a third and red at the whole of the idle limit.
 * @param {number} lastAt
 * @param {number} now
 * @param {State} state
 * @returns {'' | 'warning' | 'error'}
 */
export function silence(lastAt, now, state) {
  const minutes = state.idleMinutes;
  const silent = (now - lastAt) / 60_000;
  if (!minutes || silent < minutes / 3) return '';
  return silent < minutes ? 'warning' : 'error';
}

/** @param {State} state @returns {Need[]} */
function ofBatch({ live: { board }, overview, sprintError }) {
  /** @type {Need[]} */
  const found = [];
  if (board.state === 'error') {
    found.push({ key: 'batch', tone: 'error', title: `Batch ${board.batch_id} ended with an error`, text: board.detail, href: href({ view: 'run' }) });
  } else if (overview?.status === 'idle' && overview.resumable) {
    found.push({ key: 'batch', tone: 'warning', title: `Batch ${overview.resumable.batch_id} is unfinished`, text: 'Resume goes on at its exact position.', href: href({ view: 'run' }) });
  }
  if (board.state === 'waiting_limit' && board.resets_at === null) {
    found.push({ key: 'limit', tone: 'waiting', title: 'Waiting for a limit without a known end', text: board.detail, href: href({ view: 'run' }) });
  }
  if (board.state === 'paused') {
    found.push({ key: 'paused', tone: 'waiting', title: 'The batch is paused', text: board.detail, href: href({ view: 'run' }) });
  }
  if (sprintError) {
    found.push({ key: 'sprint', tone: 'error', title: 'The sprint file cannot be read', text: sprintError.error, href: href({ view: 'board' }) });
  }
  return found;
}

/** @param {State} state @returns {Need[]} */
function ofStories({ live: { board }, sprint, now }) {
  // After the end of a batch the file knows better.
  const known = isSettled(board, now) ? sprint?.stories ?? [] : [];
  const freed = new Set(known.filter(({ status }) => status !== 'blocked').map(({ key }) => key));
  const cards = Object.values(board.stories).filter(({ key, status }) => status === 'blocked' && !freed.has(key));
  const blocked = new Map(cards.map(({ key, reason }) => [key, reason]));
  for (const story of sprint?.stories ?? []) {
    if (story.status === 'blocked' && !blocked.get(story.key)) blocked.set(story.key, story.blocked_reason ?? '');
  }
  return [...blocked].map(([key, reason]) => ({
    key: `story ${key}`, tone: 'error', title: `${shortKey(key)} is blocked`, text: reason, href: href({ view: 'story', story: key }),
  }));
}

/** @param {State} state @returns {Need[]} */
function ofCommands(state) {
  return Object.values(state.live.board.running).flatMap((running) => {
    const tone = silence(running.last_at, state.now, state);
    if (!tone) return [];
    return [{
      key: `command ${running.command_id}`, tone, title: `${running.command} is silent`,
      text: `last output ${ago(running.last_at, state.now)}`, href: href({ view: 'command', command: running.command_id }),
    }];
  });
}

/** @param {State} state @returns {Need[]} */
function ofTree({ overview }) {
  /** @type {Need[]} */
  const found = [];
  const look = (/** @type {Node} */ node) => {
    if (['failed', 'restarting'].includes(node.state)) {
      found.push({ key: `node ${node.id}`, tone: node.state === 'failed' ? 'error' : 'warning', title: `${node.id} is ${node.state}`, text: node.last_error ?? '', href: href({ view: 'supervision' }) });
    }
    node.children.forEach(look);
  };
  if (overview?.supervision) look(overview.supervision);
  return found;
}
