/**
 * Keeps the keeper of a release: `npx tsx tools/golden-keeper.ts [VERSION]` writes
 * `e2e/keepers/VERSION/keeper.js.gz`. Without a version it is that of package.json.
 *
 * Run it once for each release, and never again for it: the file is what browsers run. The tests of
 * e2e/upgrade move guests out of each of these keepers into today's.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildSiteWorkers, repositoryRoot } from './site-workers.ts';

const packageJson = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8'));
const version: string = process.argv[2] ?? packageJson.version;
const { files, manifest } = await buildSiteWorkers({ maps: false });
const folder = join(repositoryRoot, 'e2e/keepers', version);
await mkdir(folder, { recursive: true });
const script = files.get(manifest.keeperUrl) ?? '';
await writeFile(join(folder, 'keeper.js.gz'), gzipSync(script, { level: 9 }));
console.log(`${folder}: keeper ${manifest.keeperBuild}`);
