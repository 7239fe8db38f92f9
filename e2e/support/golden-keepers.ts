/** The keepers of earlier releases, which tools/golden-keeper.ts has kept. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const folder = 'e2e/keepers';

/** The first release, whose keeper cannot move its guest. */
export const firstRelease = '0.1.0';

export const goldenVersions = (): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((version) => version !== firstRelease) : [];

export const goldenKeeper = (version: string): string =>
  gunzipSync(readFileSync(`${folder}/${version}/keeper.js.gz`)).toString();
