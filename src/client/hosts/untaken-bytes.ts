/** Counts what a peer has sent to the keeper that the keeper did not take yet. */

/** Kinds of messages of a migration, see src/keeper/migration/message.ts. */
const dataKinds = { first: 2, last: 5 } as const;
const tookKind = 17;
const headerBytes = 24;
/** [MS7] More ends the migration. */
const mostBytes = 24 * 1024 * 1024;

/**
 * The keeper has this limit too. But it does not count while it loads the guest, and what arrives would
 * wait in its port without one.
 */
export class UntakenBytes {
  #bytes = 0;

  get isTooMuch(): boolean {
    return this.#bytes > mostBytes;
  }

  arrived(message: Uint8Array<ArrayBuffer>): void {
    const kind = kindOf(message);
    if (kind !== undefined && kind >= dataKinds.first && kind <= dataKinds.last)
      this.#bytes += message.length - headerBytes;
  }

  /** @param message of the keeper, which may give room back */
  answered(message: Uint8Array<ArrayBuffer>): void {
    if (kindOf(message) !== tookKind || message.length < headerBytes + 4) return;
    this.#bytes -= viewOf(message).getUint32(headerBytes, true);
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>) =>
  new DataView(buffer, byteOffset, byteLength);

const kindOf = (message: Uint8Array<ArrayBuffer>): number | undefined =>
  message.length < headerBytes ? undefined : viewOf(message).getUint32(0, true);
