import {useEffect, useState} from 'preact/hooks';

import {Refused, ask} from './ask.js';

/** @typedef {{name: 'loading'} | {name: 'away'} | {name: 'refused', why: string, words: string} | {name: 'ready', answer: any}} State */

/**
 * Asks once, and again on demand.
 *
 * @param {{idToken: () => Promise<string | null>}} auth
 * @param {string} path
 * @param {object} question
 * @returns {[State, () => Promise<void>]}
 */
export function useAnswer(auth, path, question) {
  const [state, setState] = useState(/** @type {State} */ ({name: 'loading'}));
  async function load() {
    setState({name: 'loading'});
    try {
      setState({name: 'ready', answer: await ask(auth, path, question)});
    } catch (error) {
      setState(error instanceof Refused ? {name: 'refused', why: error.why, words: error.words} : {name: 'away'});
    }
  }
  useEffect(() => {
    load();
  }, []);
  return [state, load];
}
