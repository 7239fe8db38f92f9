/** A direct connection between two devices by WebRTC, arranged over their secret channel. */
import { HoldfastError } from '../../errors.ts';
import type { Note, SecretChannel } from './secret-channel.ts';

export interface DirectOptions {
  /**
   * For `RTCPeerConnection`. Default: no ICE servers, so that only devices of one network find each other
   * and no third party learns of them. `false`: all goes over the relay.
   */
  direct?: RTCConfiguration | false;
  /** Longest wait for a direct connection, ms. Default 3000. */
  directMs?: number;
}

const defaultDirectMs = 3000;
const label = 'holdfast';
/** Notes of the other device about the connection. Honest ones are some ten, and the rest is dropped. */
const mostSignals = 64;

export const canConnectDirectly = ({ direct }: DirectOptions): boolean =>
  direct !== false && typeof RTCPeerConnection === 'function';

/** Ends a data channel at once. Its own end waits for the other device, which may be gone. */
function end(data: RTCDataChannel): void {
  data.close();
  data.dispatchEvent(new Event('close'));
}

export class DirectLine {
  readonly #connection: RTCPeerConnection;
  readonly #channel: SecretChannel;
  readonly #waitMs: number;
  readonly #opened: Promise<RTCDataChannel>;
  /** Candidates from before the description of the other device. */
  readonly #early: RTCIceCandidateInit[] = [];
  #isDescribed = false;
  #signals = 0;

  /** @param role of this device: the first one describes itself first */
  constructor(channel: SecretChannel, role: 'first' | 'second', options: DirectOptions) {
    const { direct, directMs = defaultDirectMs } = options;
    this.#channel = channel;
    this.#waitMs = directMs;
    const connection = new RTCPeerConnection(direct || {});
    this.#connection = connection;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) void channel.tell({ ice: candidate.toJSON() });
    };
    this.#opened = new Promise((resolve) => {
      const whenOpen = (data: RTCDataChannel) => {
        if (data.readyState === 'open') resolve(data);
        else data.addEventListener('open', () => resolve(data), { once: true });
      };
      if (role === 'first') whenOpen(connection.createDataChannel(label));
      else connection.ondatachannel = ({ channel: data }) => whenOpen(data);
    });
    channel.onSignalling = (note) => {
      if (++this.#signals <= mostSignals) void this.#take(note).catch(() => {});
    };
    if (role === 'first') void this.#describe().catch(() => {});
    channel.signal.addEventListener('abort', () => void this.#opened.then(end), { once: true });
  }

  /** Resolves with undefined if no direct connection opens in time. */
  async socket(): Promise<RTCDataChannel | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#waitMs);
      this.#channel.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const found = await Promise.race([this.#opened, late]);
    clearTimeout(timer);
    return found;
  }

  /** @throws HoldfastError `migration-failed` if the other device chose a connection that is not here */
  async chosen(): Promise<RTCDataChannel> {
    const socket = await this.socket();
    if (socket) return socket;
    throw new HoldfastError('migration-failed', 'The direct connection broke. Try again.');
  }

  close(): void {
    this.#channel.onSignalling = undefined;
    this.#connection.close();
  }

  async #take({ sdp, ice }: Note): Promise<void> {
    if (sdp) {
      await this.#connection.setRemoteDescription(sdp as RTCSessionDescriptionInit);
      this.#isDescribed = true;
      for (const candidate of this.#early.splice(0))
        await this.#connection.addIceCandidate(candidate);
      if (this.#connection.signalingState === 'have-remote-offer') await this.#describe();
    }
    if (!ice) return;
    const candidate = ice as RTCIceCandidateInit;
    if (this.#isDescribed) await this.#connection.addIceCandidate(candidate);
    else this.#early.push(candidate);
  }

  async #describe(): Promise<void> {
    await this.#connection.setLocalDescription();
    const { localDescription } = this.#connection;
    void this.#channel.tell({ sdp: localDescription?.toJSON() });
  }
}
