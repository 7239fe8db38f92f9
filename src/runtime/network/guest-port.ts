/**
 * Connections into the guest, as QEMU's `hostfwd`: v86's user-mode network plays the client, and
 * what it sends and gets goes over a message port.
 */
import type { TcpEvent, TcpRequest } from '../../protocol/tcp-channel.ts';
import type { ReadWindow } from './read-windows.ts';

interface GuestPort {
  connection: V86TcpConnection;
  /** The other end is with whoever opened the connection. */
  channel: MessagePort;
  /** Resolves when little waits for the guest; with false when the connection is gone. */
  room(): Promise<boolean>;
  window: ReadWindow;
}

/** Answers at `channel` until the connection is over. Before anything of the guest has arrived. */
export function serveGuestPort({ connection, channel, room, window }: GuestPort): void {
  const tell = (event: TcpEvent) => channel.postMessage(event);
  let isOver = false;
  const finish = (reset: boolean) => {
    if (isOver) return;
    isOver = true;
    window.close();
    tell({ type: 'closed', reset });
    channel.close();
  };
  const { release } = connection;
  connection.on('connect', () => tell({ type: 'connected' }));
  connection.on('data', (bytes) => {
    if (window.add(bytes.length)) tell({ type: 'data', bytes: bytes.slice() });
    else {
      finish(true);
      release.call(connection);
    }
  });
  connection.on('shutdown', () => tell({ type: 'end' }));
  connection.on('close', () => finish(true));
  // A connection that both ends have closed says nothing: it is only let go of.
  connection.release = () => {
    release.call(connection);
    finish(false);
  };

  // Whoever opened it is gone, where browsers tell: Chromium does.
  channel.addEventListener('close', () => connection.release());
  channel.onmessage = async ({ data: request }: MessageEvent<TcpRequest>) => {
    switch (request.type) {
      case 'data':
        connection.write(request.bytes);
        if ((await room()) && !isOver) tell({ type: 'taken' });
        break;
      case 'taken':
        if (!isOver) window.take(request.bytes);
        break;
      case 'end':
        connection.close();
        break;
      case 'abort':
        // The guest is told with a reset as soon as it says anything.
        connection.release();
    }
  };
}
