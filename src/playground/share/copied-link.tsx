import { Component } from 'preact';

/** A link with a button that copies it. */
export class CopiedLink extends Component<{ link: string }, { isCopied?: boolean }> {
  #input: HTMLInputElement | null = null;

  override componentDidMount() {
    this.#input?.select();
  }

  override render() {
    const { link } = this.props;
    return (
      <p class="share-link">
        <input
          ref={(input) => {
            this.#input = input;
          }}
          readOnly
          aria-label="Link"
          value={link}
        />
        <button type="button" class="primary" onClick={() => void this.#copy(link)}>
          {this.state.isCopied ? 'Copied' : 'Copy'}
        </button>
      </p>
    );
  }

  async #copy(link: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(link);
      this.setState({ isCopied: true });
    } catch {
      // The browser refuses. The link is selected, so that the user can copy it.
      this.#input?.select();
    }
  }
}
