import assert from 'node:assert/strict';
import test from 'node:test';
import { Replay } from '../../web/static/core/replay.js';
import { follow, NOTHING } from '../../web/static/core/scene.js';
import { isDamaged } from '../../web/static/core/shape.js';
import { AT, chance, event, EVIL, pick, range } from './shapes.mjs';

const KEYS = ['1-1-one', '__proto__', EVIL];

/** Events in an order that no runner would send them in, some of them at the same time. */
function history(count) {
  const random = chance(3);
  const one = (seq) => {
    const command_id = random(20);
    const of = { command_id, story_key: KEYS[random(3)], command: 'dev-story', task_id: '' };
    return pick(random, [
      ['batch:state', { batch_id: 1, state: pick(random, ['running', 'paused', 'waiting_limit']) }],
      ['command:start', { ...of, story_keys: [of.story_key], attempt: 1, model: '', background: random(3) === 0 }],
      ['command:progress', { ...of, kind: 'tool', message: `m${seq}` }],
      ['command:end', { ...of, status: 'success', reason: '', attempt: 1, metrics: { tokens: random(99) } }],
      ['story:status', { story_key: of.story_key, old_status: '', new_status: 'review', reason: '' }],
      ['background:start', { background_task_id: random(5), task_type: 'chain', story_keys: [], status: 'running' }],
      ['background:end', { background_task_id: random(5), task_type: 'chain', story_keys: [], status: 'completed' }],
      ['batch:start', { batch_id: 1, max_cycles: 'all', resumed: random(9) > 0 }],
    ]);
  };
  return range(count).map((place) => event(place + 1, ...one(place + 1), AT + Math.floor(place / 3) * 1000));
}

const EVENTS = history(1730);
const SCENES = EVENTS.reduce((scenes, one) => [...scenes, follow(scenes.at(-1), one)], [NOTHING]);

test('after so many events a replay stands where folding them leads to, also when it goes back', () => {
  const random = chance(4);
  const replay = new Replay(EVENTS);
  const jumps = range(150).map(() => random(EVENTS.length + 1));
  for (const count of [0, 499, 500, 501, 500, 1000, 0, 1730, 1500, 1499, 2, ...jumps]) {
    assert.deepEqual(replay.after(count), SCENES[count], `after ${count}`);
  }
});

test('a step forward, or to the same moment, goes on from there', () => {
  const replay = new Replay(EVENTS);
  for (const count of [700, 701, 702]) assert.deepEqual(replay.after(count), SCENES[count]);
  assert.equal(replay.after(702), replay.after(702));
});

test('more events than there are lead to the end, and none to nothing', () => {
  assert.deepEqual(new Replay(EVENTS).after(1e9), SCENES.at(-1));
  const empty = new Replay([]);
  assert.deepEqual([empty.after(5), empty.after(0), empty.begin, empty.end, empty.until(AT)], [NOTHING, NOTHING, 0, 0, 0]);
});

test('until a time there are all events of that time, in order', () => {
  const replay = new Replay(EVENTS);
  for (const at of [0, AT - 1, AT, AT + 999, AT + 1000, replay.end - 1, replay.end, Infinity]) {
    assert.equal(replay.until(at), EVENTS.filter(({ timestamp }) => timestamp <= at).length);
  }
  assert.deepEqual([replay.begin, replay.end], [AT, AT + 576_000]);
});

test('scenes that were shown are not changed by what comes after', () => {
  const replay = new Replay(EVENTS);
  const before = replay.after(600);
  const copy = structuredClone(before);
  replay.after(1730);
  assert.deepEqual(before, copy);
});

test('a damaged event changes nothing but the place and the time of the scene', () => {
  const before = SCENES.at(-1);
  for (const type of ['batch:start', 'batch:state', 'command:start', 'command:end', 'cycle:end', 'background:start']) {
    for (const payload of [{}, null, [], 'x']) {
      const after = follow(before, event(5000, type, payload));
      assert.deepEqual(after, { ...before, board: { ...before.board, seq: 5000, at: AT + 5_000_000 } });
    }
  }
});

test('the events of this test are what their types say', () => {
  assert.deepEqual(EVENTS.filter(isDamaged), []);
});
