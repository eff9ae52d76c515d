import assert from 'node:assert/strict';
import test from 'node:test';
import {
  bounds, changes, defaults, fault, groups, hint, isChanged, label, refusals, textOf, unit,
} from '../../web/static/core/settings_form.js';
import { chance, EVIL, HOSTILE } from './shapes.mjs';

const row = (name, changes = {}) => ({ name, value: 2, default: 2, low: 1, high: 20, choices: [], help: '', ...changes });
const model = row('default_model', { value: '', default: '', low: null, high: null });
const isolation = row('isolation', { value: 'auto', default: 'auto', low: null, high: null, choices: ['auto', 'guard'] });
const cycles = row('default_max_cycles');
const port = row('server_port', { value: 8765, default: 8765, high: 65_535 });
const ROWS = [port, model, cycles, isolation];

test('every setting is in one group, and one that nobody has placed stands under Other', () => {
  const found = groups([...ROWS, row('__proto__'), row('brand_new')]);
  assert.deepEqual(found.map(({ title, rows }) => [title, rows.map(({ name }) => name)]), [
    ['Batch', ['default_max_cycles']], ['Agents', ['default_model', 'isolation']], ['Server and storage', ['server_port']],
    ['Other', ['__proto__', 'brand_new']],
  ]);
  assert.deepEqual(groups([]), []);
});

test('a setting has words for its name, and its unit behind the field', () => {
  const names = ['server_port', 'command_timeout_minutes', 'keep_runs_days', 'isolation'];
  assert.deepEqual(names.map((name) => [label(name), unit(name)]), [
    ['Server port', ''], ['Command timeout', 'minutes'], ['Keep raw output', 'days'], ['Isolation of agents', ''],
  ]);
  for (const name of HOSTILE) assert.deepEqual([typeof label(name), unit(name)], ['string', '']);
});

test('a number has to be whole and within its bounds, and nothing else is one', () => {
  for (const text of ['1', '20', ' 7 ', '007']) assert.equal(fault(cycles, text), '', text);
  for (const text of ['', ' ', '0', '21', '-1', '1.5', '1e1', '0x5', '٣', '9'.repeat(400), 'NaN', ...HOSTILE]) {
    assert.equal(fault(cycles, text), 'A whole number from 1 to 20.', text);
  }
  const random = chance(1);
  for (let round = 0; round < 200; round += 1) {
    const value = random(70_000);
    assert.equal(fault(port, String(value)) === '', value >= 1 && value <= 65_535);
  }
});

test('a model is a name or nothing, and a choice is one of its words', () => {
  for (const text of ['', ' ', 'opus', 'claude-3.5@x/y:z', 'opus[1m]']) assert.equal(fault(model, text), '', text);
  for (const text of ['-x', 'a b', EVIL, 'a;b', 'x'.repeat(101), 'a\nb']) assert.notEqual(fault(model, text), '', text);
  assert.equal(fault(isolation, ' guard '), '');
  for (const text of ['', 'Guard', 'constructor', 'auto,guard']) {
    assert.equal(fault(isolation, text), 'Choose one of auto, guard.');
  }
});

test('a port that only root may take says so before it is saved', () => {
  assert.deepEqual(['80', '1023', '1024', '0', 'x', ''].map((text) => hint(port, text) !== ''),
    [true, true, false, false, false, false]);
  assert.equal(hint(cycles, '5'), '');
});

test('what may be put in is told with what it is when nobody says anything', () => {
  assert.equal(bounds(cycles), 'From 1 to 20, default 2.');
  assert.equal(bounds(model), 'Default empty.');
});

test('only what is changed is sent, numbers as numbers', () => {
  const drafts = { server_port: ' 8766 ', default_model: ' opus ', default_max_cycles: ' 2 ', unknown: '5' };
  assert.deepEqual(changes(ROWS, drafts), { server_port: 8766, default_model: 'opus' });
  assert.deepEqual(changes(ROWS, {}), {});
  assert.deepEqual(ROWS.map((one) => isChanged(one, drafts)), [true, true, false, false]);
});

test('a field has what was typed, also when that is empty, and else what the server says', () => {
  assert.deepEqual([textOf(port, { server_port: '' }), textOf(port, {}), isChanged(port, { server_port: '' })],
    ['', '8765', true]);
  assert.equal(textOf(row('constructor'), {}), '2', 'what every object has is no draft');
});

test('the defaults as drafts bring everything back', () => {
  const rows = [row('a', { value: 5 }), row('b'), row('__proto__', { value: 9 }), { ...model, value: 'opus' }];
  const drafts = defaults(rows);
  assert.deepEqual(Object.keys(drafts), ['a', '__proto__', 'default_model']);
  assert.ok(rows.every((one) => textOf(one, drafts) === String(one.default)));
});

test('a refusal is parted by the settings that it speaks of, and only by whole names', () => {
  const error = 'settings: server_port must be less; default_max_cycles must be more; something else about default_model_x';
  assert.deepEqual(refusals(ROWS, error), {
    server_port: 'server_port must be less', default_max_cycles: 'default_max_cycles must be more',
  });
  assert.deepEqual(refusals(ROWS, ''), {});
  assert.deepEqual(refusals(ROWS, EVIL), {});
});
