/** Connections to other hosts that a migration takes. */
import { HoldfastError } from '../../errors.ts';
import { type MessageSocket, SocketTransport } from './socket-transport.ts';
import { type ByteStream, StreamTransport } from './stream-transport.ts';
import type { Transport } from './transport.ts';

/**
 * A connection to another host: a `WebSocket`, a socket of the package `ws`, an ordered `RTCDataChannel`, or
 * a duplex stream of Node. It may still be connecting. The migration closes it.
 */
export type HostSocket = MessageSocket | ByteStream;

export const isHostSocket = (target: object): target is HostSocket =>
  'binaryType' in target || ('write' in target && 'on' in target);

/** @throws HoldfastError `bad-config` for a data channel that loses or reorders messages */
export function transportOf(socket: HostSocket): Transport {
  if (!('binaryType' in socket)) return new StreamTransport(socket);
  const { ordered, maxRetransmits, maxPacketLifeTime } = socket as Partial<RTCDataChannel>;
  const loses = ordered === false || maxRetransmits != null || maxPacketLifeTime != null;
  if (loses)
    throw new HoldfastError(
      'bad-config',
      'A migration needs a data channel that is ordered and reliable: create it without options.',
    );
  return new SocketTransport(socket);
}
