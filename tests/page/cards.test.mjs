import assert from 'node:assert/strict';
import test from 'node:test';
import { cards, chosen, offsetOf, pattern, placeOf, rankOf } from '../../web/static/core/cards.js';
import { spoken } from '../../web/static/core/transcript_moment.js';
import { chance, entry, EVIL, HOSTILE, pick, range } from './shapes.mjs';

const use = (id, tool_use_id, changes = {}) => entry(id, 'tool_use', { tool: 'Bash', tool_use_id, ...changes });
const result = (id, tool_use_id, changes = {}) => entry(id, 'tool_result', { tool_use_id, ...changes });
const ALL = { thinking: true, show: '', find: '' };

/** As an agent might write them, and as it should not. */
function transcript(random, count) {
  const names = ['a', 'b', 'c', ...HOSTILE];
  const kinds = ['text', 'tool_use', 'tool_result', 'thinking', 'error'];
  return range(count).map((place) => entry(`${place * 7}:${random(3)}`, pick(random, kinds), {
    text: pick(random, HOSTILE), tool_use_id: pick(random, names), parent_tool_use_id: pick(random, names),
    is_error: random(4) === 0,
  }));
}

test('a result stands under its call, also when others come in between', () => {
  const all = cards([use('0:0', 'a'), use('0:1', 'b'), result('9:0', 'b'), result('20:0', 'a', { is_error: true })]);
  assert.deepEqual(all.map((card) => [card.entry.id, card.result?.id, card.failed]),
    [['0:0', '20:0', true], ['0:1', '9:0', false]]);
});

test('a result without a call, and a second one of the same call, are cards of their own', () => {
  const all = cards([result('0:0', 'x'), use('5:0', 'a'), result('9:0', 'a'), result('12:0', 'a'), result('15:0', '')]);
  assert.deepEqual(all.map(({ entry: { id } }) => id), ['0:0', '5:0', '12:0', '15:0']);
});

test('each entry is on one card, in order, whatever they say', () => {
  const random = chance(3);
  for (let round = 0; round < 100; round += 1) {
    const entries = transcript(random, random(60));
    const all = cards(entries);
    const found = all.flatMap((card) => (card.result ? [card.entry, card.result] : [card.entry]));
    assert.deepEqual(new Set(found), new Set(entries));
    assert.equal(found.length, entries.length);
    assert.ok(all.every((card, place) => place === 0 || all[place - 1].rank < card.rank));
    assert.ok(all.every(({ depth }) => depth >= 0 && depth <= 3));
  }
});

test('cards that have not changed are the same ones when entries come behind or in front', () => {
  const random = chance(5);
  for (let round = 0; round < 50; round += 1) {
    const entries = transcript(random, 40);
    const [from, to] = [random(20), 20 + random(20)];
    const before = cards(entries.slice(from, to));
    const whole = cards(entries, before);
    assert.deepEqual(whole, cards(entries));
    const isIn = new Set(whole);
    for (const old of before) {
      const now = whole.find((card) => card.entry === old.entry);
      if (now) assert.equal(isIn.has(old), now.result === old.result && now.depth === old.depth);
    }
  }
});

test('what a subagent does is set in, three deep at most, also when it is its own parent', () => {
  const deep = range(6).map((level) => use(`${level}:0`, `t${level}`, { parent_tool_use_id: level ? `t${level - 1}` : '' }));
  assert.deepEqual(cards(deep).map(({ depth }) => depth), [0, 1, 2, 3, 3, 3]);
  assert.deepEqual(cards([use('0:0', 'a', { parent_tool_use_id: 'a' })])[0].depth, 1);
  assert.equal(cards([entry('0:0', 'text', { parent_tool_use_id: 'never seen' })])[0].depth, 1);
});

test('reports of tasks are read when a text is nothing else', () => {
  const line = '1700000000,2,1-1-one,dev-story,setup,start,"Say ""hi"", <b>"';
  const [card] = cards([entry('0:0', 'text', { text: `\n${line}\n  ${line.replace('start', 'end')}\n` })]);
  const report = { story: '1-1-one', task: 'setup', status: 'start', message: 'Say "hi", <b>' };
  assert.deepEqual(card.reports, [report, { ...report, status: 'end' }]);
  for (const text of [`Look: ${line}`, `${line}\nand more`, '', line.slice(0, -1), `${line}\n`.repeat(99)]) {
    assert.deepEqual(cards([entry('0:0', 'text', { text })])[0].reports, []);
  }
  assert.deepEqual(cards([entry('0:0', 'thinking', { text: line })])[0].reports, []);
});

test('ranks rise with the byte, then with the place in the line, beyond a gigabyte too', () => {
  const ranks = ['0:0', '0:1', '0:999', '1:0', '4000000000:3', '4000000000:4'].map((id) => rankOf(entry(id, 'text')));
  assert.ok(ranks.every((rank, place) => place === 0 || ranks[place - 1] < rank));
  assert.equal(offsetOf(entry('4000000000:3', 'text')), 4_000_000_000);
});

test('the place of a rank is how many cards stand in front of it', () => {
  const all = cards(range(30).map((place) => entry(`${place * 10}:0`, 'text')));
  for (const rank of [-1, 0, 1, 10_000, 10_001, 155_000, 290_000, 1e12]) {
    assert.equal(placeOf(all, rank), all.filter((card) => card.rank < rank).length);
  }
  assert.equal(placeOf([], 5), 0);
});

test('what is looked for is text, not a pattern, in any case', () => {
  assert.equal(pattern(''), null);
  const all = cards([
    entry('0:0', 'text', { text: 'A.B (c) [' }), use('1:0', 'a', { input: '{"x":"needle"}' }), result('2:0', 'a', { text: EVIL }),
    entry('3:0', 'text', { text: 'AxB' }),
  ]);
  const found = (find) => chosen(all, { ...ALL, find }).map(({ entry: { id } }) => id);
  assert.deepEqual(found('a.b'), ['0:0']);
  assert.deepEqual(found('(c) ['), ['0:0']);
  assert.deepEqual(found('NEEDLE'), ['1:0']);
  assert.deepEqual(found('<IMG SRC'), ['1:0'], 'a call is found by its result');
  assert.deepEqual(found('bash'), ['1:0']);
  assert.deepEqual(found('.*'), []);
});

test('errors, tools and texts can be looked at alone', () => {
  const all = cards([
    entry('0:0', 'thinking'), entry('1:0', 'text'), use('2:0', 'a'), result('3:0', 'a', { is_error: true }),
    entry('4:0', 'error'),
    entry('5:0', 'system'), result('6:0', 'lost'),
  ]);
  const found = (choice) => chosen(all, { ...ALL, ...choice }).map(({ entry: { id } }) => id[0]).join('');
  assert.equal(found({}), '012456');
  assert.equal(found({ thinking: false }), '12456');
  assert.equal(found({ show: 'errors' }), '24');
  assert.equal(found({ show: 'tools' }), '26');
  assert.equal(found({ show: 'text' }), '014');
});

test('an event tells of calls, and of texts and errors of the agent itself', () => {
  assert.deepEqual(['text', 'error', 'tool_use', 'thinking', 'tool_result', 'system'].map((kind) => spoken(entry('0:0', kind))),
    [true, true, true, false, false, false]);
  assert.deepEqual(['text', 'error', 'tool_use'].map((kind) => spoken(entry('0:0', kind, { parent_tool_use_id: 'a' }))),
    [false, false, true]);
});
