// Reads cases as JSON from standard input: [{"name", "events", "board"}]; prints each that the page folds to another board.
import { readFileSync } from 'node:fs';
import { deepStrictEqual } from 'node:assert';
import { absorb, EMPTY } from '../../web/static/core/reducer.js';
import { follow, NOTHING } from '../../web/static/core/scene.js';

const plain = (board) => JSON.parse(JSON.stringify(board));
for (const { name, events, board } of JSON.parse(readFileSync(0, 'utf8'))) {
  const folds = { reducer: events.reduce(absorb, EMPTY), scene: events.reduce(follow, NOTHING).board };
  for (const [which, found] of Object.entries(folds)) {
    try {
      deepStrictEqual(plain(found), board);
    } catch (error) {
      console.log(`${which}, ${name}: ${error.message}`);
    }
  }
}
