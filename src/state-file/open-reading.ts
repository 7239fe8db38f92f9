/** Chooses how a worker reads a state file. */
import { type Codec, loadCodec } from './format/codec.ts';
import { checkHead, decodePreamble, preambleBytes } from './format/frame.ts';
import { decodeHead, type StateHead } from './format/head.ts';
import { LazyReading } from './lazy-reading.ts';
import { ReadingState } from './read-job.ts';
import { HttpRanges } from './sources/http-ranges.ts';
import type { ReadJob, WorkerMessage } from './worker-protocol.ts';

/** A smaller file arrives as soon as its parts. */
const leastBytes = 2 << 20;

export type Reading = Pick<ReadingState, 'head' | 'send' | 'answerMore' | 'giveUp'>;

/** Reads the head and posts it. @throws HoldfastError `bad-state-file`, `state-unavailable` */
export async function openReading(
  { source, stallMs }: Omit<ReadJob, 'type'>,
  post: (message: WorkerMessage) => void,
): Promise<Reading> {
  // A page's own URLs, such as `blob:`, end with the page.
  if (!('url' in source) || !/^(https?|file):/.test(source.url))
    return ReadingState.open({ source, stallMs }, post);
  const { url } = source;
  const [codec, ranges] = await Promise.all([loadCodec(), HttpRanges.open(url, { stallMs })]);
  if (!(ranges instanceof HttpRanges))
    return ReadingState.open({ source: { fetched: ranges }, stallMs }, post);
  const head = headOf(ranges, codec);
  if (head) return new LazyReading({ ranges, url, head, codec, post, stallMs });
  return ReadingState.open({ source: { fetched: await ranges.stream() }, stallMs }, post);
}

/** @returns undefined for a file that is read as a whole */
function headOf({ first, sizeBytes }: HttpRanges, codec: Codec): StateHead | undefined {
  if (sizeBytes < leastBytes || first.length < preambleBytes) return undefined;
  try {
    const preamble = first.slice(0, preambleBytes);
    const { format, headBytes } = decodePreamble(preamble);
    const bytes = first.slice(preambleBytes, preambleBytes + headBytes);
    if (format === 1 || bytes.length < headBytes) return undefined;
    checkHead(preamble, bytes, codec.digest);
    const head = decodeHead(bytes, codec.digest);
    return head.state.base ? undefined : head;
  } catch {
    // The reader of a stream reports what is wrong with the file.
    return undefined;
  }
}
