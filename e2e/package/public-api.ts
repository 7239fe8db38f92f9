/** Reads the package's API from the declarations that it is packed with. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Provided by the caller, never by the package. */
const callbacks = [
  'ByteStream',
  'ExportStateOptions',
  'MessageSocket',
  'MigrationTarget',
  'MonitorFiles',
  'MonitorMachine',
  'OpenStateOptions',
  'ReadStateOptions',
  'ReceiveOptions',
  'SendOptions',
  'WatchListener',
];

/**
 * Returns every function and constant, and every member of the classes and interfaces that have
 * methods, as `createMachine` and `Machine.exportState`.
 * @param entry the declarations of an entry of the package
 */
export async function publicCalls(entry: string): Promise<string[]> {
  const calls = new Set<string>();
  for (const [name, file] of await exportsOf(entry)) {
    if (callbacks.includes(name)) continue;
    for (const call of await callsOf(name, file)) calls.add(call);
  }
  return [...calls].sort();
}

/** The file that declares each exported name. */
async function exportsOf(file: string): Promise<Map<string, string>> {
  const text = await readFile(file, 'utf8');
  const found = new Map<string, string>();
  const fileOf = (path: string) => join(dirname(file), path.replace(/\.js$/, '.d.ts'));
  for (const [, path = ''] of text.matchAll(/^export \* from '(.*)';/gm))
    for (const [name, at] of await exportsOf(fileOf(path))) found.set(name, at);
  for (const [, names = '', path = ''] of text.matchAll(
    /^export (?:type )?\{([^}]*)\} from '(.*)';/gm,
  )) {
    const theirs = await exportsOf(fileOf(path));
    for (const name of names.split(',').map((word) => word.replace(/type /, '').trim()))
      if (name) found.set(name, theirs.get(name) ?? fileOf(path));
  }
  for (const [, name = ''] of text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type) (\w+)/gm,
  ))
    found.set(name, file);
  return found;
}

async function callsOf(name: string, file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  if (new RegExp(`^export declare (?:const|function) ${name}\\b`, 'm').test(text)) return [name];
  const [, body] =
    new RegExp(
      `^export (?:declare )?(?:abstract )?(?:class|interface) ${name}\\b.*\\{\\n([\\s\\S]*?)^\\}`,
      'm',
    ).exec(text) ?? [];
  if (body === undefined) return [];
  const members = [
    ...body.matchAll(/^ {4}(?:static |readonly |get |set )*([a-z]\w*)\??(?:<.*?>)?([(:])/gm),
  ];
  const isData = /^export interface/m.test(text) && members.every(([, , mark]) => mark === ':');
  if (isData) return [];
  const own = members
    .map(([, member]) => `${name}.${member}`)
    .filter((call) => !/\.constructor$|protected /.test(call));
  return [...own, ...(await derivedCalls(name, file, text))];
}

/** Members that an interface takes over from the lists of calls, as `Machine.pause` of `PublicCalls`. */
async function derivedCalls(name: string, file: string, text: string): Promise<string[]> {
  const [, bases = ''] =
    new RegExp(`^export interface ${name} extends ([\\w, ]+)`, 'm').exec(text) ?? [];
  const found: string[] = [];
  for (const base of bases
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each.endsWith('Calls'))) {
    const [, path] = new RegExp(`\\b${base}\\b[^;]*from '(.*)\\.js';`).exec(text) ?? [];
    if (path === undefined) throw new Error(`${file} does not import ${base}.`);
    const calls = await callsOf(base, join(dirname(file), `${path}.d.ts`));
    found.push(...calls.map((call) => call.replace(base, name)));
  }
  return found;
}
