import assert from 'node:assert/strict';
import test from 'node:test';
import { foregroundFirst, lines, unfinished, upcoming } from '../../web/static/core/at_work.js';
import { NOTHING } from '../../web/static/core/scene.js';
import { attempt, AT, board, byId, byKey, card, running, state } from './shapes.mjs';

const PAIR = ['1-1', '1-2'];
const chain = (task_type, story_keys = PAIR) => ({ task_type, story_keys, started_at: AT });
const review = (id, command, changes = {}) => running(id, { command, background: true, story_keys: PAIR, ...changes });
const told = (found) => [...found.front, ...found.behind].map(({ id, command }) => [id, command?.command ?? null]);

test('what is waited for comes first', () => {
  const some = board({ running: byId([running(9), review(3, 'story-review-2'), running(4)]) });
  assert.deepEqual(foregroundFirst(some).map(({ command_id }) => command_id), [4, 9, 3]);
});

test('a chain keeps its line from command to command, also beside another one of the same stories', () => {
  const background = { 7: chain('story-review-chain'), 8: chain('tech-spec-review-chain') };
  const at = (...some) => told(lines(board({ background, running: byId(some) })));
  assert.deepEqual(at(), [['chain 7', null], ['chain 8', null]]);
  assert.deepEqual(at(review(5, 'tech-spec-review-2')), [['chain 7', null], ['chain 8', 'tech-spec-review-2']]);
  assert.deepEqual(at(running(6), review(5, 'tech-spec-review-2'), review(4, 'story-review-3')),
    [['front 0', 'dev-story'], ['chain 7', 'story-review-3'], ['chain 8', 'tech-spec-review-2']]);
});

test('a command of no chain that is known has a line of its own', () => {
  const some = { background: { 7: chain('__proto__') }, running: byId([review(5, 'story-review-2')]) };
  assert.deepEqual(told(lines(board(some))), [['chain 7', null], ['command 5', 'story-review-2']]);
});

const step = (commands, story_keys = PAIR, assumed = '') => ({ phase: 'x', commands, story_keys, assumed });
const STEPS = [
  step(['create-story', 'story-discovery']), step(['create-tech-spec'], PAIR, 'only if it is needed'),
  step(['dev-story'], ['1-1']), step(['code-review-1'], ['1-1']), step(['batch-commit']),
];
const plan = { cycles: [{ number: 1, story_keys: PAIR, steps: STEPS }], left: [] };
const next = (done, changes = {}) => {
  const attempts = done.map(([command, story_keys = PAIR, status = 'success'], id) => attempt(id, { command, story_keys, status }));
  const at = state({ plan, board: { cycle: 1, cycle_keys: PAIR, ...changes } });
  return upcoming({ ...at, live: { ...NOTHING, board: at.live.board, attempts: byId(attempts) } })?.commands.join() ?? null;
};

test('what comes next is the step after the last one that has ended well', () => {
  assert.equal(next([]), 'create-story,story-discovery');
  assert.equal(next([['create-story']]), 'create-story,story-discovery', 'half of a step is none');
  const begun = [['create-story'], ['story-discovery']];
  assert.equal(next(begun), 'create-tech-spec');
  assert.equal(next([...begun, ['dev-story', ['1-1'], 'error']]), 'create-tech-spec');
  assert.equal(next([...begun, ['dev-story', ['1-1']]]), 'code-review-1', 'what was left out stays left out');
});

test('after a code review it depends on what it found', () => {
  const reviewed = [['dev-story', ['1-1']], ['code-review-1', ['1-1']]];
  assert.equal(next(reviewed, { stories: byKey([card('1-1')]) }), null);
  assert.equal(next(reviewed, { stories: byKey([card('1-1', { status: 'done' })]) }), 'batch-commit');
});

test('between two cycles the next one begins; of one that is not planned nothing is known', () => {
  assert.equal(next([['create-story'], ['story-discovery']], { cycles_completed: 1 }), 'create-story,story-discovery');
  assert.equal(next([], { cycle_keys: ['2-1'] }), null);
  assert.equal(upcoming(state({ plan: null })), null);
});

test('a batch that was stopped is unfinished before the runner says so, and later only if it does', () => {
  const told = (changes) => unfinished(state({ board: { batch_id: 3, state: 'stopped', ended_at: AT, detail: 'why' }, ...changes }));
  assert.deepEqual(told({}), { batch_id: 3, status: 'stopped', max_cycles: null, cycles_completed: 0, reason: 'why' });
  assert.equal(told({ now: AT + 10_000 }), null);
  assert.deepEqual(told({ now: AT + 10_000, overview: { status: 'idle', resumable: { batch_id: 2 } } }), { batch_id: 2 });
  assert.equal(told({ board: { batch_id: 3, state: 'completed', ended_at: AT } }), null);
});
