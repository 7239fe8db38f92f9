/**
 * Backends that pass Ethernet frames on as they are: no connection of the guest ends in them. They speak
 * what v86's own adapters of these names speak.
 */
import { HoldfastError } from '../../errors.ts';
import type { Backend } from './wire.ts';

type Receive = (frame: Uint8Array) => void;

/** Every guest of this origin and group, in whichever tab, hears what the others send. */
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

/** Frames of the guest that wait for the relay; a network that is down loses the rest. */
const outgoingLimit = 64;
/** Bytes on their way to a relay that is slower than the guest; then the guest's frames are lost. */
const bufferedLimit = 4 * 1024 * 1024;
const reconnectMs = 10_000;

/** A relay that takes and gives a frame a message. Connects again when it is lost. */
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
