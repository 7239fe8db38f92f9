/**
 * Requests that block their thread, which browsers have as a synchronous XMLHttpRequest. Another thread
 * makes them.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Worker,
} from 'node:worker_threads';

interface Asked {
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  /** Word that becomes 1 when the answer is at the port. */
  done: Int32Array;
  port: MessagePort;
}

interface Answered {
  status: number;
  headers: [string, string][];
  body: ArrayBuffer;
}

/** More than the timeout of the request itself. */
const graceMs = 1_000;

/**
 * Adds an XMLHttpRequest with the parts that src/state-file/sources/request-now.ts uses.
 * @param open starts a thread that runs {@link answerRequests}
 */
export function addSyncRequest(open: () => Worker): void {
  let thread: Worker | undefined;
  class SyncRequest {
    status = 0;
    response: ArrayBuffer | undefined;
    responseType = '';
    timeout = 0;
    #url = '';
    #headers: Record<string, string> = {};
    #answered = new Headers();

    open(_method: string, url: string): void {
      this.#url = url;
    }

    setRequestHeader(name: string, value: string): void {
      this.#headers[name] = value;
    }

    send(): void {
      if (!thread) {
        thread = open();
        thread.unref();
        thread.once('exit', () => {
          thread = undefined;
        });
      }
      const { port1, port2 } = new MessageChannel();
      const done = new Int32Array(new SharedArrayBuffer(4));
      const timeoutMs = this.timeout || 60_000;
      const asked: Asked = { url: this.#url, headers: this.#headers, timeoutMs, done, port: port2 };
      thread.postMessage(asked, [port2]);
      Atomics.wait(done, 0, 0, timeoutMs + graceMs);
      const message = receiveMessageOnPort(port1)?.message as Answered | undefined;
      port1.close();
      if (!message || message.status === 0) throw new TypeError('The request failed.');
      this.status = message.status;
      this.#answered = new Headers(message.headers);
      this.response = message.body;
    }

    getResponseHeader(name: string): string | null {
      return this.#answered.get(name);
    }
  }
  Object.assign(globalThis, { XMLHttpRequest: SyncRequest });
}

/** Makes the requests that arrive at this port. */
export function answerRequests(parent: Pick<MessagePort, 'on'>): void {
  parent.on('message', (asked: Asked) => {
    void answer(asked).then((answered) => {
      asked.port.postMessage(answered, [answered.body]);
      Atomics.store(asked.done, 0, 1);
      Atomics.notify(asked.done, 0);
    });
  });
}

async function answer({ url, headers, timeoutMs }: Asked): Promise<Answered> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
    const body = await response.arrayBuffer();
    return { status: response.status, headers: [...response.headers], body };
  } catch {
    return { status: 0, headers: [], body: new ArrayBuffer(0) };
  }
}
