import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULTS, load, save } from '../../web/static/core/prefs.js';

/** A browser that has kept this. */
function kept(text) {
  let held = text;
  globalThis.localStorage = { getItem: () => held, setItem: (key, value) => { held = value; } };
}
const values = (changes) => `{"version": 1, "values": ${changes}}`;

test('cycles are a whole number that a batch can have', () => {
  for (const [given, taken] of [['5', 5], ['-5', 1], ['0', 1], ['1.5', 2], ['1e9', 999], ['1e999', 999], ['"7"', 2], ['null', 2]]) {
    kept(values(`{"cycles": ${given}}`));
    assert.equal(load().cycles, taken, given);
  }
});

test('two tabs keep what each of them has changed', () => {
  kept(null);
  const [one, other] = [load(), load()];
  save({ ...one, theme: 'dark' }, one);
  save({ ...other, view: 'board', cycles: 4 }, other);
  assert.deepEqual(load(), { ...DEFAULTS, theme: 'dark', view: 'board', cycles: 4 });
});

test('a page that has changed nothing keeps nothing', () => {
  kept(null);
  const before = load();
  kept(values('{"theme": "light"}'));
  save({ ...before }, before);
  assert.equal(load().theme, 'light');
});

test('what is no preference is left out, and what cannot be read is none', () => {
  for (const text of ['[]', '{', 'null', '7', '{"version": 9, "values": {"cycles": 5}}', '{"version": 1}', values('{"theme": 7, "odd": 1}')]) {
    kept(text);
    assert.deepEqual(load(), DEFAULTS, text);
  }
});

test('a browser that keeps nothing breaks nothing', () => {
  globalThis.localStorage = { getItem: () => { throw new Error('forbidden'); }, setItem: () => { throw new Error('full'); } };
  save({ ...load(), theme: 'dark' }, load());
  assert.deepEqual(load(), DEFAULTS);
});
