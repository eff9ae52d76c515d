import assert from 'node:assert/strict';
import test from 'node:test';
import { confirmed, hindrance, isOpen, order, present, undecided } from '../../web/static/core/orders.js';
import { parse } from '../../web/static/core/router.js';
import { Store } from '../../web/static/core/store.js';
import { wording } from '../../web/static/core/toasts.js';
import { words } from '../../web/static/views/words.js';
import { AT, event, EVIL, state } from './shapes.mjs';
import { install, never, settled } from './window.mjs';

process.env.TZ = 'Europe/Berlin';
const ORDERS = ['start', 'stop', 'pause', 'resume'];
const ACTIVE = ['starting', 'running', 'pausing', 'paused', 'waiting_limit', 'stopping'];
const doing = (name, { board = {}, overview = null } = {}) => (
  state({ board: { batch_id: 3, state: name, cycle: 2, max_cycles: 5, ...board }, overview })
);
const over = (name, overview = null) => doing(name, { board: { ended_at: AT }, overview });
const resumable = { status: 'idle', resumable: { batch_id: 3 } };

test('what the batch does is what its events say, and after its end nothing', () => {
  for (const name of ACTIVE) assert.equal(present(doing(name)), name);
  for (const name of ['completed', 'stopped', 'error', 'running']) assert.equal(present(over(name)), 'idle');
  assert.equal(present(state()), 'idle');
});

test('a start that has told nothing yet is one, but a running batch is not taken back by an older overview', () => {
  assert.equal(present(over('completed', { status: 'starting' })), 'starting');
  assert.equal(present(over('completed', { status: 'running' })), 'idle');
  assert.equal(present(doing('running', { overview: { status: 'idle' } })), 'running');
});

test('only orders that make sense can be given', () => {
  const possible = (given) => ORDERS.filter((name) => hindrance(given, name) === '').join(' ');
  assert.deepEqual(ACTIVE.map((name) => `${name}: ${possible(doing(name))}`), [
    'starting: stop', 'running: stop pause', 'pausing: stop resume', 'paused: stop resume', 'waiting_limit: stop resume',
    'stopping: stop',
  ]);
  assert.equal(possible(state()), 'start');
  assert.equal(possible(over('stopped', resumable)), 'start resume');
});

test('without a connection, or before the present has come, no order can be given', () => {
  for (const name of ORDERS) {
    assert.equal(hindrance({ ...doing('running'), line: { state: 'reconnecting' } }, name), 'No connection to the runner');
    assert.equal(hindrance({ ...doing('running'), loaded: false }, name), 'Loading');
  }
});

test('an order is open until an event confirms it', () => {
  const pending = { since: AT, error: '', hint: '' };
  const open = (...events) => Object.keys(confirmed(Object.fromEntries(ORDERS.map((name) => [name, pending])), events)).join(' ');
  assert.equal(open(), 'start stop pause resume');
  assert.equal(open(event(1, 'batch:start')), 'stop pause');
  assert.equal(open(event(1, 'batch:state', { state: 'stopping' })), 'start pause resume');
  assert.equal(open(event(1, 'batch:state', { state: 'pausing' })), 'start stop resume');
  assert.equal(open(event(1, 'command:end'), event(2, 'batch:state', { state: 'running' })), 'start stop pause');
  assert.equal(open(event(1, 'batch:end')), 'start resume');
  assert.equal(open(event(1, '__proto__'), event(2, 'batch:state')), 'start stop pause resume');
});

test('a refusal stays, and orders that have not changed are the same object', () => {
  const orders = { start: { since: AT, error: 'refused', hint: '' } };
  assert.equal(confirmed(orders, [event(1, 'batch:start')]), orders);
});

/** A page of a runner that answers an order so; what is given to it. */
function ordering(answer, given = state()) {
  const page = install({ '/api/orchestrator/start': answer, '/api/orchestrator/stop': answer });
  return { page, store: new Store({ ...given, toasts: [] }, () => {}) };
}
const refuse = () => new Response('{"error": "a batch is already running", "hint": "stop it first"}', { status: 409 });
const lose = () => { throw new TypeError('network'); };

test('an order that is open, or makes no sense any more, is not given again', async () => {
  const { page, store } = ordering({ status: 'starting' });
  await Promise.all([order(store, 'start'), order(store, 'start')]);
  await order(store, 'stop');
  assert.deepEqual(page.asked, ['/api/orchestrator/start']);
  assert.equal(isOpen(store.state, 'start'), true);
});

test('what the runner refuses is refused in its words, until the next order', async () => {
  const { store, page } = ordering(refuse);
  await order(store, 'start');
  assert.deepEqual([store.state.orders.start.error, store.state.orders.start.hint], ['a batch is already running', 'stop it first']);
  page.answers['/api/orchestrator/start'] = {};
  await order(store, 'start');
  assert.equal(store.state.orders.start.error, '');
});

