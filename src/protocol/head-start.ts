/**
 * What a page and its keeper say to each other before the page's own script is there. These are no
 * calls, so that whoever says them needs none of the code of calls; pages and keepers of earlier
 * releases take no notice of them.
 */
import type { RuntimeSource } from './keeper-api.ts';

/** The page's: it will ask for this guest in storage (`resumeMachine`), which can come back right now. */
export interface ResumeMessage {
  type: 'head-start-resume';
  id: string;
  runtime: RuntimeSource;
}

/** The keeper's: it runs. */
interface HelloMessage {
  type: 'head-start-hello';
}

type Message = Partial<ResumeMessage | HelloMessage> | null;

export function sayResume(port: MessagePort, message: Omit<ResumeMessage, 'type'>): void {
  port.postMessage({ ...message, type: 'head-start-resume' } satisfies ResumeMessage);
}

/** To be called before the port is started. */
export function hearResume(port: MessagePort, heard: (message: ResumeMessage) => void): void {
  port.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data?.type === 'head-start-resume') heard(data as ResumeMessage);
  });
}

export function sayHello(port: MessagePort): void {
  port.postMessage({ type: 'head-start-hello' } satisfies HelloMessage);
}

/** Resolves as soon as the keeper at the other end runs. */
export function hearHello(port: MessagePort): Promise<void> {
  return new Promise((resolve) => {
    port.addEventListener('message', function hear({ data }: MessageEvent<Message>) {
      if (data?.type !== 'head-start-hello') return;
      port.removeEventListener('message', hear);
      resolve();
    });
    port.start();
  });
}
