/** Encryption between two devices. See docs/spec/send.md. */
import { HoldfastError } from '../../errors.ts';
import type { SendSecret } from './send-link.ts';

/** The device that opened the room, and the one that joined it. */
export type Role = 'opener' | 'joiner';

export const otherRole = (role: Role): Role => (role === 'opener' ? 'joiner' : 'opener');

/** [SD2] In the clear: magic, version, 16 random bytes. */
const magic = 'HOSD';
const version = 1;
const saltBytes = 16;
const helloBytes = magic.length + 1 + saltBytes;

export const newSalt = (): Uint8Array<ArrayBuffer> =>
  crypto.getRandomValues(new Uint8Array(saltBytes));

export function encodeHello(salt: Uint8Array): Uint8Array<ArrayBuffer> {
  const hello = new Uint8Array(helloBytes);
  hello.set(new TextEncoder().encode(magic));
  hello[magic.length] = version;
  hello.set(salt, magic.length + 1);
  return hello;
}

/** @returns the salt. @throws HoldfastError `bad-link` */
export function decodeHello(hello: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const isHello =
    hello.length === helloBytes &&
    new TextDecoder().decode(hello.subarray(0, magic.length)) === magic;
  if (!isHello) throw new HoldfastError('bad-link', 'The other device does not speak of machines.');
  if (hello[magic.length] !== version)
    throw new HoldfastError(
      'bad-link',
      `The other device speaks version ${hello[magic.length]} of this protocol, and this page version ${version}. Reload both pages.`,
    );
  return hello.slice(magic.length + 1);
}

/** [SD3] One key for each direction. */
export async function keyOf(
  { room, key }: SendSecret,
  salts: Record<Role, Uint8Array>,
  sender: Role,
): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveKey']);
  const salt = new Uint8Array(2 * saltBytes);
  salt.set(salts.opener);
  salt.set(salts.joiner, saltBytes);
  const info = new TextEncoder().encode(`holdfast send ${version} ${room} ${sender}`);
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    secret,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

/** [SD4] Messages of one direction. Each has the next number, which is not sent. */
export class SealedMessages {
  readonly #key: CryptoKey;
  #count = 0n;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  async seal(plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.encrypt(this.#next(), this.#key, plain));
  }

  /** @throws an error of WebCrypto for bytes that are not the next message */
  async open(sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.decrypt(this.#next(), this.#key, sealed));
  }

  #next(): AesGcmParams {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setBigUint64(4, this.#count++);
    return { name: 'AES-GCM', iv };
  }
}

/** @throws HoldfastError `unsupported-browser` where pages have no WebCrypto */
export function requireCrypto(): void {
  if (globalThis.crypto?.subtle) return;
  throw new HoldfastError(
    'unsupported-browser',
    'This page cannot encrypt, because its address is not secure. Open it with https:, or at localhost.',
  );
}
