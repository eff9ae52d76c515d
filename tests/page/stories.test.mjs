import assert from 'node:assert/strict';
import test from 'node:test';
import { NOTHING } from '../../web/static/core/scene.js';
import { columnOf, descriptionOf, filtered, groups, rows } from '../../web/static/core/stories.js';
import { COLUMNS, sorted, sorting } from '../../web/static/core/story_order.js';
import { phaseWord, track } from '../../web/static/core/story_phases.js';
import { AT, board, byId, byKey, card, chance, EVIL, HOSTILE, pick, range, running, state, story } from './shapes.mjs';

const epic = (id) => ({ id, title: `Epic ${id}`, status: 'in-progress', stories_done: 0, stories_total: 0 });
const sprint = (stories, epics = []) => ({ sprint: { epics, stories } });
const cards = (...all) => ({ stories: byKey(all) });
const keys = (all) => all.map(({ key }) => key);
const past = (changes) => ({ past: { batchId: 7, scene: { ...NOTHING, board: board({ ended_at: AT + 5000, ...changes }) } } });

test('stories stand in the order of the sprint, and those that only the batch knows behind it', () => {
  const found = rows(state({ board: cards(card('9-9-gone'), card('1-2-two')), ...sprint([story('1-2-two'), story('1-1-one')]) }));
  assert.deepEqual(found.map(({ key, inBatch }) => [key, inBatch]), [['1-2-two', true], ['1-1-one', false], ['9-9-gone', true]]);
  assert.deepEqual([found[2].title, found[2].short, found[2].epic], ['Gone', '9-9', '9']);
});

test('hostile keys are stories like others', () => {
  const file = sprint(['constructor', '__proto__', ''].map((key) => story(key)));
  const found = rows(state({ board: cards(card('__proto__'), card(EVIL)), ...file }));
  assert.deepEqual(found.map(({ key, inBatch }) => [key, inBatch]),
    [['constructor', false], ['__proto__', true], ['', false], [EVIL, true]]);
});

test('while a batch runs it knows better than the file, and after its end the file does, once it was read', () => {
  const known = cards(card('1-1-one', { status: 'review' }));
  const file = sprint([story('1-1-one', { status: 'done' })]);
  const now = (changes) => rows(state({ board: { ...known, ...changes }, ...file, now: AT + 9000 }))[0].status;
  assert.equal(now({}), 'review');
  assert.equal(now({ ended_at: AT + 8000 }), 'review');
  assert.equal(now({ ended_at: AT + 1000 }), 'done');
});

test('of a past batch only its own stories are listed, as they stood then', () => {
  const file = sprint([story('1-1-one', { status: 'done' }), story('1-2-two'), story('1-3-three', { status: 'done' })]);
  const taken = cards(card('1-3-three', { status: 'blocked', reason: 'why' }), card('1-1-one', { status: 'review' }));
  const found = rows(state({ ...file, ...past(taken) }));
  assert.deepEqual(found.map(({ key, status, reason }) => [key, status, reason]),
    [['1-1-one', 'review', ''], ['1-3-three', 'blocked', 'why']]);
});

test('how long and how dear a story was is not known before it is', () => {
  const found = rows(state({
    board: cards(card('a'), card('b', { ended_at: AT + 70, tokens: 5, cost_usd: 0.5 }), card('c', { ended_at: AT - 70 })),
    ...sprint([story('d', { duration_ms: 9 })]),
  }));
  assert.deepEqual(found.map(({ key, since, duration, cost, tokens }) => [key, since, duration, cost, tokens]), [
    ['d', null, 9, null, null], ['a', AT, null, null, null], ['b', null, 70, 0.5, 5], ['c', null, 0, null, null],
  ]);
});

test('a row that says the same is the same object, and one that does not is not', () => {
  const [file, some] = [sprint([story('1-1-one'), story('1-2-two')]), byId([running(1)])];
  const make = (tokens) => state({ board: { ...cards(card('1-1-one'), card('1-2-two', { tokens })), running: some }, ...file });
  const [one, again, other] = [make(1), make(1), make(2)].map(rows);
  assert.deepEqual([again[0] === one[0], again[1] === one[1], other[1] === one[1], other[1].tokens], [true, true, false, 2]);
  assert.notEqual(one[0], one[1]);
});

test('a story has the attempts that run for it, those that it waits for first', () => {
  const some = byId([running(1, { background: true, story_keys: ['a', '__proto__'] }), running(2, { story_keys: ['a'] })]);
  const found = rows(state({ board: { ...cards(card('a'), card('__proto__')), running: some } }));
  assert.deepEqual(found.map((row) => row.running.map(({ command_id: id }) => id)), [[2, 1], [1]]);
});

const row = (key, changes = {}) => (
  { key, title: key, epic: '1', status: 'backlog', inBatch: false, phases: [], reviews: 0, since: null, duration: null,
    cost: null, tokens: null, reason: '', running: [], ...changes }
);

