/**
 * What needs somebody: the number in the header and the list behind it. Pure.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Node} Node
 *
 * @typedef {object} Need
 * @property {string} key
 * @property {'error' | 'warning' | 'waiting'} tone
 * @property {string} title
 * @property {string} text
 * @property {string} href
 * @property {boolean} [isOther] - It is no fault of the present batch, as what waited before it.
 */
import { ago, shortKey } from './format.js';
import { href } from './router.js';
import { isSettled } from './stories.js';

/** Whose pause or stop it is that nobody needs to be told of. */
const BY_OPERATOR = /\bby the operator\b/;

/**
 * What is of no concern to the present batch comes last.
 * @param {State} state
 * @returns {Need[]}
 */
export function needs(state) {
  const stories = ofStories(state);
  return [
    ...ofBatch(state), ...stories.filter(({ isOther }) => !isOther), ...ofCommands(state), ...ofTree(state),
    ...stories.filter(({ isOther }) => isOther),
  ];
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
  const left = overview?.status === 'idle' ? overview.resumable : null;
  const [run, file] = [href({ view: 'run' }), href({ view: 'board' })];
  /** @type {Need[]} */
  const found = [];
  const need = (/** @type {Omit<Need, 'href'>} */ what, where = run) => found.push({ ...what, href: where });
  if (board.state === 'error') {
    need({ key: 'batch', tone: 'error', title: `Batch ${board.batch_id} ended with an error`, text: board.detail });
  } else if (left && !BY_OPERATOR.test(left.reason)) {
    const text = left.reason || 'Resume goes on at its exact position.';
    need({ key: 'batch', tone: 'warning', title: `Batch ${left.batch_id} is unfinished`, text });
  }
  if (board.state === 'waiting_limit' && board.resets_at === null) {
    need({ key: 'limit', tone: 'waiting', title: 'Waiting for a limit without a known end', text: board.detail });
  }
  if (board.state === 'paused' && !BY_OPERATOR.test(board.detail)) {
    need({ key: 'paused', tone: 'waiting', title: 'The batch is paused', text: board.detail });
  }
  if (sprintError) {
    need({ key: 'sprint', tone: 'error', title: 'The sprint file cannot be read', text: sprintError.error }, file);
  }
  return found;
}

/** @param {State} state @returns {Need[]} */
function ofStories({ live: { board }, sprint, now }) {
  const inFile = new Map((sprint?.stories ?? []).map((story) => [story.key, story]));
  // After the end of a batch the file knows better.
  const isFreed = (/** @type {string} */ key) => isSettled(board, now) && inFile.has(key) && inFile.get(key)?.status !== 'blocked';
  const own = Object.values(board.stories).filter(({ key, status }) => status === 'blocked' && !isFreed(key));
  const told = new Set(own.map(({ key }) => key));
  const others = [...inFile.values()].filter(({ key, status }) => status === 'blocked' && !told.has(key));
  return [
    ...own.map(({ key, reason }) => blocked(key, inFile.get(key), reason)),
    ...others.map((story) => ({ ...blocked(story.key, story), tone: /** @type {const} */ ('warning'), isOther: true })),
  ];
}

/** @param {string} key @param {import('./types.js').Story | undefined} story @param {string} [reason] @returns {Need} */
function blocked(key, story, reason = '') {
  return {
    key: `story ${key}`, tone: 'error', title: `${shortKey(key)} is blocked${story?.name ? `: ${story.name}` : ''}`,
    text: reason || story?.blocked_reason || 'The reason is not on record.', href: href({ view: 'story', story: key }),
  };
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
      found.push({
        key: `node ${node.id}`, tone: node.state === 'failed' ? 'error' : 'warning',
        title: `${node.id} is ${node.state}`, text: node.last_error ?? '', href: href({ view: 'supervision' }),
      });
    }
    node.children.forEach(look);
  };
  if (overview?.supervision) look(overview.supervision);
  return found;
}
