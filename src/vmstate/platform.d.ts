/**
 * The few platform globals that src/vmstate may use. It compiles without the types of `dom`, `webworker`
 * or Node. So it runs in a page, a worker, and Node: all of them have these.
 */

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: ArrayBufferView | ArrayBuffer): string;
}
