import { build, type Plugin, type Rolldown } from 'vite';

/** Makes a build of another ABI. */
const ofAbi = (abi: number): Plugin => ({
  name: 'other-abi',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('src/protocol/abi.ts')
      ? code.replace(/abiVersion = \d+/, `abiVersion = ${abi}`)
      : undefined,
});

/**
 * Bundles a module of this project with all of its imports, for a page to import.
 * @param abi in place of the present one
 */
export async function bundleModule(entry: string, { abi }: { abi?: number } = {}): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: abi === undefined ? [] : [ofAbi(abi)],
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry, formats: ['es'], fileName: 'module' },
      // One file: a dynamic import would be another file, which no server has.
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [{ output }] = (Array.isArray(result) ? result : [result]) as [Rolldown.RolldownOutput];
  return output[0].code;
}
