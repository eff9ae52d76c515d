import assert from 'node:assert/strict';
import test from 'node:test';
import { kinds, underWay } from '../../web/static/core/stop_kinds.js';
import { board, byKey, card, EVIL } from './shapes.mjs';

const stopping = (detail) => board({ state: 'stopping', detail });
const standings = (of) => kinds(of).map(({ after, standing }) => `${after} ${standing}`.trim());

test('a stop that is under way can be made sooner and not later', () => {
  assert.deepEqual(standings(board({ state: 'running' })), ['command', 'story', 'cycle', 'now']);
  assert.deepEqual(standings(stopping('stopped by the operator, after this story')),
    ['command', 'story under way', 'cycle too late', 'now']);
  assert.deepEqual(standings(stopping('stopped by the operator, after this cycle')), ['command', 'story', 'cycle under way', 'now']);
  assert.deepEqual(standings(stopping('stopped by the operator')),
    ['command too late', 'story too late', 'cycle too late', 'now under way']);
  assert.equal(underWay(stopping(EVIL)), 'now');
  assert.equal(underWay(board({ state: 'paused', detail: 'after this story' })), '');
});

test('of two stories the one is named that is finished, and the one that waits', () => {
  const help = (cycle_keys, cards = []) => kinds(board({ state: 'running', cycle_keys, stories: byKey(cards) }))[1].help;
  assert.equal(help(['2-1-one', '2-2-two']), '2-1 is developed and reviewed; 2-2 waits');
  assert.equal(help(['2-1-one', '2-2-two'], [card('2-1-one', { status: 'done' })]), 'The story that is worked on is finished');
  assert.equal(help(['2-1-one']), 'The story that is worked on is finished');
});
