import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headway } from '../../web/static/core/headway.js';
import { EMPTY, PHASES } from '../../web/static/core/reducer.js';

const story = (changes) => ({
  key: 'a', status: 'in-progress', phases: [], reviews: 0, started_at: 0, ended_at: null, reason: '', tokens: 0, cost_usd: 0, ...changes,
});
const board = (changes) => ({ ...EMPTY, batch_id: 1, max_cycles: 4, cycle: 2, cycles_completed: 1, cycle_keys: ['a'], ...changes });

test('a cycle that runs adds what its stories have behind them', () => {
  const half = board({ stories: { a: story({ phases: PHASES.slice(0, 4) }) } });
  assert.deepEqual(headway(half, { done: 0, total: 9 }), { done: 1, begun: 0.5, whole: 4 });
});

test('between two cycles nothing is under way, though the stories of the last one are still there', () => {
  const between = board({ cycle: 1, stories: { a: story({ status: 'done' }) } });
  assert.equal(headway(between, { done: 1, total: 9 }).begun, 0);
});

test('until no story is left it is counted in stories, and none twice', () => {
  const two = { a: story({ status: 'done' }), b: story({ phases: [PHASES[0], PHASES[3]] }) };
  const way = headway(board({ max_cycles: null, cycle_keys: ['a', 'b'], stories: two }), { done: 5, total: 6 });
  assert.deepEqual(way, { done: 5, begun: 0.5, whole: 6 });
});

test('without a sprint file nobody knows where that ends', () => {
  assert.equal(headway(board({ max_cycles: null }), { done: 0, total: 0 }), null);
});

test('a story with the name of a property is a story like others', () => {
  assert.equal(headway(board({ cycle_keys: ['__proto__', 'constructor'] }), { done: 0, total: 1 }).begun, 0);
});
