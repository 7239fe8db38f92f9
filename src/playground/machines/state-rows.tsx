/** The named states in storage, below the machines: targets of `cprSave`. */
import type { StoredStateInfo } from '../../protocol/stored.ts';
import { formatAge, formatBytes } from '../ui/format.ts';

export interface StateRowsProps {
  states: readonly StoredStateInfo[];
  remove(name: string): void;
}

export function StateRows({ states, remove }: StateRowsProps) {
  if (states.length === 0) return null;
  return (
    <section aria-label="Saved states">
      <h3>Saved states</h3>
      <ul class="machines">
        {states.map(({ name, sizeBytes, savedAtMs }) => (
          <li key={name} class="machine-row">
            <div>
              <span class="machine-name">{name}</span>
              <p class="fine">
                {`${formatBytes(sizeBytes)} · saved ${formatAge(Date.now() - savedAtMs)} ago`}
              </p>
            </div>
            <div class="machine-buttons">
              <button
                type="button"
                aria-label={`Delete… the state ${name}`}
                onClick={() => remove(name)}
              >
                Delete…
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