test('an order whose answer is lost is neither refused nor open: it is not known, until an event tells', async () => {
  const { store } = ordering(lose, doing('running'));
  await order(store, 'stop');
  assert.deepEqual(store.state.orders, {});
  assert.deepEqual(store.state.toasts.map(({ title, stays }) => [title, stays]), [['Not known: stop', true]]);
  assert.match(store.state.toasts[0].text, /^The runner did not answer/);
  assert.equal(undecided(store.state.toasts, [event(1, 'batch:start')]).length, 1);
  assert.equal(undecided(store.state.toasts, [event(1, 'batch:state', { state: 'stopping' })]).length, 0);
});

test('an order that is never answered is not known after a while', async () => {
  const { page, store } = ordering(never, doing('running'));
  const given = order(store, 'stop');
  assert.equal(isOpen(store.state, 'stop'), true);
  page.pass(15_000);
  await given;
  assert.deepEqual([store.state.orders, store.state.toasts.map(({ title }) => title)], [{}, ['Not known: stop']]);
});

test('the next order ends the doubt about the last one; an answer that is lost after its event is none', async () => {
  const { page, store } = ordering(lose, doing('running'));
  await order(store, 'stop');
  page.answers['/api/orchestrator/stop'] = async () => {
    store.set({ orders: confirmed(store.state.orders, [event(1, 'batch:state', { state: 'stopping' })]) });
    return lose();
  };
  await order(store, 'stop');
  await settled();
  assert.deepEqual([store.state.orders, store.state.toasts], [{}, []]);
});

test('what goes on is said in words, and in fewer for the window\'s title', () => {
  const said = (given) => Object.values(words(given));
  assert.deepEqual(said(doing('running')), ['running', 'Running cycle 2 of 5', '● 2/5 Running']);
  assert.deepEqual(said(doing('running', { board: { cycle: 0, max_cycles: null } })),
    ['running', 'Running the first cycle', '● 1 Running']);
  assert.deepEqual(said(doing('paused')), ['paused', 'Paused in cycle 2 of 5', '‖ Paused']);
  assert.deepEqual(said(doing('waiting_limit')), ['waiting_limit', 'Waiting for limit', '◷ Waiting']);
  assert.equal(words(doing('waiting_limit', { board: { resets_at: AT } })).long, 'Waiting for limit until 14:00');
  assert.deepEqual(['after this story', 'at once', EVIL].map((detail) => words(doing('stopping', { board: { detail } })).long),
    ['Stopping after this story', 'Stopping', 'Stopping']);
});

test('what is over is said by how it ended', () => {
  const ends = [over('error', resumable), over('stopped', resumable), over('completed'), over('stopped'), state()];
  const found = ends.map((given) => words(given));
  assert.deepEqual(found.map((one) => one.state), ['error', 'stopped', 'completed', 'stopped', 'idle']);
  assert.deepEqual(found.map((one) => one.long),
    ['Batch 3 ended with an error', 'Idle, batch 3 unfinished', 'Idle, batch 3 completed', 'Idle, batch 3 unfinished', 'Idle'],
    'a stopped one is unfinished before the runner says so');
});

test('toasts tell what somebody has to know, and nothing else', () => {
  const told = (type, payload = {}) => {
    const said = wording(event(1, type, payload));
    return said && [said.tone, said.title, said.text];
  };
  for (const type of ['command:end', 'command:progress', 'story:start', 'batch:start', '__proto__', '']) {
    assert.equal(told(type), null);
  }
  assert.equal(told('batch:state', { state: 'paused' }), null);
  assert.equal(told('story:status', { new_status: 'done' }), null);
  assert.equal(told('batch:state', { state: 'waiting_limit', detail: 'until 5' })[0], 'warning');
  assert.equal(told('batch:warning', { warning_type: 'leftovers', message: 'm' })[0], 'warning');
  assert.equal(told('batch:warning', { warning_type: 'context_unavailable', message: 'm' })[0], 'info');
  assert.deepEqual(told('error', { type: EVIL, message: 'm' }), ['error', `Error: ${EVIL}`, 'm']);
  assert.equal(told('supervisor:escalate', { child: 'batch', reason: 'r' })[0], 'error');
  assert.equal(told('supervisor:restart', { child: 'batch', reason: 'r' })[0], 'warning');
});

test('the end of a batch is told by how it ended', () => {
  const end = (status, reason, cycles_completed = 2) => (
    wording(event(1, 'batch:end', { status, reason, batch_id: 3, cycles_completed }))
  );
  assert.deepEqual([end('completed', '').tone, end('completed', '').text], ['success', 'Batch 3: 2 cycles completed']);
  assert.deepEqual([end('error', 'why').tone, end('error', 'why').text], ['error', 'Batch 3: why']);
  assert.deepEqual([end('stopped', '', 1).tone, end('stopped', '', 1).text], ['info', 'Batch 3: 1 cycle completed']);
});

test('a toast about a blocked story leads to it, whatever its key', () => {
  for (const story_key of ['1-1-one', '__proto__', EVIL, 'a/b?c#d']) {
    const { title, href } = wording(event(1, 'story:status', { story_key, new_status: 'blocked', reason: 'r' }));
    assert.deepEqual([title, parse(href).story], [`Blocked: ${story_key}`, story_key]);
  }
});
