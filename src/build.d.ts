/** The parts of this build of the site. Written by tools/vite-plugin-runtimes.ts. */
declare module 'virtual:holdfast-build' {
  /** A runtime of this build. All URLs are relative to the site's root. */
  export interface RuntimeBuild {
    /** `<v86 version>-<8 hex digits of a hash over runtime.js and v86.wasm>` */
    readonly id: string;
    readonly v86Version: string;
    /** `runtimes/<id>/runtime.js` */
    readonly url: string;
    /** `runtimes/<id>/v86.wasm`, the transformed module */
    readonly wasmUrl: string;
    readonly wasmBytes: number;
    /** Digest of the file at `url`, 64 hex digits. */
    readonly sha256: string;
    readonly wasmSha256: string;
  }

  /** Changes with every change of the sources, the same for the same sources. */
  export const buildId: string;
  /** `keeper.js`, the same in every build: see DESIGN, the keeper's URL is part of its ABI. */
  export const keeperUrl: string;
  /** Id of the keeper at that URL. Changes only when the keeper does. */
  export const keeperBuild: string;
  /** The demo guest at its prompt. Only in the script in the page's head, in a build. */
  export const promptState:
    | {
        /** URL of the state file. */
        readonly url: string;
        /** Size of the guest's memory, as in the file. */
        readonly memoryMiB: number;
        /** The script of src/state-file/state-worker.ts. */
        readonly workerUrl: string;
      }
    | undefined;
  /** Newest v86 first. */
  export const runtimes: readonly RuntimeBuild[];
}

/** Folder of the npm package's files, relative to its modules: set by tools/build-library.ts. */
declare const __HOLDFAST_FILES__: string;

/** Where the files of the npm package are: written by tools/build-library.ts. */
declare module 'virtual:holdfast-assets' {
  export const assets: import('./client/create-machine.ts').HoldfastAssets;
  /** The script of src/state-file/state-worker.ts. */
  export const stateWorkerUrl: string;
  export const demo: import('./client/demo-guest.ts').DemoGuest;
}
