import assert from 'node:assert/strict';
import test from 'node:test';
import { EventLog } from '../../web/static/core/event_log.js';
import { Feed } from '../../web/static/core/feed.js';
import { Store } from '../../web/static/core/store.js';
import { isLost, trouble } from '../../web/static/core/trouble.js';
import { AT, board, event, state } from './shapes.mjs';
import { install, never, settled } from './window.mjs';

const present = (seq) => ({
  seq, project: 'alpha', idle_minutes: 30, board: board({ seq }), attempts: [], chains: [], waits: [], server_time: AT,
});
const init = (database) => ({ type: 'init', payload: { database } });
const warning = (seq) => event(seq, 'batch:warning', { batch_id: 1, message: `m${seq}`, warning_type: `w${seq}` });

/** A page whose first look is over, at event 7. */
async function watching({ database = 'a1', answers = {} } = {}) {
  const page = install({ '/api/board': present(7), '/api/events': { events: [] }, ...answers });
  const began = { anew: 0 };
  const store = new Store(state({
    log: new EventLog(), logVersion: 0, toasts: [], prefs: {}, loaded: false, loadError: '',
    batches: { rows: [], total: 0, loading: false, error: '' },
    line: { state: 'connecting', since: AT, from: 0, retryAt: 0, cause: '', latency: null },
  }), () => {});
  const feed = new Feed(store, () => { began.anew += 1; });
  feed.start();
  page.line().opened();
  page.line().tells(init(database));
  await settled();
  return { page, store, feed, began };
}

/** The line breaks, and comes back. */
function reconnected(page) {
  page.line().lost();
  page.pass(20_000);
  page.line().opened();
}

test('a page that comes back says after which event of which database', async () => {
  const { page } = await watching();
  assert.equal(globalThis.lines[0].address, '/ws');
  reconnected(page);
  assert.equal(page.line().address, '/ws?after=7&of=a1');
});

test('a database whose name is not known is not asked for', async () => {
  const { page, began } = await watching({ database: null });
  reconnected(page);
  assert.equal(page.line().address, '/ws?after=7');
  page.line().tells(init('b2'));
  assert.equal(began.anew, 0);
});

test('another database under the same address begins the page anew, the same one only asks for everything again', async () => {
  const { page, began } = await watching();
  reconnected(page);
  page.line().tells(init('a1'));
  await settled();
  assert.deepEqual([began.anew, page.asked.filter((path) => path === '/api/board').length], [0, 2]);
  reconnected(page);
  page.line().tells(init('b2'));
  await settled();
  assert.deepEqual([began.anew, page.asked.filter((path) => path === '/api/board').length], [1, 2]);
});

test('what comes is shown with the next frame, all of it at once', async () => {
  const { page, store } = await watching();
  page.line().tells(warning(8), warning(9));
  assert.equal(store.state.live.board.seq, 7);
  page.frame();
  assert.deepEqual([store.state.live.board.seq, store.state.live.board.warnings], [9, 2]);
});

test('a page that is hidden before its frame comes says what it has to say all the same', async () => {
  const { page, store } = await watching();
  page.line().tells(warning(8));
  page.hide(true);
  page.line().tells(warning(9));
  page.pass(1_000);
  assert.equal(store.state.live.board.seq, 9);
  page.line().tells(warning(10));
  page.pass(1_000);
  assert.equal(store.state.live.board.seq, 10);
  page.line().tells(warning(11));
  page.hide(false);
  assert.equal(store.state.live.board.seq, 11);
});

const looks = (page) => page.asked.filter((path) => path === '/api/board').length;
const failed = () => new Response('{"error": "the sprint file is broken"}', { status: 500 });

test('a first look that fails is tried again, and once however often the line came back', async () => {
  const { page, store } = await watching({ answers: { '/api/board': failed } });
  assert.equal(store.state.loadError, 'the sprint file is broken');
  for (const begun of [1, 2, 3, 4]) {
    page.line().tells(init('a1'));
    await settled();
    assert.equal(looks(page), begun + 1);
  }
  page.pass(2_000);
  await settled();
  assert.equal(looks(page), 6);
  page.answers['/api/board'] = present(9);
  page.pass(2_000);
  await settled();
  assert.deepEqual([store.state.loaded, store.state.loadError, store.state.live.board.seq], [true, '', 9]);
  page.pass(60_000);
  await settled();
  assert.equal(looks(page), 7);
});

test('of two looks the newer one counts, whichever is answered first', async () => {
  const { page, store } = await watching();
  let answer = null;
  page.answers['/api/board'] = () => new Promise((given) => { answer = () => given(new Response(JSON.stringify(present(20)))); });
  page.line().tells(init('a1'));
  page.answers['/api/board'] = present(30);
  page.line().tells(init('a1'));
  await settled();
  answer();
  await settled();
  assert.equal(store.state.live.board.seq, 30);
});

