import assert from 'node:assert/strict';
import test from 'node:test';
import { attemptOf, commandIn, nameOf, rows, size, trouble, troubles } from '../../web/static/core/tree.js';
import { AT, byId, EVIL, node, range, running } from './shapes.mjs';

const tree = () => node('root', {}, [
  node('batch', {}, [node('story-2a-1-scanner'), node('story-2a-1-scanner', { state: 'failed' })]),
  node('__proto__', { state: 'restarting' }, [node(EVIL)]),
]);
const mailbox = (depth, capacity = 10) => ({ mailbox: { depth, capacity } });

test('all branches are rows from the root down, and say where they stand', () => {
  const found = rows(tree(), {});
  assert.deepEqual(found.map(({ level, place, siblings }) => [level, place, siblings]),
    [[1, 1, 1], [2, 1, 2], [3, 1, 2], [3, 2, 2], [2, 2, 2], [3, 1, 1]]);
  assert.equal(found.length, size(tree()));
  assert.equal(found[2].parent, found[1].node);
});

test('two branches of one name have paths of their own', () => {
  const paths = rows(tree(), {}).map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length);
});

test('what is closed hides what is in it, whatever its name, and what has nothing in it is never open', () => {
  const ids = (expanded) => rows(tree(), expanded).map(({ node: { id } }) => id);
  assert.deepEqual(ids({ 'tree:batch': false, 'tree:__proto__': false }), ['root', 'batch', '__proto__']);
  assert.equal(ids({ 'tree:batch': true, 'tree:other': false }).length, 6);
  assert.equal(rows(tree(), {}).find(({ node: { id } }) => id === EVIL).isOpen, false);
});

test('what is wrong with a branch is said, the worst of it', () => {
  const now = AT + 1000;
  const cases = [
    [{}, '', ''],
    [{ state: 'failed', restarts: 3 }, 'error', 'failed'],
    [{ ...mailbox(10), state: 'restarting' }, 'error', 'its mailbox is full'],
    [{ state: 'restarting' }, 'warning', 'is started again'],
    [{ deadline: AT }, 'warning', 'is over its deadline'],
    [{ deadline: AT, state: 'waiting' }, '', ''],
    [{ deadline: now }, '', ''],
    [mailbox(8), 'warning', 'its mailbox is nearly full'],
    [mailbox(7), '', ''],
    [{ restarts: 1 }, 'warning', 'was started again'],
    [{ restarts: 4, last_error: 'x' }, 'warning', 'was started again 4 times'],
    [{ last_error: '' }, 'warning', 'had an error'],
  ];
  for (const [changes, tone, text] of cases) {
    assert.deepEqual(trouble(node('a', changes), now), { tone, text }, JSON.stringify(changes));
  }
});

test('what has gone well for ten minutes is no trouble any more, but what has failed is', () => {
  const later = AT + 600_001;
  assert.equal(trouble(node('a', { restarts: 4, last_error: 'x' }), later).tone, '');
  assert.equal(trouble(node('a', { state: 'failed' }), later).tone, 'error');
  assert.equal(trouble(node('a', mailbox(9)), later).tone, 'warning');
});

test('troubles are listed with errors first, also those that are out of sight', () => {
  const found = troubles(tree(), AT);
  assert.deepEqual(found.map(({ node: { id }, trouble: { tone } }) => [id, tone]),
    [['story-2a-1-scanner', 'error'], ['__proto__', 'warning']]);
  assert.deepEqual(troubles(node('root'), AT), []);
});

test('the id of a branch tells its command and stories', () => {
  assert.deepEqual(commandIn('command-c2/dev-story/2a-1-scanner'), { command: 'dev-story', stories: '2a-1-scanner' });
  assert.deepEqual(commandIn('command-c2/batch-commit'), { command: 'batch-commit', stories: '' });
  assert.deepEqual(commandIn(`command-c2/dev-story/a/b,${EVIL}\n`), { command: 'dev-story', stories: `a/b,${EVIL}\n` });
  for (const id of ['', 'command', 'command-c2', 'story-command-c2/dev-story', '__proto__']) assert.equal(commandIn(id), null);
});

test('the attempt of a branch is that of its command and stories in any order, and a process has that of its parent', () => {
  const some = byId([running(1, { story_keys: ['a'] }), running(2, { story_keys: ['b', 'a'] }),
    running(3, { command: 'batch-commit', story_keys: [] })]);
  const of = (id, parent = null, role = 'actor') => attemptOf(node(id, { role }), parent, some)?.command_id ?? null;
  assert.deepEqual([of('command-c1/dev-story/a'), of('command-c1/dev-story/a,b'), of('command-c1/batch-commit')], [1, 2, 3]);
  assert.deepEqual([of('command-c1/dev-story/c'), of('command-c1/__proto__/a'), of('batch')], [null, null, null]);
  const command = node('command-c1/dev-story/a');
  assert.deepEqual([of('agent', command, 'process'), of('agent', command, 'worker'), of('agent', null, 'process')],
    [1, null, null]);
});

test('a branch is called as short as it can be', () => {
  assert.equal(nameOf('story-2a-1-scanner'), 'story 2a-1');
  assert.equal(nameOf('command-c2/dev-story/2a-1-scanner,2a-2-parser'), 'dev-story 2a-1, 2a-2');
  assert.equal(nameOf('command-c2/batch-commit'), 'batch-commit');
  for (const id of ['recorder', '__proto__', EVIL, '']) assert.equal(nameOf(id), id);
});

test('a tree of a thousand levels has a thousand rows', () => {
  const deep = range(1000).reduce((child, level) => node(`n${level}`, {}, child ? [child] : []), null);
  assert.equal(rows(deep, {}).at(-1).level, 1000);
  assert.equal(size(deep), 1000);
});
