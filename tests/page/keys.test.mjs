import assert from 'node:assert/strict';
import test from 'node:test';
import { Keyboard, moving, pressedOnce } from '../../web/static/core/keys.js';

/** Which keys did something; `held`: those that the keyboard repeats. */
function typed(...presses) {
  const done = [];
  const key = (name) => [name, { help: '', run: () => done.push(name) }];
  const keyboard = new Keyboard(() => ({
    ...Object.fromEntries(['p', 'n', 'g b', '__proto__'].map(key)), ...moving(Object.fromEntries(['j', 'x', 'ArrowDown'].map(key))),
  }));
  for (const [name, changes] of presses) {
    keyboard.pressed({ key: name, target: { tagName: 'BODY' }, preventDefault() {}, ...changes });
  }
  return done;
}

const held = (key) => [[key], [key, { repeat: true }], [key, { repeat: true }]];

test('a key that is held gives one order', () => {
  assert.deepEqual(typed(...held('p')), ['p']);
  assert.deepEqual(typed(...held('x')), ['x']);
  assert.deepEqual(typed(...held('p'), ['p']), ['p', 'p']);
});

test('what moves goes on while its key is held, where the view says so', () => {
  assert.deepEqual(typed(...held('j')), ['j', 'j', 'j']);
  assert.deepEqual(typed(...held('ArrowDown')), ['ArrowDown', 'ArrowDown', 'ArrowDown']);
  // That of the bar, which opens and closes a list.
  assert.deepEqual(typed(...held('n')), ['n']);
});

test('two letters are a key, also where the first was held or another key came just before; nothing is taken from who types', () => {
  assert.deepEqual(typed(...held('g'), ['b']), ['g b']);
  assert.deepEqual(typed(['p'], ['g'], ['b'], ['b']), ['p', 'g b']);
  assert.deepEqual(typed(['p', { target: { tagName: 'INPUT', type: 'text' } }], ['p', { ctrlKey: true }]), []);
  assert.deepEqual(typed(...held('constructor'), ...held('toString')), []);
});

test('Enter that is held presses no second button', () => {
  const forbidden = (key, repeat, tag) => {
    let found = false;
    const target = { closest: (selector) => selector.split(', ').includes(tag) || null };
    pressedOnce({ key, repeat, target, preventDefault: () => { found = true; } });
    return found;
  };
  assert.deepEqual(['button', 'a'].map((tag) => forbidden('Enter', true, tag)), [true, true]);
  assert.equal(forbidden(' ', true, 'button'), true);
  assert.equal(forbidden('Enter', false, 'button'), false);
  assert.equal(forbidden('Enter', true, 'textarea'), false);
  assert.equal(forbidden('ArrowDown', true, 'button'), false);
});
