/**
 * For projects that are built with Vite.
 *
 * ```ts
 * import { holdfast } from 'holdfast/vite';
 *
 * export default { plugins: [holdfast()] };
 * ```
 * @module
 */
import { ignoreOtherRanges, keepArchives } from './archives.ts';

/** As much of Vite's servers as is needed: a configuration may be compiled without Node's types. */
interface Server {
  middlewares: {
    use(middleware: (request: never, response: never, next: () => void) => void): unknown;
  };
}

/** As much of a plugin of Vite as this one is. */
interface HoldfastVitePlugin {
  name: string;
  config(): { optimizeDeps: { exclude: string[] } };
  configureServer(server: Server): void;
  configurePreviewServer(server: Server): void;
}

/**
 * Leaves the package's modules where its files lie, which the development server would otherwise move
 * them away from; and has disks and kernels whose names end in `.gz` or `.br` served as they are, and no
 * range of them answered wrongly.
 */
export function holdfast(): HoldfastVitePlugin {
  const serve = ({ middlewares }: Server) => {
    middlewares.use((request, response, next) => {
      ignoreOtherRanges(request);
      keepArchives(request, response);
      next();
    });
  };
  return {
    name: 'holdfast',
    config: () => ({ optimizeDeps: { exclude: ['holdfast'] } }),
    configureServer: serve,
    configurePreviewServer: serve,
  };
}