test('a look that is never answered ends, and is tried again', async () => {
  const { page, store } = await watching({ answers: { '/api/board': never } });
  page.pass(15_000);
  await settled();
  assert.equal(store.state.loadError, 'The runner does not answer.');
  page.answers['/api/board'] = present(9);
  page.pass(2_000);
  await settled();
  assert.equal(store.state.loaded, true);
});

test('what is missing is asked for; when that does not help, everything is, and ever more seldom', async () => {
  const { page } = await watching();
  page.line().tells(warning(40));
  assert.deepEqual([globalThis.lines.length, page.line().address], [2, '/ws?after=7&of=a1']);
  page.line().opened();
  page.line().tells(warning(40));
  assert.equal(globalThis.lines.length, 2);
  const from = globalThis.lines.length;
  for (let second = 0; second < 60; second += 1) {
    page.pass(1_000);
    const line = page.line();
    if (line.readyState === 0) line.opened();
    line.tells(init('a1'));
    await settled();
    page.line().tells(warning(40));
  }
  assert.equal(globalThis.lines[from].address, '/ws');
  assert.ok(globalThis.lines.length - from < 16, `${globalThis.lines.length - from} connections in a minute`);
});

test('a gap that was filled is forgotten', async () => {
  const { page, store } = await watching();
  for (const seq of [8, 10]) {
    page.line().tells(warning(seq + 1));
    page.line().opened();
    page.line().tells(warning(seq), warning(seq + 1));
  }
  page.frame();
  assert.deepEqual([store.state.live.board.seq, page.line().address], [11, '/ws?after=9&of=a1']);
});

test('a line that closes at once is tried ever more seldom, one that held is tried soon', async () => {
  const { page } = await watching();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    page.line().lost();
    page.pass(20_000);
    page.line().opened();
  }
  page.line().lost();
  const from = globalThis.lines.length;
  page.pass(5_000);
  assert.equal(globalThis.lines.length, from);
  page.pass(20_000);
  page.line().opened();
  page.pass(1_000);
  page.line().lost();
  page.pass(1_000);
  assert.equal(globalThis.lines.length, from + 2);
});

/** The line is refused so often, while a plain question is answered so. */
async function refused(times, answer) {
  const { page, store } = await watching();
  page.answers['/healthz'] = answer;
  for (let attempt = 0; attempt < times; attempt += 1) {
    page.line().lost();
    await settled();
    page.pass(20_000);
  }
  return { page, line: () => store.state.line };
}
const unknown = () => new Response('{"error": "the token is missing or wrong"}', { status: 401 });
const gone = () => { throw new TypeError('network'); };

test('why a line is refused is found out at its second failure', async () => {
  assert.equal((await refused(1, gone)).line().cause, '');
  assert.equal((await refused(2, gone)).line().cause, 'gone');
  assert.equal((await refused(2, unknown)).line().cause, 'token');
  assert.equal((await refused(3, {})).line().cause, 'full');
});

test('a runner that has just come back is not taken for one that is full', async () => {
  const { page, line } = await refused(2, gone);
  page.answers['/healthz'] = {};
  page.line().lost();
  await settled();
  assert.equal(line().cause, 'gone');
  page.pass(20_000);
  page.line().opened();
  assert.deepEqual([line().state, line().cause], ['live', '']);
});

test('a line is lost when it has not come back after some seconds, and then it says what to do', async () => {
  const { page, store } = await watching();
  page.line().lost();
  page.pass(2_000);
  assert.equal(isLost(store.state.line), false);
  page.pass(2_000);
  assert.equal(isLost(store.state.line), true);
  assert.match(trouble(store.state.line).what, /^No connection since [0-9]{2}:[0-9]{2}$/);
  assert.match(trouble({ ...store.state.line, cause: 'gone' }).help, /Start it with sprint-runner/);
  assert.equal(trouble({ ...store.state.line, cause: 'token' }).what, 'The token has changed');
  assert.match(trouble({ ...store.state.line, cause: 'full' }).help, /max_websockets/);
  page.line().opened();
  assert.equal(isLost(store.state.line), false);
});

test('an event that is damaged costs no other one, and is a line of the log all the same', async () => {
  const { page, store } = await watching();
  const damaged = ['command:start', 'command:end', 'cycle:end', 'batch:warning', 'batch:state'];
  page.line().tells(warning(8), ...damaged.map((type, place) => event(9 + place, type, place % 2 ? {} : null)), warning(14));
  page.frame();
  const { live, log, toasts } = store.state;
  assert.deepEqual([live.board.seq, live.board.at, live.board.warnings], [14, AT + 14_000, 2]);
  assert.deepEqual(log.lines.map(({ seq }) => seq), [8, 9, 10, 11, 12, 13, 14]);
  assert.deepEqual(toasts.map(({ title }) => title), ['Warning: w8', 'Warning: w14']);
});
