/**
 * Long texts, folded, and texts as a terminal would have shown them. Pure.
 */

/** Colours, cursor movements and titles of a terminal. A title that does not end on its line is none, and hides nothing. */
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Without what only a terminal understands. @param {string} text */
export function plain(text) {
  return text.includes('\u001b') ? text.replace(SEQUENCES, '') : text;
}

/**
 * As much of the beginning of a text as fits.
 * @param {string} text
 * @param {number} lines
 * @param {number} characters
 */
export function head(text, lines, characters) {
  let end = -1;
  for (let line = 0; line < lines; line += 1) {
    end = text.indexOf('\n', end + 1);
    if (end < 0 || end > characters) break;
  }
  const cut = end < 0 ? characters : Math.min(end, characters);
  // A line more, or a few letters, is no reason to hide it.
  return text.length - cut <= 80 && !text.slice(cut + 1).includes('\n') ? text : text.slice(0, cut);
}

/**
 * Prose in parts: code between fences, headings, and what is in between.
 * @param {string} text
 * @returns {{kind: 'text' | 'code' | 'heading', text: string}[]}
 */
export function parts(text) {
  /** @type {{kind: 'text' | 'code' | 'heading', text: string}[]} */
  const found = [];
  let code = false;
  for (const line of text.trim().split('\n')) {
    if (/^\s*```/.test(line)) {
      code = !code;
      if (code) found.push({ kind: 'code', text: '' });
      continue;
    }
    const heading = !code && /^#{1,6} +(.+)$/.exec(line);
    const last = found[found.length - 1];
    const kind = code ? 'code' : 'text';
    if (heading) found.push({ kind: 'heading', text: heading[1] });
    else if (last?.kind === kind && (code || last.text !== '')) last.text += last.text === '' ? line : `\n${line}`;
    else if (line !== '' || code) found.push({ kind, text: line });
  }
  return found.map((part) => ({ ...part, text: part.text.replace(/\n+$/, '') }));
}
