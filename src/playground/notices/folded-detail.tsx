import { Component } from 'preact';

/** Details for a report of a failure: folded away, and copied by a button. */
export class FoldedDetail extends Component<{ text: string }, { copy?: string }> {
  override render() {
    const { text } = this.props;
    const copy = async () =>
      this.setState({ copy: (await copied(text)) ? 'Copied' : 'Select the text to copy it' });
    return (
      <details class="notice-folded">
        <summary>Details for a report</summary>
        <pre>{text}</pre>
        <button type="button" onClick={() => void copy()}>
          {this.state.copy ?? 'Copy'}
        </button>
      </details>
    );
  }
}

/** A page may be forbidden to write to the clipboard. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
