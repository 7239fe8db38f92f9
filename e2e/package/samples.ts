/** The samples of README and of the package's own documentation. */
import { readFile } from 'node:fs/promises';

export interface Sample {
  /** Of a file for it. */
  name: string;
  language: 'ts' | 'tsx' | 'html';
  code: string;
}

const fence = /^```(\w*)\n([\s\S]*?)^```$/gm;
/** Neither code nor markup. */
const others = ['', 'sh'];
const entries = [
  'packages/browser/index',
  'packages/browser/element',
  'packages/node/index',
  'packages/node/vite',
];

/** @throws Error for one in a language that nothing compiles */
export async function samplesOf(): Promise<Sample[]> {
  const texts = [['readme', await readFile('README.md', 'utf8')]];
  for (const entry of entries) {
    const source = await readFile(`src/${entry}.ts`, 'utf8');
    texts.push([entry.replace('/', '-'), source.replace(/^ \* ?/gm, '')]);
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
