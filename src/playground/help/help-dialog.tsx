/** Help and settings. */
import { buildId, runtimes } from 'virtual:holdfast-build';
import type { ComponentChildren } from 'preact';
import { optionHelp } from '../address/url-options.ts';
import { OpenDialog } from '../ui/dialog.tsx';
import { SettingBox, SettingChoice } from '../ui/setting.tsx';
import { shortcutHelp } from '../ui/shortcuts.ts';

let shown: OpenDialog | undefined;

/** Opens the dialog, or closes it. */
export function toggleHelp(): void {
  if (shown) {
    shown.close();
    return;
  }
  const dialog = new OpenDialog({
    title: 'Help and settings',
    startsAtTitle: true,
    content: () => <Help />,
    buttons: () => (
      <button type="submit" value="close">
        Close
      </button>
    ),
  });
  shown = dialog;
  void dialog.closed.then(() => {
    shown = undefined;
  });
}

function Help() {
  const versions = runtimes.map(({ v86Version }) => v86Version);
  return (
    <>
      <h3>Keyboard</h3>
      <Terms terms={shortcutHelp} show={keysOf} />
      <p>
        Every other key in the terminal or on the screen goes to the guest. The browser keeps some
        keys for itself, such as <kbd>Ctrl</kbd>+<kbd>W</kbd>. In full screen, Chromium passes those
        to the guest too.
      </p>
      <h3>Address of this page</h3>
      <Terms terms={optionHelp} show={(term) => <code>{term}</code>} />
      <p>These options apply when a guest is started, not to one that is already there.</p>
      <h3>Settings</h3>
      <SettingBox
        name="auto-update"
        label="Update the emulator by itself when this page has a newer one"
      />
      <SettingChoice
        name="resume"
        label="When this page is opened and a guest is in storage"
        choices={[
          ['auto', 'Resume automatically'],
          ['ask', 'Ask'],
          ['never', 'Start a new guest'],
        ]}
      />
      <SettingBox
        name="screen-reader"
        label="Make the terminal readable by screen readers (slower)"
      />
      <SettingChoice
        name="suspend-when-hidden-ms"
        label="Suspend the guest while no page shows it"
        choices={[
          ['', 'never'],
          ['60000', 'after 1 minute'],
          ['600000', 'after 10 minutes'],
          ['3600000', 'after 1 hour'],
        ]}
        note="Applies to the next guest that is started."
      />
      <p class="fine">{`Page build ${buildId}, with v86 ${versions.join(' and ')}.`}</p>
    </>
  );
}

interface TermsProps {
  terms: readonly (readonly [term: string, meaning: string])[];
  show(term: string): ComponentChildren;
}

function Terms({ terms, show }: TermsProps) {
  return (
    <dl class="shortcuts">
      {terms.flatMap(([term, meaning]) => [<dt>{show(term)}</dt>, <dd>{meaning}</dd>])}
    </dl>
  );
}

const keysOf = (term: string) =>
  term.split('+').flatMap((key, at) => [at > 0 && '+', <kbd>{key}</kbd>]);
