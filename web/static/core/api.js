/** Questions to the server. Whatever goes wrong is an `ApiError` with the server's own words and hint. */

export class ApiError extends Error {
  /** @param {string} message @param {string} hint @param {number} status - 0: the server was not reached. */
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** Whoever has not answered by then does not, in milliseconds. */
const PATIENCE = 15_000;
/** @type {Map<string, {etag: string, body: any}>} */
const known = new Map();
const MOST_KNOWN = 50;

/**
 * The body of a route's answer.
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} [query]
 * @returns {Promise<any>}
 */
export async function get(path, query = {}) {
  const parameters = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)])).toString();
  const address = search ? `${path}?${search}` : path;
  const before = known.get(address);
  const { response, text } = await reach(address, { headers: before ? { 'If-None-Match': before.etag } : {} });
  if (response.status === 304 && before) return before.body;
  const body = read(response, text);
  const etag = response.headers.get('ETag');
  if (etag) {
    if (known.size >= MOST_KNOWN) known.delete(/** @type {string} */ (known.keys().next().value));
    known.set(address, { etag, body });
  }
  return body;
}

/**
 * @param {'POST' | 'PUT'} method
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
export async function send(method, path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const { response, text } = await reach(path, { method, headers, body: JSON.stringify(body) });
  return read(response, text);
}

/** @param {string} address @param {RequestInit} options */
async function reach(address, options) {
  try {
    const response = await fetch(address, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE), ...options });
    // An answer may also stop in its middle.
    return { response, text: await response.text() };
  } catch {
    throw new ApiError('The runner does not answer.', 'Is it still running? The page goes on by itself when it is back.', 0);
  }
}

/** @param {Response} response @param {string} text */
function read(response, text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(`The runner's answer cannot be read (status ${response.status}).`, '', response.status);
  }
  if (!response.ok) throw new ApiError(body?.error ?? `status ${response.status}`, body?.hint ?? '', response.status);
  return body;
}
