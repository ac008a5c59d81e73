import encodeQR from 'qr';

/** White on black whatever the terminal's colours are: a reader wants dark modules on light. */
const light = '\u001b[97;40m';
const plain = '\u001b[0m';

/** A QR code of half blocks, two rows of modules in one line; in colour for a terminal. */
export function qrText(text: string, colour: boolean): string {
  const modules = encodeQR(text, 'raw', { ecc: 'medium', border: 2 });
  const lines: string[] = [];
  for (let y = 0; y < modules.length; y += 2) {
    const line = (modules[y] ?? []).map((upper, x) => {
      const lower = modules[y + 1]?.[x] ?? false;
      return upper ? (lower ? ' ' : '▄') : lower ? '▀' : '█';
    });
    lines.push(colour ? `${light}${line.join('')}${plain}` : line.join(''));
  }
  return lines.join('\n');
}

/** A QR code as an SVG element. */
export function qrSvg(text: string): string {
  return encodeQR(text, 'svg', { ecc: 'medium', border: 4 });
}
