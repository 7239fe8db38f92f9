/** The URLs and identity of a runtime. URLs are absolute. */
export interface RuntimeSource {
  /** Stable name of this build, for example `0.5.462-1a2b3c4d`. */
  id: string;
  v86Version: string;
  /** The module to import. */
  url: string;
  wasmUrl: string;
  /** SHA-256 of the module, 64 hex digits. If set, the keeper imports no other file. */
  sha256?: string;
  /** SHA-256 of the file at `wasmUrl`, 64 hex digits. */
  wasmSha256?: string;
}
