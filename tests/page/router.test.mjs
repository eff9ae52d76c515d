import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived, back, go, href, parse, tab, VIEWS } from '../../web/static/core/router.js';
import { chance, EVIL, HOSTILE, pick, range } from './shapes.mjs';

const ROUTE = { view: 'run', batch: null, story: null, command: null, filters: {} };
const THINGS = [...HOSTILE, '1-1-one', 'a/b', '..', '%2F', '%E0%A4%A', '#/run?batch=1'];

test('every route is read from its own address again', () => {
  const random = chance(1);
  for (let round = 0; round < 1000; round += 1) {
    const view = pick(random, [...VIEWS, 'story', 'command']);
    const story = view === 'story' ? pick(random, THINGS.filter((thing) => thing)) : null;
    const command = view === 'command' ? random(1e9) : null;
    const filters = Object.fromEntries(range(random(4)).map(() => [pick(random, THINGS), pick(random, THINGS)]));
    const route = { view, story, command, batch: pick(random, [null, 0, 7, 999_999_999_999_999]), filters };
    // An empty filter is none.
    const kept = Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
    assert.deepEqual(parse(href(route)), { ...route, filters: kept }, href(route));
  }
});

test('an address stays within the page and is plain letters, whatever is in it', () => {
  for (const story of THINGS) {
    assert.match(href({ view: 'story', story, filters: { q: story } }), /^#\/story\/[\w.~!*'()%-]*(\?[\w.*+%=&-]*)?$/);
  }
});

test('addresses are short: what is not said is left out', () => {
  assert.equal(href({}), '#/run');
  assert.equal(href({ view: 'activity', batch: 3, filters: { q: 'a b', kind: '' } }), '#/activity?batch=3&q=a+b');
  assert.equal(href({ view: 'story', story: 'a/b ?' }), '#/story/a%2Fb%20%3F');
  assert.equal(href({ view: 'command', command: 5 }), '#/command/5');
});

test('what is no address of the page leads to the run', () => {
  const unknown = ['#/nowhere', '#/story', '#/story/', '#/command/', '#/__proto__/x', '#/constructor', `#/${EVIL}`, '#//run'];
  for (const hash of ['', '#', '#/', '#run/', ...unknown]) {
    assert.deepEqual({ ...parse(hash), filters: {} }, ROUTE, hash);
  }
});

test('only whole numbers are batches and commands', () => {
  for (const text of ['', '-1', '1.5', '1e3', '0x5', 'NaN', '9'.repeat(16), '٣', ' 1']) {
    assert.equal(parse(`#/run?batch=${text}`).batch, null, text);
    assert.equal(parse(`#/command/${text}`).command, null, text);
  }
});

test('what was typed by hand is read as well as it can be', () => {
  assert.equal(parse('#/story/100%').story, '100%');
  assert.equal(parse('#/story/a/b').story, 'a/b');
  assert.equal(parse('run?batch=3').batch, 3);
  assert.deepEqual(parse('#/activity?q&kind=error&kind=tool').filters, { q: '', kind: 'tool' });
});

test('a story belongs to the tab of stories, and a command to that of the run', () => {
  assert.deepEqual(['#/story/x', '#/command/1', '#/board', '#/__proto__'].map((hash) => tab(parse(hash))),
    ['stories', 'run', 'board', 'run']);
});

/** A browser that other pages were looked at in before, and that counts no further than fifty. */
function browsing() {
  const entries = [{ hash: '#/run', state: null }];
  let at = 0;
  const move = (entry) => {
    entries.splice(at + 1, Infinity, entry);
    at += 1;
  };
  const read = () => { globalThis.location = { hash: entries[at].hash }; };
  globalThis.history = {
    length: 50,
    get state() { return entries[at].state; },
    pushState: (state, title, hash) => move({ hash, state }),
    replaceState: (state, title, hash = entries[at].hash) => { entries[at] = { hash, state }; },
    back: () => { at -= 1; },
  };
  globalThis.PopStateEvent = class extends Event {};
  globalThis.dispatchEvent = () => { read(); arrived(); };
  read();
  arrived();
  return {
    address: () => entries[at].hash,
    /** A link, as the browser follows it by itself. */
    follow: (hash) => {
      move({ hash, state: null });
      dispatchEvent();
    },
    back: () => {
      back();
      dispatchEvent();
    },
  };
}

test('back leads to where one came from within the page, by link or by key, and never out of it', () => {
  const browser = browsing();
  browser.follow('#/stories');
  go({ view: 'story', story: '1-1-one' });
  go({ view: 'story', story: '1-1-one', filters: { q: 'a' } }, { replace: true });
  browser.follow('#/command/3');
  const seen = [];
  for (let step = 0; step < 4; step += 1) {
    browser.back();
    seen.push(browser.address());
  }
  assert.deepEqual(seen, ['#/story/1-1-one?q=a', '#/stories', '#/run', '#/run']);
  go({ view: 'board' });
  browser.back();
  assert.equal(browser.address(), '#/run');
});
