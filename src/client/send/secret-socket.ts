/** Frames of a {@link SecretChannel} as a socket, for a migration or a state file. */
import type { MessageSocket } from '../hosts/socket-transport.ts';
import type { SecretChannel } from './secret-channel.ts';

const lowBytes = 256 << 10;

export class SecretSocket extends EventTarget implements MessageSocket {
  readonly #channel: SecretChannel;
  binaryType = 'arraybuffer';
  readyState: 'open' | 'closed' = 'open';

  constructor(channel: SecretChannel) {
    super();
    this.#channel = channel;
    if (channel.signal.aborted) this.readyState = 'closed';
    channel.frames = {
      frame: (bytes) => this.dispatchEvent(new MessageEvent('message', { data: bytes })),
      end: () => this.#end(),
    };
  }

  get bufferedAmount(): number {
    return this.#channel.bufferedAmount;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    void this.#channel.sendFrame(data).then(() => {
      if (this.bufferedAmount < lowBytes) this.dispatchEvent(new Event('bufferedamountlow'));
    });
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#channel.endFrames();
  }

  #end(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
  }
}
