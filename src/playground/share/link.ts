/** Addresses that open states. No DOM. */
import { HoldfastError } from '../../errors.ts';

/** The largest state in an address. Browsers accept longer addresses; mail and chat programs may not. */
export const linkStateBytes = 256 * 1024;

/**
 * Address of the page that opens the state at `stateUrl`. The state's URL is relative if that is shorter.
 */
export function linkToState(stateUrl: string, base: string): string {
  const page = new URL('./', base);
  const beside = stateUrl.startsWith(page.href) ? stateUrl.slice(page.href.length) : stateUrl;
  // Slashes and colons are allowed in a query, and make the link readable.
  const value = encodeURIComponent(beside).replaceAll('%2F', '/').replaceAll('%3A', ':');
  return `${page.href}?state=${value}`;
}

/** Address of the page with the state in it. */
export function linkWithState(state: Uint8Array, base: string): string {
  let binary = '';
  for (const byte of state) binary += String.fromCharCode(byte);
  const payload = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `${new URL('./', base).href}#s=${payload}`;
}

/** @throws HoldfastError `bad-state-file` */
export function stateOfPayload(payload: string): Uint8Array<ArrayBuffer> {
  try {
    const binary = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new HoldfastError('bad-state-file', 'The link is not whole: its end is missing.', {
      cause,
    });
  }
}
