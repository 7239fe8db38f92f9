/**
 * Backends that forward Ethernet frames unchanged: no connection of the guest ends in them. They
 * use the protocols of v86's own adapters of these names.
 */
import { HoldfastError } from '../../errors.ts';
import type { Backend } from './wire.ts';

type Receive = (frame: Uint8Array) => void;

/**
 * Creates a hub: every guest of this origin and group, in any tab, receives the frames of the
 * others.
 */
export function inBrowserHub(group: string, receive: Receive): Backend {
  const channel = new BroadcastChannel(`v86-inbrowser-${group}`);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (data instanceof Uint8Array) receive(data);
  };
  return {
    send: (frame) => channel.postMessage(frame),
    setMac: () => undefined,
    connections: () => [],
    close: () => channel.close(),
  };
}

/** Frames of the guest that wait for the relay; a network that is down loses further ones. */
const outgoingLimit = 64;
/**
 * Bytes in transit to a relay that is slower than the guest; beyond it the guest's frames are lost.
 */
const bufferedLimit = 4 * 1024 * 1024;
const reconnectMs = 10_000;

/** Creates a relay with one frame a message. It reconnects after a lost connection. */
export function webSocketRelay(url: string, receive: Receive): Backend {
  const outgoing: Uint8Array<ArrayBuffer>[] = [];
  let socket: WebSocket;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const connect = () => {
    socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      for (const frame of outgoing.splice(0)) socket.send(frame);
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) receive(new Uint8Array(data));
    };
    socket.onclose = () => {
      retry = setTimeout(connect, reconnectMs);
    };
  };
  try {
    connect();
  } catch (cause) {
    throw HoldfastError.from(
      cause,
      'network-unavailable',
      `The network relay ${url} cannot be used`,
    );
  }
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) {
        if (socket.bufferedAmount <= bufferedLimit) socket.send(frame);
      } else if (outgoing.length < outgoingLimit) outgoing.push(frame);
    },
    setMac: () => undefined,
    connections: () => [],
    close() {
      clearTimeout(retry);
      socket.onclose = null;
      socket.close();
    },
  };
}
