/**
 * Vite plugin for projects with this package.
 *
 * ```ts
 * import { holdfast } from 'holdfast/vite';
 *
 * export default { plugins: [holdfast()] };
 * ```
 * @module
 */
import { ignoreOtherRanges, keepArchives } from './archives.ts';

/** The part of Vite's server that is used: a configuration may be compiled without Node's types. */
interface Server {
  middlewares: {
    use(middleware: (request: never, response: never, next: () => void) => void): unknown;
  };
}

/** The part of Vite's plugin type that is used. */
interface HoldfastVitePlugin {
  name: string;
  config(): { optimizeDeps: { exclude: string[] } };
  configureServer(server: Server): void;
  configurePreviewServer(server: Server): void;
}

/**
 * Keeps the package's modules beside its files. The development server would otherwise move them. Disks
 * and kernels whose names end in `.gz` or `.br` are served unchanged, with correct ranges.
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
