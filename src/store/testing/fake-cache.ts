/** A Cache Storage in memory, as far as marks use it. */
import { vi } from 'vitest';

export class FakeCache {
  readonly entries = new Map<string, string>();

  readonly put = vi.fn(async (url: string, answer: Response) => {
    this.entries.set(url, await answer.text());
  });

  async match(url: string): Promise<Response | undefined> {
    const body = this.entries.get(url);
    return body === undefined ? undefined : new Response(body);
  }

  async keys(): Promise<string[]> {
    return [...this.entries.keys()];
  }

  async delete(url: string): Promise<boolean> {
    return this.entries.delete(url);
  }
}
