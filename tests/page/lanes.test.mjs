import assert from 'node:assert/strict';
import test from 'node:test';
import { inSight, neighbour } from '../../web/static/core/bars.js';
import { hueOf, layout, rowTop } from '../../web/static/core/lanes.js';
import { AT, attempt, byId, chance, HOSTILE, pick, range } from './shapes.mjs';

const chain = (id, changes = {}) => (
  { id, task_type: 'story-review-chain', story_keys: ['1-1-one'], started_at: AT, ended_at: AT + 5000, status: 'completed',
    ...changes }
);
const laid = (attempts, chains = []) => layout({ attempts: byId(attempts), chains: byId(chains) });
const row = ({ lanes: [{ bars }] }, id) => bars.find((bar) => bar.attempt?.id === id).row;

/** Attempts and chains as no runner would have them. */
function anything(random, count) {
  const keys = ['1-1-one', '1-2-two', ...HOSTILE];
  const times = () => {
    const started_at = AT + random(100) * 100;
    return { started_at, ended_at: random(9) ? started_at + random(2000) : null };
  };
  const story_keys = () => [...new Set(range(random(3)).map(() => pick(random, keys)))];
  return {
    attempts: range(count).map((id) => attempt(id, {
      ...times(), story_keys: story_keys(), command: pick(random, ['dev-story', 'code-review-1', 'batch-commit', '__proto__']),
      attempt: 1 + random(6), background: random(4) === 0, status: pick(random, ['success', 'error', 'interrupted']),
    })),
    chains: range(random(8)).map((id) => chain(id, { ...times(), story_keys: story_keys() })),
  };
}

test('bars of one row never lie over one another', () => {
  const random = chance(1);
  for (let round = 0; round < 200; round += 1) {
    const { attempts, chains } = anything(random, 40);
    for (const { bars } of laid(attempts, chains).lanes) {
      const ends = new Map();
      for (const bar of bars) {
        const place = `${bar.isThin} ${bar.chain !== null} ${bar.row}`;
        assert.ok((ends.get(place) ?? -Infinity) <= bar.from, `${place} is taken`);
        ends.set(place, bar.to);
      }
    }
  }
});

test('lanes stand below one another with all bars in them, and no bar is lost', () => {
  const random = chance(2);
  for (let round = 0; round < 100; round += 1) {
    const { attempts, chains } = anything(random, 30);
    const { lanes, height, begin, end } = laid(attempts, chains);
    const heights = (some) => some.reduce((sum, one) => sum + one.height, 0);
    assert.deepEqual(lanes.map(({ top }) => top), lanes.map((_, place) => heights(lanes.slice(0, place))));
    assert.equal(height, heights(lanes));
    for (const lane of lanes) for (const bar of lane.bars) assert.ok(rowTop(bar, lane) < lane.height);
    const seen = new Set(lanes.flatMap(({ bars }) => bars.map((bar) => bar.attempt ?? bar.chain)));
    assert.deepEqual(seen, new Set([...attempts, ...chains]));
    assert.equal(begin, Math.min(...[...seen].map((one) => one.started_at)));
    assert.equal(end, Math.max(...[...seen].map((one) => one.ended_at ?? one.started_at)));
  }
});

