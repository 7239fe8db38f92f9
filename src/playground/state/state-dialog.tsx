/** Asks for the target or source of a state, and describes the effect. */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { type Blocker, blockerSentence } from '../../protocol/cpr.ts';
import { OpenDialog } from '../ui/dialog.tsx';

export type Place = { kind: 'file' } | { kind: 'store'; name: string };

export interface StateQuestion {
  title: string;
  /** Describes the effect, one paragraph each. */
  text: readonly string[];
  /** Label of the button that confirms. */
  ok: string;
  /** Whether the user chooses a target or a source. */
  direction: 'save' | 'load';
  /** Reasons why it is not possible now. */
  blockers?: readonly Blocker[];
  /** Runtimes that can resume the guest, the usual one first. */
  runtimes?: readonly RuntimeBuild[];
}

export interface StateAnswer {
  place: Place;
  runtime?: RuntimeBuild;
}

const usualName = 'state';
/** The previous answer, which is proposed again. */
const last = { kind: 'file' as Place['kind'], name: usualName };
let isOpen = false;

/** @returns undefined if the user cancelled */
export async function askForState(question: StateQuestion): Promise<StateAnswer | undefined> {
  if (isOpen) return undefined;
  isOpen = true;
  const { title, text, ok, blockers = [], runtimes = [] } = question;
  const isBlocked = blockers.length > 0;
  let runtime: RuntimeBuild | undefined = runtimes[0];
  const choose = (id: string) => {
    runtime = runtimes.find((build) => build.id === id);
  };
  const dialog = new OpenDialog({
    title,
    content: () => (
      <>
        {text.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        {isBlocked ? (
          <Blockers blockers={blockers} />
        ) : (
          <>
            <PlaceChoice direction={question.direction} />
            {runtimes.length > 1 && <RuntimeChoice runtimes={runtimes} choose={choose} />}
          </>
        )}
      </>
    ),
    buttons: () => (
      <>
        {/* Not a submit button: Enter in the name confirms. */}
        <button type="button" onClick={() => dialog.close()}>
          Cancel
        </button>
        <button type="submit" value="ok" class="primary" disabled={isBlocked}>
          {ok}
        </button>
      </>
    ),
  });
  const answer = await dialog.closed;
  isOpen = false;
  if (answer !== 'ok') return undefined;
  const name = last.name.trim() || usualName;
  const place: Place = last.kind === 'file' ? { kind: 'file' } : { kind: 'store', name };
  return { place, ...(runtime && { runtime }) };
}

function Blockers({ blockers }: { blockers: readonly Blocker[] }) {
  return (
    <div class="blockers" role="alert">
      <p>This machine cannot be saved right now:</p>
      <ul>
        {blockers.map((blocker) => (
          <li key={blockerSentence(blocker)}>{blockerSentence(blocker)}</li>
        ))}
      </ul>
    </div>
  );
}

function PlaceChoice({ direction }: Pick<StateQuestion, 'direction'>) {
  const place = (kind: Place['kind'], label: string) => (
    <label>
      <input
        type="radio"
        name="place"
        defaultChecked={last.kind === kind}
        onChange={() => {
          last.kind = kind;
        }}
      />{' '}
      {label}
    </label>
  );
  return (
    <fieldset>
      <legend>{direction === 'save' ? 'Save to' : 'Load from'}</legend>
      <p>{place('file', 'a file')}</p>
      <p>
        {place('store', 'this browser, under the name')}{' '}
        <input
          aria-label="Name in this browser"
          maxLength={80}
          defaultValue={last.name}
          onInput={({ currentTarget }) => {
            last.name = currentTarget.value;
          }}
        />
      </p>
    </fieldset>
  );
}

interface RuntimeChoiceProps {
  runtimes: readonly RuntimeBuild[];
  choose(id: string): void;
}

function RuntimeChoice({ runtimes, choose }: RuntimeChoiceProps) {
  return (
    <p>
      <label>
        Resume with{' '}
        <select onChange={({ currentTarget }) => choose(currentTarget.value)}>
          {runtimes.map(({ id, v86Version }) => (
            <option key={id} value={id}>
              v86 {v86Version}
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}
