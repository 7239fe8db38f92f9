/** Tables of the documentation that repeat what the code says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layers, packages } from './checks/layers.mjs';
import { root } from './setup.mjs';

const text = (path: string) => readFileSync(join(root, path), 'utf8');

/** Cells of each row of a page's table, without the row of its titles. */
function rowsOf(page: string, titles: string): string[][] {
  const lines = text(page).split('\n');
  const first = lines.indexOf(titles);
  expect(first, `${page} has the table ${titles}`).toBeGreaterThan(-1);
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const namesIn = (cell: string) => Array.from(cell.matchAll(/`(\w+)/g), ([, name]) => name);

interface TypeScriptConfig {
  compilerOptions: { lib: string[]; types?: string[] };
}

/** Where a layer's compiler options are if not in its own folder. */
const configs: Record<string, string> = {
  'src/errors.ts': 'src',
  'src/index.ts': 'src/client',
  'src/packages/browser/': 'src/packages/element',
};

function librariesOf(folder: string): string {
  const config = join(configs[folder] ?? folder, 'tsconfig.json');
  const { lib, types = [] } = (JSON.parse(text(config)) as TypeScriptConfig).compilerOptions;
  const found = [
    ...(lib.includes('dom') ? ['DOM'] : []),
    ...(lib.includes('webworker') ? ['worker'] : []),
    ...(types.includes('node') ? ['Node'] : []),
  ];
  return found.join(', ') || 'none';
}

/** Packages that only some layers may import, by their names in the documentation. */
const packageNames = Object.entries({
  v86: 'v86',
  comlink: 'Comlink',
  xterm: 'xterm.js',
  idb: 'idb',
  valibot: 'valibot',
  playwright: 'Playwright',
});

/** Returns the layers and packages that a file or folder may import, as the gate's rules say. */
function importsOf(folder: string): string {
  const found = Object.values(layers).find(({ path }) => new RegExp(path).test(folder));
  if (!found) throw new Error(`${folder} is no layer of tools/checks/layers.mjs.`);
  const files = folder.endsWith('/')
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    : [''];
  const allowed = packageNames.filter(([name]) => {
    const only = new RegExp(packages.find((rule) => rule.name === name)?.only ?? '^$');
    return files.some((file) => only.test(folder + file));
  });
  return [
    ...found.may.filter((layer) => layer !== 'errors' && layer !== 'build'),
    ...allowed.map(([, name]) => name),
  ].join(', ');
}

test('the source map of docs/architecture.md has each layer, with its libraries and imports', () => {
  const rows = rowsOf(
    'docs/architecture.md',
    '| folder | contents | libraries | may import |',
  ).filter(([folder = '']) => /^`(src|workers)\//.test(folder));
  const folders = rows.map(([folder = '']) => folder.slice(1, -1));
  for (const [name, { path }] of Object.entries(layers).filter(([name]) => name !== 'build'))
    expect(
      folders.filter((folder) => new RegExp(path).test(folder)).length,
      `rows of ${name}`,
    ).toBeGreaterThan(0);
  for (const [i, folder] of folders.entries())
    expect({ folder, libraries: rows[i]?.[2], imports: rows[i]?.[3] }).toEqual({
      folder,
      libraries: librariesOf(folder),
      imports: importsOf(folder),
    });
});

/** Returns the public members of a class, by its source: to load it takes Playwright's runner. */
const membersOf = (source: string) =>
  Array.from(
    source.matchAll(/^ {2}(?:readonly |async |get )?([a-z]\w*)(?:[:(<])/gm),
    ([, name = '']) => name,
  ).filter((name) => name !== 'constructor');

test('docs/testing.md lists each call of the guest and each matcher', () => {
  const listed = rowsOf('docs/testing.md', '| group | calls |').flatMap(([, calls = '']) =>
    namesIn(calls),
  );
  const code = [
    ...membersOf(text('src/packages/playwright/guest.ts')),
    ...Array.from(
      text('src/packages/playwright/matchers.ts').matchAll(/^ {2}async (to\w+)\(/gm),
      ([, name = '']) => name,
    ),
  ];
  expect(code).toEqual(expect.arrayContaining(['serial', 'machine', 'execute', 'toShowText']));
  expect(listed.sort()).toEqual(code.sort());
});

test('docs/compatibility.md has the versions of the code', () => {
  const found = Object.fromEntries(
    rowsOf('docs/compatibility.md', '| part | version | promise |').map(([part, version]) => [
      part,
      version,
    ]),
  );
  const number = (path: string, pattern: RegExp) => Number(pattern.exec(text(path))?.[1]);
  const abi = number('src/protocol/abi.ts', /abiVersion = (\d+)/);
  const vmstate = number('src/vmstate/envelope.ts', /formatVersion = (\d+)/);
  const stateFile = number('src/state-file/format/frame.ts', /stateFormatVersion = (\d+)/);
  const checkpoint = number('src/keeper/checkpoint/manifest.ts', /withParts = (\d+)/);
  const schema = Array.from(text('src/store/schema.ts').matchAll(/^ {4}to: (\d+)/gm));
  const agent = number(
    'tools/guests/linux/rootfs/usr/lib/holdfast/agent',
    /"ID x 0 (\d+)": this is version/,
  );
  const { version: v86 } = JSON.parse(text('node_modules/v86/package.json')) as { version: string };
  const { engines } = JSON.parse(text('package.json')) as { engines: { node: string } };
  const oldest = /first = '([\d.]+)'/.exec(text('e2e/version-matrix.ts'))?.[1];
  expect(found).toMatchObject({
    'keeper ABI': `${abi}`,
    'runtime ABI': `${abi}`,
    vmstate: `writes ${vmstate}, reads 1 and ${vmstate}`,
    'state file': `writes ${stateFile}, reads 1 and ${stateFile}`,
    'store schema': `${schema.at(-1)?.[1]}`,
    'checkpoint format': `writes 1 and ${checkpoint}, reads 1 and ${checkpoint}`,
    'agent protocol': `${agent}`,
    // Without the commit that npm's version has behind a plus.
    v86: `${oldest} to ${v86.split('+')[0]}`,
    Node: `${engines.node.replace('>=', '')} or newer`,
  });
});
