/** A Cache Storage in memory, as far as marks use it. */
import { vi } from 'vitest';

export class FakeCache {
  readonly entries = new Map<string, Response>();

  readonly put = vi.fn(async (url: string, answer: Response) => {
    this.entries.set(url, answer);
  });

  async match(url: string): Promise<Response | undefined> {
    return this.entries.get(url)?.clone();
  }

  async keys(): Promise<string[]> {
    return [...this.entries.keys()];
  }

  async delete(url: string): Promise<boolean> {
    return this.entries.delete(url);
  }
}
