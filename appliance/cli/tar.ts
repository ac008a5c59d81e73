const block = 512;

/** One file of an archive in the ustar format (POSIX.1-1988), whole blocks, without a date. */
export function tarEntry(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  header.write(name, 0, 100, 'utf8');
  header.write(`${octal(0o600, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, 'latin1');
  header.write(`${octal(content.length, 11)}\0${octal(0, 11)}\0`, 124, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  const padding = Buffer.alloc((block - (content.length % block)) % block);
  return Buffer.concat([header, content, padding]);
}

/** What stands behind the last file. */
export const tarEnd = Buffer.alloc(2 * block);
