/** A connection to a browser's developer tools that attaches to none of its pages. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** The part of the protocol that is used, see https://chromedevtools.github.io/devtools-protocol/ */
interface Calls {
  'Browser.close': [params: undefined, result: undefined];
  'Browser.getVersion': [params: undefined, result: { product: string }];
  'SystemInfo.getProcessInfo': [params: undefined, result: { processInfo: { cpuTime: number }[] }];
  'Target.createBrowserContext': [params: undefined, result: { browserContextId: string }];
  'Target.createTarget': [params: { url: string; browserContextId: string }, result: object];
  'Target.disposeBrowserContext': [params: { browserContextId: string }, result: undefined];
}

type Name = keyof Calls;
type Params<N extends Name> = Calls[N][0] extends undefined ? [] : [Calls[N][0]];

interface Answer {
  id: number;
  result?: unknown;
  error?: { message: string };
}

export class BrowserSession {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #product = '';

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  static async connect(url: string): Promise<BrowserSession> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const session = new BrowserSession(socket);
    session.#product = (await session.send('Browser.getVersion')).product;
    return session;
  }

  /** For example 156.0.8078.114. */
  get version(): string {
    return this.#product.replace(/^.*\//, '');
  }

  async send<N extends Name>(method: N, ...[params]: Params<N>): Promise<Calls[N][1]> {
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((done) => {
      this.#waiting.set(id, done);
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as Calls[N][1];
  }

  close(): void {
    this.#socket.close();
  }
}
