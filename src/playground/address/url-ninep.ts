/** Files of the 9p share in the address, with the option names of v86's own page. No DOM. */
import { allowedUrl, fileUrl } from '../../protocol/options/foreign-url.ts';
import type { Refuse } from './refuse.ts';

/** URLs of the files in the 9p share when the machine starts. Both are absolute. */
export interface UrlNinep {
  /** A file index of v86's format (`fs.json`). */
  index: string;
  /** The folder of its files. Absent: the folder of the index. */
  base?: string;
}

export function readNinep(
  query: URLSearchParams,
  base: string,
  refuse: Refuse,
): UrlNinep | undefined {
  const read = (option: string) => {
    const text = query.get(option);
    const url = text === null ? undefined : fileUrl(text, base);
    if (text !== null && !url) refuse(option, text, allowedUrl);
    return url;
  };
  const index = read('filesystem.basefs');
  const folder = read('filesystem.baseurl');
  if (index) return { index, ...(folder && { base: folder }) };
  if (folder && !query.has('filesystem.basefs')) {
    const allowed = 'given together with filesystem.basefs only';
    refuse('filesystem.baseurl', query.get('filesystem.baseurl') ?? '', allowed);
  }
  return undefined;
}
