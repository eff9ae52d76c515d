import assert from 'node:assert/strict';
import test from 'node:test';
import { batchesOf, cureOf, stages, verdictOf, written } from '../../web/static/core/story_detail.js';
import { AT, attempt, byId, event, EVIL } from './shapes.mjs';

const PHASES = ['create-story', 'story-review', 'create-tech-spec', 'tech-spec-review', 'dev-story', 'code-review'];
const wrote = (seq, message, changes = {}) => event(seq, 'command:progress',
  { kind: 'tool', status: 'start', message, command_id: seq, ...changes });
const verdict = (command, facts, key = 'k') => verdictOf(command, typeof facts === 'string' ? facts : JSON.stringify(facts), key);

test('a story has all phases, with its own attempts in the order in which they began', () => {
  const found = stages(byId([
    attempt(10, { command: 'code-review-2' }), attempt(9, { command: 'code-review-1' }),
    attempt(2, { command: 'story-discovery' }),
    attempt(3, { story_keys: ['other'] }), attempt(1, { command: 'sprint-status' }),
    attempt(11, { command: '__proto__', story_keys: ['x', '1-1-one'] }),
  ]), '1-1-one');
  assert.deepEqual(found.map(({ phase }) => phase), ['sprint-status', ...PHASES, '__proto__']);
  assert.deepEqual(found.map(({ attempts }) => attempts.map(({ id }) => id)), [[1], [2], [], [], [], [], [9, 10], [11]]);
  assert.deepEqual(stages({}, 'constructor').map(({ phase }) => phase), PHASES);
});

test('a code review says how bad it is, and what it found', () => {
  const { tone, word, titles } = verdict('code-review-2',
    { review: { severity: 'HIGH', counts: { low: 2, high: 1, medium: 0 }, titles: ['b', EVIL, 7] } });
  assert.deepEqual([tone, word, titles], ['error', '1 high, 2 low', [EVIL, 'b']]);
  assert.equal(verdict('code-review-1', { review: { severity: 'ZERO', counts: { low: 1 } } }).word, 'No issues');
  assert.equal(verdict('code-review-1', { review: { severity: 'LOW' } }).word, 'Low at most');
  const strange = [undefined, null, 'text', 7, [], { severity: '__proto__' }, { severity: null, counts: EVIL, titles: {} }];
  for (const review of strange) {
    assert.equal(verdict('code-review-1', { review }).word, 'No severity named', JSON.stringify(review));
  }
});

test('other reviews say whether anything is critical, and the creation whether a tech-spec is needed', () => {
  assert.deepEqual([true, false, undefined].map((critical) => verdict('story-review-3', { critical }).tone),
    ['error', 'success', 'success']);
  assert.equal(verdict('create-story', { decisions: { k: 'SKIP' } }).word, 'Needs no tech-spec');
  assert.equal(verdict('create-story', '{"decisions": {"__proto__": "REQUIRED"}}', '__proto__').word, 'Needs a tech-spec');
  for (const decisions of [undefined, null, 'text', {}, { other: 'SKIP' }]) {
    assert.equal(verdict('create-story', { decisions }, 'constructor'), null);
  }
});

test('warnings are told in any case, and what cannot be read tells nothing', () => {
  assert.deepEqual(verdict('dev-story', { warnings: ['no report', 7] }).warnings, ['no report']);
  assert.deepEqual(verdict('code-review-1', { review: { severity: 'LOW' }, warnings: ['w'] }).warnings, ['w']);
  for (const json of ['', 'null', '7', '"text"', '{"cut', EVIL, '{}', '[]']) assert.equal(verdict('dev-story', json), null, json);
});

test('written files stand in their folders, the last one first, without the folder that all lie in', () => {
  const { root, count, folders } = written([
    wrote(1, 'Write /srv/src/a.py'), wrote(2, 'Edit /srv/src/deep/b.py'), wrote(3, 'Read /srv/secret'),
    wrote(4, 'Edit /srv/src/a.py'),
  ]);
  assert.deepEqual([root, count], ['/srv/src/', 2]);
  const [first] = folders[0].files;
  assert.deepEqual([folders[0].folder, first.name, first.times, first.made, first.commandId], ['', 'a.py', 2, true, 4]);
  assert.deepEqual([folders[1].folder, folders[1].files[0].name, folders[1].files[0].made], ['deep/', 'b.py', false]);
});

test('only the start of a tool that writes tells of a file, whatever its name', () => {
  const { count, folders, root } = written([
    wrote(1, 'Write a/x', { status: 'end' }), wrote(2, 'Write a/y', { kind: 'text' }), wrote(3, undefined), wrote(4, 'Write '),
    wrote(5, EVIL),
    wrote(6, `Write ${EVIL}/__proto__`), wrote(7, 'NotebookEdit __proto__/two words\nand a line'),
  ]);
  assert.deepEqual([root, count], ['', 2]);
  assert.deepEqual(folders.map(({ folder, files }) => [folder, files[0].name]),
    [['__proto__/', 'two words\nand a line'], [`${EVIL}/`, '__proto__']]);
});

test('the folder of all files is one of theirs', () => {
  const root = (...paths) => written(paths.map((path, seq) => wrote(seq, `Edit ${path}`))).root;
  assert.deepEqual([root(), root('a'), root('a/b', 'c'), root('/a'), root('/src/a', '/src2/a')], ['', '', '', '/', '/']);
  assert.deepEqual([root('/x/c', '/x/y/z'), root('/x/aa', '/y/aa')], ['/x/', '/']);
});

test('there is advice for reasons that are known', () => {
  assert.match(cureOf('Repeated error pattern in the last reviews'), /last three code reviews/);
  assert.match(cureOf('3 consecutive errors'), /failed three times/);
  for (const reason of ['', '__proto__', EVIL]) assert.equal(cureOf(reason), '');
});

test('a story belongs to the batches during which it began, and to an earlier one that is not listed', () => {
  const batches = [30, 20, 10].map((id) => ({ id, started_at: id * 1000 }));
  const ids = (times) => {
    const { batches: found, earlier } = batchesOf(times, batches);
    return [found.map(({ id }) => id), earlier];
  };
  assert.deepEqual(ids([10_500, 30_000, 31_000]), [[30, 10], false]);
  assert.deepEqual(ids([9_999, 25_000]), [[20], true]);
  assert.deepEqual(ids([]), [[], false]);
  assert.deepEqual(batchesOf([AT], []), { batches: [], earlier: true });
});
