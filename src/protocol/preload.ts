/**
 * Messages between a page and its keeper before the page's own script is loaded. They are not
 * calls, so their sender needs none of that code. Pages and keepers of earlier releases ignore
 * them. Their types begin with `head-start`, the name that the first release sends.
 */
import type { RuntimeSource } from './runtime-source.ts';
import type { ImportRequest } from './state-transfer.ts';

/** From the page: it will resume this stored guest (`resumeStored`). The keeper can begin at once. */
interface ResumeMessage {
  type: 'head-start-resume';
  id: string;
  runtime: RuntimeSource;
  /** The page compares the runtime's script with its digest meanwhile. This port gets `true` if they agree. */
  checked?: MessagePort;
}

/**
 * From the page: if storage has no guest under this id, it will open a state that a separate worker
 * already reads.
 */
export interface OpenMessage {
  type: 'head-start-open';
  id: string;
  runtime: RuntimeSource;
  /**
   * Carries a {@link PreloadedState} from that worker, and a {@link PreloadedStateAnswer} to it.
   */
  offer: MessagePort;
}

/** A state's head is read and checked: the rest of it comes to `guest`, as for `openState`. */
export interface PreloadedState {
  request: ImportRequest;
  guest: MessagePort;
}

/** Reports whether the preloaded guest runs. */
export interface PreloadedStateAnswer {
  opened: boolean;
}

/**
 * From the keeper, at once: it will answer an {@link OpenMessage}. Keepers of earlier releases send
 * nothing.
 */
interface OpenReceivedMessage {
  type: 'head-start-heard';
}

/** From the keeper: it runs. */
interface HelloMessage {
  type: 'head-start-hello';
}

type Message = Partial<ResumeMessage | OpenMessage | OpenReceivedMessage | HelloMessage> | null;

export function sendResume(port: MessagePort, message: Omit<ResumeMessage, 'type'>): void {
  const { checked } = message;
  port.postMessage(
    { ...message, type: 'head-start-resume' } satisfies ResumeMessage,
    checked ? [checked] : [],
  );
}

/** Call this before the port is started. */
export function onResume(port: MessagePort, listener: (message: ResumeMessage) => void): void {
  port.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data?.type === 'head-start-resume') listener(data as ResumeMessage);
  });
}

export function sendOpen(port: MessagePort, message: Omit<OpenMessage, 'type'>): void {
  const { offer } = message;
  port.postMessage({ ...message, type: 'head-start-open' } satisfies OpenMessage, [offer]);
}

/** Call this before the port is started. */
export function onOpen(port: MessagePort, listener: (message: OpenMessage) => void): void {
  port.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data?.type !== 'head-start-open') return;
    port.postMessage({ type: 'head-start-heard' } satisfies OpenReceivedMessage);
    listener(data as OpenMessage);
  });
}

/** Called before any answer to a call that the page makes after {@link sendOpen}. */
export function onOpenReceived(port: MessagePort, listener: () => void): void {
  port.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data?.type === 'head-start-heard') listener();
  });
}

export function sendHello(port: MessagePort): void {
  port.postMessage({ type: 'head-start-hello' } satisfies HelloMessage);
}

/** Resolves as soon as the keeper at the other end runs. */
export function helloReceived(port: MessagePort): Promise<void> {
  return new Promise((resolve) => {
    port.addEventListener('message', function listener({ data }: MessageEvent<Message>) {
      if (data?.type !== 'head-start-hello') return;
      port.removeEventListener('message', listener);
      resolve();
    });
    port.start();
  });
}
