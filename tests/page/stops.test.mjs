import assert from 'node:assert/strict';
import test from 'node:test';
import { NOTHING } from '../../web/static/core/scene.js';
import { endOf, stops, wanted } from '../../web/static/core/stops.js';
import { AT, board, event } from './shapes.mjs';

const KILLED = 'the runner ended without warning';
const begin = (seq) => event(seq, 'batch:start', { batch_id: 7 });
const state = (changes, local = {}) => ({ live: { ...NOTHING, board: board({ batch_id: 7, ...changes }) }, past: null, local });

test('a run ends when it says so, and one that was killed with the last that it told of', () => {
  const said = event(5, 'command:progress', { kind: 'text' });
  const stopped = event(8, 'batch:end', { status: 'stopped', reason: 'stopped by the operator' });
  assert.equal(endOf([said, stopped, event(9, 'story:status')], begin(2)), stopped.timestamp);
  const closed = [event(40, 'command:end', { reason: KILLED }), event(41, 'batch:end', { reason: KILLED })];
  assert.equal(endOf([said, ...closed], begin(2)), said.timestamp);
});

test('what is on record of a run before tells nothing of the end of this one', () => {
  const before = [event(3, 'command:progress'), event(4, 'batch:end', { reason: 'stopped by the operator' })];
  assert.equal(endOf([...before, begin(6), event(7, 'command:start')], begin(6)), AT + 7000);
  assert.equal(endOf([...before, begin(6)], begin(6)), AT + 6000);
});

test('only a batch that had several runs is asked about, and again for each further one', () => {
  assert.equal(wanted(state({ worked_ms: 0 })), null);
  assert.deepEqual(wanted(state({ worked_ms: 9, started_at: AT })), { batch: 7, run: AT });
});

test('a stop is shown when it is over, and of its batch alone', () => {
  const waits = [{ from: AT, to: AT + 10, state: 'stopped' }, { from: AT + 20, to: AT + 40, state: 'stopped' }];
  const told = (batch, now) => stops(state({ worked_ms: 9 }, { stops: { batch, waits } }), now).length;
  assert.deepEqual([told(7, AT + 9), told(7, AT + 30), told(7, AT + 40), told(8, AT + 99)], [0, 1, 2, 0]);
  assert.deepEqual(stops(state({ worked_ms: 9 }), AT), []);
});
