/** Answers the keepers of {@link asking-keeper.ts}, which stand still at each step until then. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A keeper is at this point of a migration. */
export interface Point {
  /** Origin of the keeper. */
  side: string;
  operation: string;
  step: string;
  when: string;
}

type Answer = 'go' | 'throw';

export class Lab {
  readonly #server: Server;
  /** Decides when a keeper continues, and how. */
  reached: (point: Point) => Promise<Answer> = async () => 'go';

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', async (request, response) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://lab');
      const point = Object.fromEntries(searchParams) as unknown as Point;
      const answer = await this.reached(point);
      response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end(answer);
    });
  }

  static async serve(): Promise<Lab> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Lab(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