test('a command for two stories has a bar in each lane, and one for none, or a commit, has it in that of the batch', () => {
  const { lanes } = laid([
    attempt(1, { story_keys: ['__proto__', 'b'] }), attempt(2, { story_keys: [] }),
    attempt(3, { command: 'batch-commit-2', story_keys: ['b'] }),
  ]);
  const found = lanes.map(({ key, bars }) => [key, bars.map((bar) => bar.attempt.id)]);
  assert.deepEqual(found, [['', [2, 3]], ['__proto__', [1]], ['b', [1]]]);
  const ids = lanes.flatMap(({ bars }) => bars.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
});

test('a further try stands below the one before, which is a ghost', () => {
  const tries = range(6).map((number) => attempt(number, {
    attempt: number + 1, started_at: AT + number * 2000, ended_at: AT + number * 2000 + 1000, status: 'error',
  }));
  const made = laid(tries);
  assert.deepEqual(tries.map(({ id }) => row(made, id)), [0, 1, 2, 3, 0, 1]);
  assert.deepEqual(made.lanes[0].bars.map(({ isGhost }) => isGhost), [true, true, true, true, true, false]);
});

test('what succeeded is no ghost, and what runs together stands apart', () => {
  const made = laid([attempt(1), attempt(2, { started_at: AT + 500 }),
    attempt(3, { started_at: AT + 1500, command: 'code-review-1' })]);
  assert.deepEqual([1, 2, 3].map((id) => row(made, id)), [0, 1, 0]);
  assert.ok(made.lanes[0].bars.every(({ isGhost }) => !isGhost));
});

test('a command in the background lies on its chain, below the others', () => {
  const made = laid(
    [attempt(1), attempt(2, { background: true, started_at: AT + 100 })],
    [chain(1, { story_keys: ['other', '1-1-one'] }), chain(2)],
  );
  const lane = made.lanes.find(({ key }) => key === '1-1-one');
  const [own] = lane.bars.filter((bar) => bar.chain?.id === 2);
  const [work] = lane.bars.filter((bar) => bar.attempt?.background);
  assert.deepEqual([work.isThin, work.row], [true, own.row]);
  assert.ok(rowTop(work, lane) > rowTop(lane.bars.find((bar) => bar.attempt?.id === 1), lane));
});

test('no attempts give no lanes', () => {
  assert.deepEqual(laid([]), { lanes: [], height: 0, begin: Infinity, end: -Infinity });
});

test('a command has the hue of its kind, and an unknown one that of the others', () => {
  assert.deepEqual(['dev-story', 'code-review-12', 'story-discovery', 'batch-commit', '__proto__', ''].map(hueOf),
    ['dev', 'review', 'create', 'commit', 'commit', 'commit']);
});

const SIGHT = { top: 0, height: 600, width: 1000, now: AT + 1e6 };
const WINDOW = { from: AT, to: AT + 1e6 };

test('of ten thousand commands at most 300 bars are drawn, and each command is in one of them', () => {
  const many = range(10_000).map((id) => attempt(id, { started_at: AT + id * 100, ended_at: AT + id * 100 + 90 }));
  const [{ drawn }] = inSight(laid(many).lanes, WINDOW, SIGHT);
  assert.ok(drawn.length <= 300, `${drawn.length} bars`);
  assert.deepEqual(drawn.flatMap(({ bars }) => bars.map(({ attempt: { id } }) => id)), range(10_000));
});

test('bars that could be told apart are put together too when there would be more than 300', () => {
  const many = range(1000).map((id) => attempt(id, {
    story_keys: [`1-${id % 40}-x`], started_at: AT + id * 1000, ended_at: AT + id * 1000 + 8000,
  }));
  const seen = inSight(laid(many).lanes, WINDOW, { ...SIGHT, height: 1e6 });
  const drawn = seen.flatMap((lane) => lane.drawn);
  assert.ok(drawn.length <= 300 && drawn.length >= 40, `${drawn.length} bars`);
  assert.equal(new Set(drawn.flatMap(({ bars }) => bars)).size, 1000);
});

test('whatever there is, each bar of the window is drawn once, and what is out of sight is not', () => {
  const random = chance(4);
  for (let round = 0; round < 100; round += 1) {
    const { attempts, chains } = anything(random, 60);
    const { lanes } = laid(attempts, chains);
    const from = AT + random(10_000);
    const window = { from, to: from + 100 + random(5000) };
    const now = AT + 12_000;
    for (const { lane, drawn } of inSight(lanes, window, { ...SIGHT, height: 1e6, now }, 10)) {
      const wanted = lane.bars.filter((bar) => bar.from <= window.to && Math.min(bar.to, Math.max(now, bar.from)) >= window.from);
      const found = drawn.flatMap(({ bars }) => bars);
      assert.deepEqual(new Set(found), new Set(wanted));
      assert.equal(found.length, wanted.length);
      for (const { bars: [, ...others], left, width } of drawn) {
        assert.ok(left >= -20 && width > 0 && left + width <= SIGHT.width + 20 + 3);
        assert.ok(others.every(({ to }) => to !== Infinity), 'what runs begins a bar of its own');
      }
    }
  }
});

test('bars that can be told apart are not put together', () => {
  const begin = (id) => AT + id * 50_000;
  const { lanes } = laid(range(20).map((id) => attempt(id, { started_at: begin(id), ended_at: begin(id) + 40_000 })));
  const [{ drawn }] = inSight(lanes, WINDOW, SIGHT);
  assert.equal(drawn.length, 20);
  assert.deepEqual([drawn[1].left, drawn[1].width], [50, 40]);
});

test('lanes far above and below are left out', () => {
  const { lanes } = laid(range(100).map((id) => attempt(id, { story_keys: [`1-${id}-x`] })));
  const seen = inSight(lanes, WINDOW, { ...SIGHT, top: 2000, height: 100 });
  assert.ok(seen.length > 0 && seen.length < 10);
  assert.ok(seen.some(({ lane }) => lane.top <= 2000 && lane.top + lane.height >= 2000));
});

test('a window in which nothing was has empty lanes, and a width of nothing ends too', () => {
  const { lanes } = laid(range(400).map((id) => attempt(id)));
  assert.deepEqual(inSight(lanes, { from: AT - 2e6, to: AT - 1e6 }, { ...SIGHT, height: 1e6 })[0].drawn, []);
  assert.equal(inSight(lanes, WINDOW, { ...SIGHT, height: 1e6, width: 0 }).length, 1);
});

test('arrow keys lead to the next command of the lane, and to the nearest one of the next lane that has any', () => {
  const { lanes } = laid([
    attempt(1, { story_keys: ['a'] }), attempt(2, { story_keys: ['a'], started_at: AT + 9000 }),
    attempt(3, { story_keys: ['c'], started_at: AT + 1000 }), attempt(4, { story_keys: ['c'], started_at: AT + 8000 }),
  ], [chain(1, { story_keys: ['b'] })]);
  const order = lanes.map(({ key }) => key);
  const [lower, upper] = order.indexOf('c') > order.indexOf('a') ? ['ArrowDown', 'ArrowUp'] : ['ArrowUp', 'ArrowDown'];
  const to = (id, key) => neighbour(lanes, id, key)?.attempt.id ?? null;
  assert.deepEqual([to('a 1', 'ArrowRight'), to('a 2', 'ArrowRight'), to('a 1', 'ArrowLeft')], [2, null, null]);
  assert.deepEqual([to('a 2', 'Home'), to('a 1', 'End')], [1, 2]);
  assert.deepEqual([to('a 1', lower), to('a 2', lower), to('c 4', upper), to('c 4', lower)], [3, 4, 2, null]);
  assert.equal(to('gone', 'ArrowRight'), null);
});
