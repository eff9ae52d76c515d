/**
 * The difference of two texts, line by line: what an edit took out and put in. Pure.
 *
 * @typedef {{sign: ' ' | '+' | '-' | '…', text: string}} DiffLine - `…`: lines that were left out.
 */

/** Lines that are compared cell by cell; longer edits are shown as all out, all in. */
const MOST_CELLS = 250_000;
/** Unchanged lines that are shown around a change. */
const AROUND = 3;

/**
 * @param {string} before
 * @param {string} after
 * @returns {DiffLine[]}
 */
export function diff(before, after) {
  const old = before === '' ? [] : before.split('\n');
  const fresh = after === '' ? [] : after.split('\n');
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, fresh.length) - head;
  while (tail < most && old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]) tail += 1;
  const same = (/** @type {string} */ text) => /** @type {DiffLine} */ ({ sign: ' ', text });
  return [
    ...old.slice(0, head).map(same),
    ...middle(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)),
    ...(tail ? old.slice(-tail).map(same) : []),
  ];
}

/** @param {string[]} old @param {string[]} fresh @returns {DiffLine[]} */
function middle(old, fresh) {
  if (old.length * fresh.length > MOST_CELLS) return [...lines('-', old), ...lines('+', fresh)];
  const width = fresh.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = fresh.length - 1; column >= 0; column -= 1) {
      longest[row * width + column] = old[row] === fresh[column]
        ? longest[(row + 1) * width + column + 1] + 1
        : Math.max(longest[(row + 1) * width + column], longest[row * width + column + 1]);
    }
  }
  /** @type {DiffLine[]} */
  const found = [];
  let row = 0;
  let column = 0;
  while (row < old.length && column < fresh.length) {
    if (old[row] === fresh[column]) {
      found.push({ sign: ' ', text: old[row] });
      row += 1;
      column += 1;
    } else if (longest[(row + 1) * width + column] >= longest[row * width + column + 1]) {
      found.push({ sign: '-', text: old[row++] });
    } else found.push({ sign: '+', text: fresh[column++] });
  }
  return [...found, ...lines('-', old.slice(row)), ...lines('+', fresh.slice(column))];
}

/** @param {'+' | '-'} sign @param {string[]} texts @returns {DiffLine[]} */
function lines(sign, texts) {
  return texts.map((text) => ({ sign, text }));
}

/**
 * Without the long stretches in which nothing changes.
 * @param {DiffLine[]} all
 * @returns {DiffLine[]}
 */
export function shortened(all) {
  const changed = all.flatMap(({ sign }, place) => (sign === ' ' ? [] : [place]));
  /** @type {DiffLine[]} */
  const found = [];
  let done = 0;
  for (const place of changed) {
    const from = Math.max(done, place - AROUND);
    if (from > done) found.push(leftOut(from - done));
    found.push(...all.slice(from, place + 1));
    done = Math.max(done, place + 1);
    let behind = 0;
    while (done < all.length && all[done].sign === ' ' && behind < AROUND) {
      found.push(all[done]);
      done += 1;
      behind += 1;
    }
  }
  if (done < all.length) found.push(leftOut(all.length - done));
  return found;
}

/** @param {number} count @returns {DiffLine} */
function leftOut(count) {
  return { sign: '…', text: `${count} unchanged ${count === 1 ? 'line' : 'lines'}` };
}
