import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cycles, headway, stage } from '../../web/static/core/headway.js';
import { PHASES } from '../../web/static/core/reducer.js';
import { NOTHING } from '../../web/static/core/scene.js';
import { attempt, board, byId, byKey, card, story } from './shapes.mjs';

const some = (cards, changes = {}, attempts = []) => ({
  ...NOTHING, attempts: byId(attempts),
  board: board({
    batch_id: 1, max_cycles: 4, state: 'running', cycle: 2, cycles_completed: 1, cycle_keys: ['a'], stories: byKey(cards), ...changes,
  }),
});
const sprint = (...stories) => ({ epics: [], stories });

test('a cycle that runs adds what its stories have behind them', () => {
  assert.deepEqual(headway(some([card('a', { phases: PHASES.slice(0, 4) })]), null),
    { done: 1, begun: 0.5, whole: 4, said: '1 of 4 cycles' });
});

test('a command that has ended counts at once, and one that failed or has another beside it does not', () => {
  const cards = [card('a', { phases: PHASES.slice(0, 1) })];
  const own = (id, changes = {}) => attempt(id, { story_keys: ['a'], command: 'create-story', ...changes });
  const begun = (...attempts) => headway(some(cards, {}, attempts), null).begun;
  assert.equal(begun(own(1)), 1 / 6);
  assert.equal(begun(own(1, { status: 'error' })), 0);
  assert.equal(begun(own(1, { status: 'error' }), own(2)), 1 / 6);
  assert.equal(begun(own(1, { ended_at: null, status: 'running' }), own(2)), 0);
  assert.equal(begun(own(1), own(2, { background: true, ended_at: null, status: 'running' })), 1 / 6);
});

test('a code review is over only with its story: there may be another', () => {
  const reviewed = some([card('a', { phases: PHASES })], {}, [attempt(1, { story_keys: ['a'], command: 'code-review-1' })]);
  assert.equal(headway(reviewed, null).begun, 5 / 6);
});

test('between two cycles nothing is under way, though the stories of the last one are still there', () => {
  assert.equal(headway(some([card('a', { status: 'done' })], { cycle: 1 }), null).begun, 0);
});

test('until no story is left it is counted in the stories of the batch, and not in those of before', () => {
  const cards = [card('a', { status: 'done' }), card('b', { phases: [PHASES[0], PHASES[3]] }), card('c', { status: 'blocked' })];
  const file = sprint(story('old', { status: 'done' }), story('a'), story('b'), story('c'), story('d'), story('e', { status: 'blocked' }));
  const two = some(cards, { max_cycles: null, cycle_keys: ['a', 'b'] });
  assert.deepEqual(headway(two, file), { done: 1, begun: 0.5, whole: 3, said: '1 of 3 stories' });
  const past = some(cards, { max_cycles: null, cycle_keys: ['a'], ended_at: 9, state: 'stopped' });
  assert.deepEqual(headway(past, null), { done: 1, begun: 0, whole: 2, said: '1 of 2 stories' }, 'a past one takes no more');
});

test('without a sprint file nobody knows where that ends', () => {
  assert.equal(headway(some([], { max_cycles: null }), null), null);
});

test('a batch that is completed has done all there was, however little', () => {
  const over = (cycles_completed, max_cycles) => headway(some([], { state: 'completed', cycles_completed, max_cycles }), null);
  assert.deepEqual(over(2, 2), { done: 1, begun: 0, whole: 1, said: '2 of 2 cycles' });
  assert.deepEqual([over(1, 2).said, over(1, null).said, over(0, 2).said, over(0, null).said],
    ['1 cycle', '1 cycle', 'nothing to do', 'nothing to do']);
  assert.deepEqual([over(0, 2).done, over(0, 2).whole], [1, 1]);
  assert.equal(cycles({ state: 'stopped', cycles_completed: 0, max_cycles: 2 }), '0 of 2 cycles');
});

test('a command has its place among the phases of a cycle', () => {
  assert.deepEqual(['create-story', 'story-discovery', 'story-review-2', 'dev-story', 'code-review-3', 'batch-commit'].map(stage),
    ['phase 1 of 6', 'phase 1 of 6', 'phase 2 of 6', 'phase 5 of 6', 'phase 5 of 6', 'phase 6 of 6']);
  assert.equal(stage('generate-project-context'), '');
});

test('a story with the name of a property is a story like others', () => {
  assert.equal(headway(some([], { cycle_keys: ['__proto__', 'constructor'] }), null).begun, 0);
});
