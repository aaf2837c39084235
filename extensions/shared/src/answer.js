import {useEffect, useState} from 'preact/hooks';

import {post, readAnswer} from './host.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host.js').Answer} Answer
 * @typedef {{name: 'loading' | 'ready' | 'empty' | 'away', answer?: Answer}} State
 */

/**
 * Ask our server once, and again when asked to.
 *
 * @param {Host} host
 * @param {string} path
 * @param {Record<string, unknown>} facts
 * @returns {[State, () => Promise<void>]}
 */
export function useAnswer(host, path, facts) {
  const [state, setState] = useState(/** @type {State} */ ({name: 'loading'}));
  async function load() {
    setState({name: 'loading'});
    try {
      const answer = readAnswer(await post(host, path, facts));
      setState({name: answer.channels.length ? 'ready' : 'empty', answer});
    } catch {
      setState({name: 'away'});
    }
  }
  useEffect(() => {
    load();
  }, []);
  return [state, load];
}
