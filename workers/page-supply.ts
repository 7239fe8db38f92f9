/** Entry point of page-supply.js: the keeper loads it beside its own script, when a guest needs it. */
export { open, prepare } from '../src/state-file/supply/state-file-supply.ts';