test('a filter needs all of its words, anywhere and in any case', () => {
  const all = [row('1-1-Login', { title: 'The Page' }), row('1-2-login', { status: 'strange', reason: EVIL }),
    row('1-3-x', { epic: '2', inBatch: true })];
  const found = (filters) => keys(filtered(all, filters)).map((key) => key.slice(0, 3));
  assert.deepEqual(found({}), ['1-1', '1-2', '1-3']);
  assert.deepEqual(found({ q: ' page  LOGIN ' }), ['1-1']);
  assert.deepEqual(found({ q: '<img' }), ['1-2']);
  assert.deepEqual(found({ q: '.*' }), []);
  assert.deepEqual(found({ status: 'other' }), ['1-2']);
  assert.deepEqual(found({ epic: '2', in: 'batch', status: 'backlog' }), ['1-3']);
  assert.deepEqual([columnOf('done'), columnOf('__proto__'), columnOf('')], ['done', 'other', 'other']);
});

test('epics keep the order of the sprint, count what is done, and of a past batch only those with stories are there', () => {
  const all = [row('1-1', { status: 'done' }), row('1-2'), row('x', { epic: '__proto__' })];
  const file = sprint([], [epic('2'), epic('1')]);
  const told = (some) => some.map(({ id, done, rows: own }) => [id, done, own.length]);
  assert.deepEqual(told(groups(all, state(file))), [['2', 0, 0], ['1', 1, 2], ['__proto__', 0, 1]]);
  assert.deepEqual(told(groups(all, state({ ...file, ...past({}) }))), [['1', 1, 2], ['__proto__', 0, 1]]);
});

test('the description of a story is found under each name of its file, and never in what every object has', () => {
  for (const name of ['1-1-one', '1-1', 'story-1-1', 'story-1-1-one', 'sprint-1-1-one']) {
    assert.equal(descriptionOf({ [name]: 'text' }, { key: '1-1-one', short: '1-1' }), 'text');
  }
  assert.equal(descriptionOf({}, { key: 'constructor', short: 'toString' }), '');
});

test('whatever the column, no story is lost, what is not known comes last, and equals keep their order', () => {
  const random = chance(9);
  for (let round = 0; round < 50; round += 1) {
    const all = range(30).map((place) => row(`${place}`, {
      title: pick(random, HOSTILE), status: pick(random, ['done', 'review', 'strange']),
      phases: pick(random, [[], ['dev-story'], ['strange']]),
      reviews: random(3), duration: pick(random, [null, 5, 9]), cost: pick(random, [null, 0.5, 2]),
      tokens: pick(random, [null, 1, 1e15]),
    }));
    for (const column of COLUMNS) {
      const [up, down] = [false, true].map((turned) => sorted(all, column, turned, AT));
      assert.deepEqual(new Set(up), new Set(all));
      if (['cost', 'tokens', 'duration'].includes(column)) {
        for (const [some, turn] of [[up, 1], [down, -1]]) {
          const wanted = all.map((one, place) => [one, place]).sort(([one, i], [other, j]) => (
            (one[column] === null) - (other[column] === null) || turn * (one[column] - other[column]) || i - j));
          assert.deepEqual(keys(some), wanted.map(([one]) => one.key));
        }
      }
    }
  }
});

test('titles are sorted as people count, and time that runs is as long as it has run', () => {
  const titled = ['Part 10', 'part 2', 'Part 1'].map((title) => row(title));
  assert.deepEqual(keys(sorted(titled, 'title', false, AT)), ['Part 1', 'part 2', 'Part 10']);
  const timed = [row('a', { duration: 500 }), row('b', { since: AT - 900 }), row('c', { since: AT - 100 })];
  assert.deepEqual(keys(sorted(timed, 'duration', true, AT)), ['b', 'a', 'c']);
});

test('the order is what the address says, else what was chosen last, else that of the sprint', () => {
  const prefs = { sort: 'cost', sortDown: true };
  assert.deepEqual(sorting(undefined, prefs), { column: 'cost', down: true });
  assert.deepEqual(sorting('title', prefs), { column: 'title', down: false });
  for (const text of ['', '-', '--cost', '__proto__', '-constructor', EVIL]) {
    assert.deepEqual(sorting(text, prefs), { column: 'key', down: false });
  }
});

test('the way of a story says where it stands, what it left out, and what is to come', () => {
  const usual = { phases: [], status: 'in-progress', running: [], since: AT };
  const way = (changes) => track({ ...usual, ...changes }).map((one) => one.state).join(' ');
  assert.equal(way({}), 'todo todo todo todo todo todo');
  assert.equal(way({ phases: ['create-story', 'dev-story'], running: [running(1)] }),
    'done skipped skipped skipped running todo');
  assert.equal(way({ phases: ['create-story'], running: [running(1, { background: true })] }),
    'current todo todo todo todo todo');
  assert.equal(way({ phases: ['create-story'], status: 'blocked' }), 'blocked todo todo todo todo todo');
  assert.equal(way({ phases: ['dev-story'], status: 'done' }), 'skipped skipped skipped skipped done skipped');
  assert.equal(way({ phases: ['__proto__'] }), 'todo todo todo todo todo todo');
  assert.equal(phaseWord('constructor'), 'constructor');
});
