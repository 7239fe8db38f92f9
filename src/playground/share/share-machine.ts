/** Makes a link, or a file, of a machine. */
import { collectBlob } from '../../client/collect-blob.ts';
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import { download } from '../ui/files.ts';
import { formatBytes } from '../ui/format.ts';
import { linkStateBytes, linkToState, linkWithState } from './link.ts';
import { type SharedState, type StateServer, uploadState } from './state-server.ts';

/** `upload`: a link to a state server; `link`: one that holds the state; `file` and `v86`: files. */
export type ShareWay = 'upload' | 'link' | 'file' | 'v86';

export interface ShareProgress {
  step: string;
  /** 0 to 1. Absent if unknown. */
  fraction?: number;
  bytes: string;
}

export interface ShareRequest {
  way: ShareWay;
  /** May be empty. */
  title: string;
  server: StateServer | undefined;
  signal: AbortSignal;
  onProgress(progress: ShareProgress): void;
}

/** The result. */
export interface Shared {
  result: string;
  link?: string;
  /** How long the link is valid. */
  fate?: string;
  /** Set if the upload can be deleted again. */
  uploaded?: SharedState;
}

interface Exported {
  state: Blob;
  /** Bytes of the machine, uncompressed. */
  readBytes: number;
}

const thumbnailBytes = 256 * 1024;

/** @throws HoldfastError `share-failed`, `cancelled`, and those of the export */
export async function shareMachine(machine: Machine, request: ShareRequest): Promise<Shared> {
  const { way, title, onProgress } = request;
  onProgress({ step: 'Writing the state', bytes: '' });
  if (way === 'v86') return saveV86State(machine, title);
  const exported = await exportState(machine, request);
  if (way === 'upload') return upload(exported, request);
  if (way === 'link') return putIntoLink(exported);
  download(`${fileName(title)}.holdfast`, exported.state);
  return { result: `${sizes(exported)} The file was saved.` };
}

async function exportState(
  machine: Machine,
  { way, title, signal, onProgress }: ShareRequest,
): Promise<Exported> {
  // A link has no room for a picture.
  const thumbnail = way === 'link' ? undefined : await pictureOf(machine);
  let readBytes = 0;
  const stream = machine.exportState({
    title: title || 'A machine',
    ...(thumbnail && { thumbnail }),
    ...(way === 'link' && { base: 'opened-from' as const }),
    signal,
    onProgress: (progress) => {
      readBytes = progress.readBytes;
      onProgress({
        step: 'Writing the state',
        bytes: `${formatBytes(progress.readBytes)} of the machine read, ${formatBytes(progress.writtenBytes)} written`,
      });
    },
  });
  return { state: await collectBlob(stream), readBytes };
}

async function upload(
  exported: Exported,
  { server, signal, onProgress }: ShareRequest,
): Promise<Shared> {
  if (!server) throw new HoldfastError('share-failed', 'This site has no state server.');
  const { state } = exported;
  onProgress({ step: 'Uploading', bytes: '' });
  const uploaded = await uploadState(server, state, {
    signal,
    onProgress: (sentBytes) =>
      onProgress({
        step: 'Uploading',
        fraction: sentBytes / state.size,
        bytes: `${formatBytes(sentBytes)} of ${formatBytes(state.size)}`,
      }),
  });
  const until = uploaded.expiresAtMs
    ? `It is deleted on ${new Date(uploaded.expiresAtMs).toLocaleDateString()}, or when you delete it here. `
    : '';
  return {
    result: sizes(exported),
    link: linkToState(uploaded.url, document.baseURI),
    fate: `${until}You can delete it only while this dialog is open.`,
    uploaded,
  };
}

async function putIntoLink(exported: Exported): Promise<Shared> {
  const { state } = exported;
  if (state.size > linkStateBytes)
    throw new HoldfastError(
      'share-failed',
      `The changes take ${formatBytes(state.size)}; a link holds ${formatBytes(linkStateBytes)}. Share it as a file or an uploaded link.`,
    );
  const link = linkWithState(new Uint8Array(await state.arrayBuffer()), document.baseURI);
  return {
    result: sizes(exported),
    link,
    fate: `The link has ${link.length} characters. It works for as long as this site keeps the state that it builds on.`,
  };
}

async function saveV86State(machine: Machine, title: string): Promise<Shared> {
  const state = new Blob([(await machine.exportV86State()) as Uint8Array<ArrayBuffer>]);
  download(`${fileName(title)}.v86state`, state);
  return { result: `${formatBytes(state.size)}, not compressed. The file was saved.` };
}

const fileName = (title: string) => title.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-') || 'machine';

const sizes = ({ state, readBytes }: Exported) =>
  `${formatBytes(readBytes)} in use by the machine, ${formatBytes(state.size)} as a state.`;

/** A picture of the screen. None if it is too large. */
async function pictureOf(machine: Machine): Promise<Blob | undefined> {
  const png = await machine.screenshot().catch(() => undefined);
  return png && png.length <= thumbnailBytes ? new Blob([png], { type: 'image/png' }) : undefined;
}
