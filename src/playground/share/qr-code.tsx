import { Component } from 'preact';
import { part } from '../ui/preloaded-parts.ts';

/** A QR code of a link, for the camera of another device. Nothing is shown if the encoder cannot be loaded. */
export class QrCode extends Component<{ text: string }, { rows?: boolean[][] }> {
  override async componentDidMount() {
    const qr = await part('qr').catch(() => undefined);
    if (qr) this.setState({ rows: qr.encode(this.props.text).data });
  }

  override render() {
    const { rows } = this.state;
    if (!rows) return null;
    const squares = rows.flatMap((row, y) =>
      row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
    );
    return (
      <svg
        class="qr-code"
        viewBox={`-2 -2 ${rows.length + 4} ${rows.length + 4}`}
        role="img"
        aria-label="The link as a QR code"
      >
        <path d={squares.join('')} />
      </svg>
    );
  }
}
