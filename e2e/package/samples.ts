/** The samples of README, of docs/ and of the package's own documentation. */
import { readdir, readFile } from 'node:fs/promises';

export interface Sample {
  /** Name of a file for it. */
  name: string;
  language: 'ts' | 'tsx' | 'html';
  code: string;
}

const fence = /^```(\w*)\n([\s\S]*?)^```$/gm;
/** Neither code nor markup; the servers' configurations are for other programs. */
const others = ['', 'sh', 'nginx', 'caddy'];
const entries = [
  'packages/browser/index',
  'packages/browser/element',
  'packages/node/index',
  'packages/node/vite',
];

/** @throws Error for a sample in a language that no test compiles */
export async function samplesOf(): Promise<Sample[]> {
  const texts = [['readme', await readFile('README.md', 'utf8')]];
  for (const page of await readdir('docs', { recursive: true })) {
    if (!page.endsWith('.md')) continue;
    const name = `docs/${page.slice(0, -'.md'.length)}`.replaceAll(/[\\/]/g, '-');
    texts.push([name, await readFile(`docs/${page}`, 'utf8')]);
  }
  for (const entry of entries) {
    const source = await readFile(`src/${entry}.ts`, 'utf8');
    texts.push([entry.replaceAll('/', '-'), source.replace(/^ \* ?/gm, '')]);
  }
  return texts.flatMap(([of, text = '']) =>
    [...text.matchAll(fence)].flatMap(([, language = '', code = ''], index) => {
      if (others.includes(language)) return [];
      if (language !== 'ts' && language !== 'tsx' && language !== 'html')
        throw new Error(`${of} has a sample in "${language}": ts, tsx and html are tested.`);
      return { name: `${of}-${index}`, language, code };
    }),
  );
}

export const isForNode = ({ code }: Sample) => code.includes("'holdfast/node'");
export const isForPlaywright = ({ code }: Sample) => code.includes("'holdfast/playwright'");
export const isForVite = ({ code }: Sample) => code.includes("'holdfast/vite'");
