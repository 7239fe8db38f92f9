/**
 * Connections into the guest, like QEMU's `hostfwd`. The client is v86's user-mode network. Its
 * data goes over a message port.
 */
import type { TcpEvent, TcpRequest } from '../../protocol/tcp-channel.ts';
import type { ReadWindow } from './read-windows.ts';

interface GuestPort {
  connection: V86TcpConnection;
  /** Port whose other end belongs to the opener of the connection. */
  channel: MessagePort;
  /** Resolves when little data waits for the guest; with false when the connection is gone. */
  room(): Promise<boolean>;
  window: ReadWindow;
}

/**
 * Serves `channel` until the connection is over. Call it before any data of the guest has arrived.
 */
export function serveGuestPort({ connection, channel, room, window }: GuestPort): void {
  const send = (event: TcpEvent) => channel.postMessage(event);
  let isOver = false;
  const finish = (reset: boolean) => {
    if (isOver) return;
    isOver = true;
    window.close();
    send({ type: 'closed', reset });
    channel.close();
  };
  const { release } = connection;
  connection.on('connect', () => send({ type: 'connected' }));
  connection.on('data', (bytes) => {
    if (window.add(bytes.length)) send({ type: 'data', bytes: bytes.slice() });
    else {
      finish(true);
      release.call(connection);
    }
  });
  connection.on('shutdown', () => send({ type: 'end' }));
  connection.on('close', () => finish(true));
  // A connection that both ends have closed sends nothing: it is only released.
  connection.release = () => {
    release.call(connection);
    finish(false);
  };

  // The opener is gone. Only some browsers report this, such as Chromium.
  channel.addEventListener('close', () => connection.release());
  channel.onmessage = async ({ data: request }: MessageEvent<TcpRequest>) => {
    switch (request.type) {
      case 'data':
        connection.write(request.bytes);
        if ((await room()) && !isOver) send({ type: 'taken' });
        break;
      case 'taken':
        if (!isOver) window.take(request.bytes);
        break;
      case 'end':
        connection.close();
        break;
      case 'abort':
        // The guest gets a reset as soon as it sends anything.
        connection.release();
    }
  };
}
