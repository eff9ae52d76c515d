/**
 * The address says what is shown: `/#/view/…?filters`. Everything that can be looked at can be sent to somebody else,
 * and back and forward do what they say.
 *
 *     #/run · #/board · #/stories · #/story/KEY · #/timeline · #/command/ID · #/supervision · #/activity · #/settings
 *     ?batch=ID for a past batch, and each view's filters
 *
 * @typedef {import('./types.js').Route} Route
 */

export const VIEWS = ['run', 'board', 'stories', 'timeline', 'supervision', 'activity', 'settings'];
/** Views of one thing, and the tab that they belong to. @type {Record<string, string>} */
const PARTS = { story: 'stories', command: 'run' };
/** How many steps back lead to a place within the page. The browser's own count ends at fifty, and knows other pages too. */
let depth = -1;

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/');
  const { batch, ...filters } = Object.fromEntries(new URLSearchParams(search));
  const thing = decode(rest.join('/'));
  const known = VIEWS.includes(name) || (Object.hasOwn(PARTS, name) && thing !== '');
  return {
    view: known ? name : 'run',
    batch: number(batch),
    story: name === 'story' && thing ? thing : null,
    command: name === 'command' ? number(thing) : null,
    filters,
  };
}

/**
 * The address of a route.
 * @param {Partial<Route>} route
 */
export function href({ view = 'run', batch = null, story = null, command = null, filters = {} }) {
  const thing = view === 'story' ? `/${encodeURIComponent(story ?? '')}` : view === 'command' ? `/${command}` : '';
  const pairs = Object.entries(filters).filter(([, value]) => value !== '');
  if (batch !== null) pairs.unshift(['batch', String(batch)]);
  const search = new URLSearchParams(pairs).toString();
  return `#/${view}${thing}${search && `?${search}`}`;
}

/** The tab that is lit. @param {Route} route */
export function tab({ view }) {
  return PARTS[view] ?? view;
}

/**
 * Go there; `replace` for what back should not lead to, as each letter of a search.
 * @param {Partial<Route>} route
 * @param {{replace?: boolean}} [how]
 */
export function go(route, { replace = false } = {}) {
  const address = href(route);
  if (address === location.hash) return;
  history[replace ? 'replaceState' : 'pushState']({ depth: replace ? depth : depth + 1 }, '', address);
  // Neither of them tells anybody.
  dispatchEvent(new PopStateEvent('popstate'));
}

/** Take note of the place that the address has come to; one that a link led to is a step further. */
export function arrived() {
  const known = history.state?.depth;
  depth = Number.isInteger(known) ? known : followed();
}

function followed() {
  history.replaceState({ depth: depth + 1 }, '');
  return depth + 1;
}

/** Back to where one came from within the page; who was sent here directly goes to the run. */
export function back() {
  if (depth > 0) history.back();
  else go({ view: 'run' });
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string | undefined} text */
function number(text) {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}
