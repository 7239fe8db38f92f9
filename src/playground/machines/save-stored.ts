/** Files of stored machines, as downloads. */
import { collectBlob } from '../../client/collect-blob.ts';
import type { Session } from '../session/session.ts';
import { download } from '../ui/files.ts';
import type { FileRequest } from './export-choices.ts';

/** Downloads a stored machine. Resolves with the parts that are missing in the file. */
export async function saveStored(
  session: Session,
  { id, name }: { id: string; name: string },
  request: FileRequest,
): Promise<readonly string[]> {
  const { storage } = session.connected;
  if (request.kind === 'state') {
    const blob = await collectBlob(storage.exportState(id));
    download(`${name.replaceAll(/[^\w.() -]+/g, '_')}.holdfast`, blob);
    return [];
  }
  const exported = await storage.export(id, request);
  download(exported.name, exported.blob);
  return exported.missing;
}
