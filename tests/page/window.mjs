// As much of a browser as the line and the feed need: what they do with it is kept, what comes is given by the test.
import { mock } from 'node:test';

class Line {
  static OPEN = 1;

  constructor(url) {
    this.address = url.slice(url.indexOf('/ws'));
    this.readyState = 0;
    this.said = [];
    globalThis.lines.push(this);
  }

  send(text) {
    this.said.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  // From here on, what the server and the network do.
  opened() {
    this.readyState = Line.OPEN;
    this.onopen();
  }

  tells(...messages) {
    for (const message of messages) if (this.readyState === Line.OPEN) this.onmessage({ data: JSON.stringify(message) });
  }

  lost() {
    this.readyState = 3;
    this.onclose();
  }
}

/** Install it; `answers`: bodies by path, or functions that give a response or a promise of one. */
export function install(answers = {}) {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.UTC(2026, 9, 14, 12) });
  const began = Date.now();
  const page = new EventTarget();
  const frames = new Map();
  const asked = [];
  let lastFrame = 0;
  Object.assign(globalThis, {
    lines: [],
    WebSocket: Line,
    addEventListener: () => {},
    location: { origin: 'http://here', hash: '', pathname: '/' },
    document: Object.assign(page, { hidden: false }),
    requestAnimationFrame: (draw) => {
      lastFrame += 1;
      frames.set(lastFrame, draw);
      return lastFrame;
    },
    cancelAnimationFrame: (frame) => frames.delete(frame),
    fetch: async (address, options) => {
      const path = address.split('?')[0];
      asked.push(path);
      const answer = answers[path];
      if (typeof answer === 'function') return answer(address, options);
      return new Response(JSON.stringify(answer ?? {}), { status: answer === undefined ? 404 : 200 });
    },
  });
  mock.method(performance, 'now', () => Date.now() - began);
  mock.method(AbortSignal, 'timeout', (milliseconds) => {
    const late = new AbortController();
    setTimeout(() => late.abort(), milliseconds);
    return late.signal;
  });
  return {
    answers,
    asked,
    line: () => globalThis.lines.at(-1),
    hide: (hidden) => {
      page.hidden = hidden;
      page.dispatchEvent(new Event('visibilitychange'));
    },
    /** A hidden page gets none. */
    frame: () => {
      if (page.hidden) return;
      const due = [...frames.values()];
      frames.clear();
      due.forEach((draw) => draw());
    },
    pass: (milliseconds) => mock.timers.tick(milliseconds),
  };
}

/** An answer that never comes. */
export function never(address, { signal }) {
  return new Promise((answered, failed) => {
    signal.addEventListener('abort', () => failed(signal.reason));
  });
}

/** When everything that was answered has been read. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
