import assert from 'node:assert/strict';
import test from 'node:test';
import { EventLog } from '../../web/static/core/event_log.js';
import { Feed } from '../../web/static/core/feed.js';
import { Store } from '../../web/static/core/store.js';
import { AT, board, event, state } from './shapes.mjs';
import { install, settled } from './window.mjs';

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
    line: { state: 'connecting', since: AT, retryAt: 0, latency: null },
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
