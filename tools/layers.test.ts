import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { layers } from './checks/layers.mjs';
import { checkBin, ensureChecks, root } from './setup.mjs';

interface Violation {
  from: string;
  to: string;
  rule: { name: string };
}

/** A file of each layer, by the layer's name. */
const places = {
  errors: 'src/errors.ts',
  protocol: 'src/protocol/part.ts',
  vmstate: 'src/vmstate/part.ts',
  store: 'src/store/part.ts',
  runtime: 'src/runtime/part.ts',
  keeper: 'src/keeper/part.ts',
  pc: 'src/pc/part.ts',
  'state-file': 'src/state-file/part.ts',
  monitor: 'src/monitor/part.ts',
  client: 'src/client/part.ts',
  library: 'src/index.ts',
  view: 'src/view/part.ts',
  'packages/browser': 'src/packages/element/part.ts',
  'packages/node': 'src/packages/node/part.ts',
  'packages/playwright': 'src/packages/playwright/part.ts',
  playground: 'src/playground/part.tsx',
  server: 'src/server/part.ts',
  workers: 'workers/part.ts',
  build: 'src/build.d.ts',
};

let tree: string | undefined;

beforeAll(ensureChecks);
afterEach(() => tree && rmSync(tree, { recursive: true, force: true }));

/** Returns the problems that dependency-cruiser finds in such files, as `from → to: rule`. */
function cruise(files: Record<string, string>, rules = 'layers.mjs'): string[] {
  tree = mkdtempSync(join(tmpdir(), 'holdfast-layers-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const config = join(root, 'tools/checks', rules);
  const args = ['--config', config, '--output-type', 'json', '.'];
  const command = checkBin('dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: tree,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  return summary.violations.map(({ from, to, rule }) => `${from} → ${to}: ${rule.name}`).sort();
}

const importing = (from: string, to: string) =>
  `import type { Part } from '${'../'.repeat(from.split('/').length - 1)}${to}';\nexport type Mine = Part;\n`;

test('every layer has an example here, and a message that says what to do', () => {
  expect(Object.keys(places)).toEqual(Object.keys(layers));
  for (const { why } of Object.values(layers)) expect(why).toMatch(/^[\w/. ]+: .+\.$|\.$/);
});

test('an import of a layer that is not allowed is found, also of a type', () => {
  const from = `${dirname(places.keeper)}/offender.ts`;
  const files = Object.fromEntries(
    Object.values(places).map((path) => [path, 'export type Part = number;\n']),
  );
  const imports = Object.values(places).map((to, i) =>
    importing(from, to).replace('Mine', `Mine${i}`).replaceAll('Part', `Part${i}`),
  );
  const found = cruise({
    ...files,
    [from]: imports.join('').replaceAll(/{ Part(\d+) }/g, '{ Part as Part$1 }'),
  });
  const allowed = ['errors', 'protocol', 'vmstate', 'store', 'keeper'];
  const refused = Object.entries(places).filter(([layer]) => !allowed.includes(layer));
  expect(found).toEqual(refused.map(([, to]) => `${from} → ${to}: layer-keeper`).sort());
});

test('each layer is held to its own list', () => {
  const offences = [
    ['vmstate', 'protocol'],
    ['protocol', 'vmstate'],
    ['store', 'keeper'],
    ['runtime', 'keeper'],
    ['pc', 'client'],
    ['state-file', 'keeper'],
    ['monitor', 'client'],
    ['client', 'keeper'],
    ['view', 'playground'],
    ['packages/browser', 'monitor'],
    ['packages/node', 'view'],
    ['packages/playwright', 'monitor'],
    ['playground', 'store'],
    ['server', 'protocol'],
    ['workers', 'client'],
    ['errors', 'protocol'],
  ] as const;
  const files = Object.fromEntries(
    Object.values(places).map((path) => [path, 'export type Part = 1;\n']),
  );
  const expected: string[] = [];
  for (const [layer, other] of offences) {
    const from = layer === 'errors' ? places.errors : `${dirname(places[layer])}/offender.ts`;
    files[from] = importing(from, places[other]);
    expected.push(`${from} → ${places[other]}: layer-${layer.replace('/', '-')}`);
  }
  expect(cruise(files)).toEqual(expected.sort());
});

test('packages of another layer, Node and test support are found', () => {
  const found = cruise({
    'src/keeper/part.ts':
      "import 'v86';\nimport 'comlink';\nimport '@xterm/xterm';\nimport 'idb';\nimport 'node:fs';\n" +
      "import '@playwright/test';\nimport 'vitest';\nimport './testing/fake.ts';\nimport './nowhere.ts';\n",
    'src/keeper/testing/fake.ts': "import 'vitest';\nimport '../../runtime/part.ts';\n",
    'src/runtime/part.ts': 'export {};\n',
    'src/keeper/part.test.ts': "import 'vitest';\nimport '../runtime/part.ts';\n",
    ...Object.fromEntries(
      ['v86', 'comlink', '@xterm/xterm', 'idb', '@playwright/test', 'vitest'].flatMap((name) => [
        [`node_modules/${name}/index.js`, 'export {};\n'],
        [`node_modules/${name}/package.json`, `{ "name": "${name}", "exports": "./index.js" }`],
      ]),
    ),
    'package.json': '{}',
  });
  const rules = found.map((line) => line.replace(/^src\/keeper\/part\.ts → .*: /, ''));
  expect(rules.sort()).toEqual(
    [
      'no-node-in-browser',
      'no-unresolved',
      'package-comlink',
      'package-idb',
      'package-playwright',
      'package-server-tests',
      'package-v86',
      'package-xterm',
      'testing-only-from-tests',
    ].sort(),
  );
});

test('test support is found in tools, too', () => {
  const tools = "import './lab-runtime.ts';\nimport '../src/keeper/testing/fake.ts';\n";
  expect(
    cruise({
      'tools/build.ts': tools,
      'tools/build.test.ts': tools,
      'tools/lab-runtime.ts': 'export {};\n',
      'src/keeper/testing/fake.ts': "import '../../../tools/lab-runtime.ts';\n",
    }),
  ).toEqual([
    'tools/build.ts → src/keeper/testing/fake.ts: testing-only-from-tests',
    'tools/build.ts → tools/lab-runtime.ts: testing-only-from-tests',
  ]);
});

test('circles of files and of folders are found', () => {
  const files = {
    'src/client/a.ts': "import type { B } from './b.ts';\nexport type A = B;\n",
    'src/client/b.ts': "import type { A } from './a.ts';\nexport type B = A;\n",
    'src/keeper/one/a.ts': "import '../two/b.ts';\n",
    'src/keeper/one/c.ts': 'export {};\n',
    'src/keeper/two/b.ts': 'export {};\n',
    'src/keeper/two/d.ts': "import '../one/c.ts';\n",
  };
  expect(cruise(files)).toEqual([expect.stringMatching(/^src\/client\/.*: no-circle$/)]);
  const folders = cruise(files, 'folders.mjs');
  expect(folders).toContain('src/keeper/one → src/keeper/two: no-back-arrow');
});
