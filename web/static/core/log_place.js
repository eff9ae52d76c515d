/**
 * Which part of a log is looked at. The newest line stands on top; while somebody reads further down nothing may move
 * under the eyes, so the log is then shown as it was: up to the line that was the newest one. Pure.
 *
 * @typedef {import('./types.js').LogLine} LogLine
 */

/**
 * How many of the lines, which are in `seq` order, are not newer than `seq`.
 * @param {LogLine[]} lines
 * @param {number} seq
 */
export function until(lines, seq) {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The row in which a line stands, or would stand, when the first `end` lines are shown, newest first.
 * @param {LogLine[]} lines
 * @param {number} end
 * @param {number} seq
 */
export function rowOf(lines, end, seq) {
  return Math.max(0, Math.min(end - 1, end - until(lines, seq)));
}

/**
 * The row of the next older line that fits; when there is none, of the newest one that does; -1: none at all.
 * @param {LogLine[]} lines
 * @param {number} end
 * @param {number} row - Where to begin, itself left out; -1: with the first one.
 * @param {(line: LogLine) => boolean} wanted
 */
export function nextRow(lines, end, row, wanted) {
  for (let step = 1; step <= end; step += 1) {
    const at = (row + step) % end;
    if (wanted(lines[end - 1 - at])) return at;
  }
  return -1;
}
