/** The link that hands a machine over. What is behind its "#" never reaches a server. */
import { HoldfastError } from '../../errors.ts';

export interface SendSecret {
  /** Id of the relay room, which the server made. */
  room: string;
  /** [SD1] Known to both devices alone. */
  key: Uint8Array<ArrayBuffer>;
}

const keyBytes = 32;
const fragmentPattern = /^([0-9a-f]{32})\.([A-Za-z0-9_-]{43})$/;
/** Name in the fragment. */
const sendFragment = 'send';

export const newKey = (): Uint8Array<ArrayBuffer> =>
  crypto.getRandomValues(new Uint8Array(keyBytes));

/** @param page that opens the link */
export function linkTo({ room, key }: SendSecret, page: string): string {
  const url = new URL(page);
  url.hash = `${sendFragment}=${room}.${toBase64Url(key)}`;
  return url.href;
}

/**
 * @param link whole, or what is behind `#send=`
 * @throws HoldfastError `bad-link`
 */
export function secretOf(link: string): SendSecret {
  const [, behind = link] = link.split(`#${sendFragment}=`);
  const [, room, key] = fragmentPattern.exec(behind) ?? [];
  if (room === undefined || key === undefined)
    throw new HoldfastError(
      'bad-link',
      'The link is not whole. Copy all of it, or ask its sender for a new one.',
    );
  return { room, key: fromBase64Url(key) };
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

const fromBase64Url = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
    character.charCodeAt(0),
  );
