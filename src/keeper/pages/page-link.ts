/** The connection to a page: the port that it brought, or a channel if it only watches. */
import type { TakenEvents } from '../../protocol/event-bytes.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { WatcherMessage, WatchMessage } from '../../protocol/watch.ts';

export interface PageLink {
  /** True for a page of another keeper, on a channel: its messages are copied. */
  readonly watchesOnly: boolean;
  post(event: MachineEvent, transfer: Transferable[]): void;
  /** Starts to receive the page's messages. */
  open(listeners: {
    left(): void;
    visible(visible: boolean): void;
    took(taken: TakenEvents): void;
  }): void;
  close(): void;
}

/** Creates a link over a port. Any message from its other end means that the page leaves. */
export function portLink(port: MessagePort): PageLink {
  return {
    watchesOnly: false,
    post: (event, transfer) => port.postMessage(event, transfer),
    open: ({ left }) => {
      port.onmessage = left;
    },
    close: () => port.close(),
  };
}

export function channelLink(name: string, keeperLock: string | undefined): PageLink {
  const channel = new BroadcastChannel(name);
  const post = (message: WatchMessage) => channel.postMessage(message);
  post({ type: 'watching', ...(keeperLock !== undefined && { keeperLock }) });
  return {
    watchesOnly: true,
    post,
    open: ({ left, visible, took }) => {
      channel.onmessage = ({ data }: MessageEvent<WatcherMessage>) => {
        if (data.type === 'leave') left();
        else if (data.type === 'visible') visible(data.visible);
        else if (data.type === 'took') took(data.taken);
      };
    },
    close: () => channel.close(),
  };
}
