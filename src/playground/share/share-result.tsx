import { CopiedLink } from './copied-link.tsx';
import type { Shared } from './share-machine.ts';

/** The result of sharing a machine, with its link. */
export function ShareResult({ shared: { result, link, fate } }: { shared: Shared }) {
  return (
    <>
      <p role="status">{result}</p>
      {link !== undefined && <CopiedLink link={link} />}
      {fate !== undefined && <p class="fine">{fate}</p>}
    </>
  );
}
