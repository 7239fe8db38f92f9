import { Component } from 'preact';
import type { Shared } from './share-machine.ts';

/** The result of sharing a machine, with its link. */
export class ShareResult extends Component<{ shared: Shared }, { isCopied?: boolean }> {
  #link: HTMLInputElement | null = null;

  override componentDidMount() {
    this.#link?.select();
  }

  override render() {
    const { result, link, fate } = this.props.shared;
    return (
      <>
        <p role="status">{result}</p>
        {link !== undefined && (
          <p class="share-link">
            <input
              ref={(input) => {
                this.#link = input;
              }}
              readOnly
              aria-label="Link"
              value={link}
            />
            <button type="button" class="primary" onClick={() => void this.#copy(link)}>
              {this.state.isCopied ? 'Copied' : 'Copy'}
            </button>
          </p>
        )}
        {fate !== undefined && <p class="fine">{fate}</p>}
      </>
    );
  }

  async #copy(link: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(link);
      this.setState({ isCopied: true });
    } catch {
      // The browser refuses. The link is selected, so that the user can copy it.
      this.#link?.select();
    }
  }
}
