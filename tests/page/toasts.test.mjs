import assert from 'node:assert/strict';
import test from 'node:test';
import { Store } from '../../web/static/core/store.js';
import { retract, tell, toast } from '../../web/static/core/toasts.js';
import { event, range } from './shapes.mjs';
import { install } from './window.mjs';

function shown() {
  const page = install();
  return { page, store: new Store({ toasts: [], prefs: { notify: false } }, () => {}) };
}
const said = (title, tone = 'warning') => ({ tone, title, text: '' });
const titles = ({ state }) => state.toasts.map(({ title }) => title);

test('errors stay until they are closed, however much is said after them', () => {
  const { page, store } = shown();
  toast(store, said('fatal', 'error'));
  range(9).forEach((number) => toast(store, said(`w${number}`)));
  assert.deepEqual(titles(store), ['fatal', 'w5', 'w6', 'w7', 'w8']);
  page.pass(60_000);
  assert.deepEqual(titles(store), ['fatal']);
});

test('what is said while there are many errors is shown all the same', () => {
  const { store } = shown();
  range(7).forEach((number) => toast(store, said(`e${number}`, 'error')));
  toast(store, said('w'));
  assert.deepEqual(titles(store), [...range(7).map((number) => `e${number}`), 'w']);
  range(200).forEach((number) => toast(store, said(`more ${number}`, 'error')));
  assert.equal(store.state.toasts.length, 50);
});

test('what is said again stays as long as if it were new', () => {
  const { page, store } = shown();
  toast(store, said('a'));
  page.pass(5_500);
  toast(store, said('a'));
  page.pass(700);
  assert.deepEqual(store.state.toasts.map(({ count }) => count), [2]);
  page.pass(5_500);
  assert.deepEqual(titles(store), []);
});

test('that a batch has stopped is information, and over when it is resumed or another one starts', () => {
  const { store } = shown();
  const end = (status) => event(1, 'batch:end', { status, reason: 'stopped by the operator', batch_id: 3, cycles_completed: 1 });
  tell(store, end('stopped'));
  assert.deepEqual(store.state.toasts.map(({ tone, title }) => [tone, title]), [['info', 'Batch stopped']]);
  tell(store, event(2, 'batch:start', { batch_id: 3, resumed: true }));
  assert.deepEqual(titles(store), []);
  tell(store, end('error'));
  tell(store, event(3, 'batch:start', { batch_id: 4, resumed: false }));
  assert.deepEqual(titles(store), ['Batch ended with an error']);
});

test('only what is about the same thing is taken back', () => {
  const { store } = shown();
  toast(store, { ...said('one'), about: 'x' });
  toast(store, said('other'));
  retract(store, 'y');
  assert.deepEqual(titles(store), ['one', 'other']);
  retract(store, 'x');
  assert.deepEqual(titles(store), ['other']);
});
