import type { RuntimeSource } from '../../src/index.ts';
import type { Site } from '../../src/packages/playwright/index.ts';

/** The two runtimes that this build ships. */
export interface Runtimes {
  newer: RuntimeSource;
  older: RuntimeSource;
}

export async function runtimesOf(site: Site): Promise<Runtimes> {
  const [newer, older] = await site.runtimes();
  if (!newer || !older) throw new Error('The build ships fewer than two runtimes.');
  return { newer, older };
}
