/** A story's way through the phases of its cycle. Pure. */
import { PHASES } from './reducer.js';

/** @type {Record<string, string>} */
const WORDS = {
  'create-story': 'create', 'story-review': 'review', 'create-tech-spec': 'spec', 'tech-spec-review': 'spec review',
  'dev-story': 'dev', 'code-review': 'code review',
};

/** What a phase is called in short. @param {string} phase */
export function phaseWord(phase) {
  return Object.hasOwn(WORDS, phase) ? WORDS[phase] : phase;
}

/**
 * A story's way through its phases.
 * @param {Pick<import('./stories.js').Row, 'phases' | 'status' | 'running' | 'since'>} row
 * @returns {{phase: string, state: 'done' | 'running' | 'current' | 'blocked' | 'skipped' | 'todo'}[]}
 */
export function track({ phases, status, running, since }) {
  const stands = phases[phases.length - 1] ?? '';
  const reached = Math.max(-1, ...phases.map((phase) => PHASES.indexOf(phase)));
  return PHASES.map((phase, place) => {
    if (phase === stands) {
      if (status === 'done') return { phase, state: 'done' };
      if (status === 'blocked') return { phase, state: 'blocked' };
      return { phase, state: since !== null && running.some(({ background }) => !background) ? 'running' : 'current' };
    }
    if (phases.includes(phase)) return { phase, state: 'done' };
    return { phase, state: place < reached || status === 'done' ? 'skipped' : 'todo' };
  });
}
