import type { TokenStatus } from './token.ts';

/** PKCS #11 v3.1, section 3.2, flags of CK_TOKEN_INFO: it has no count of tries. */
const countLow = 0x1_0000;
const finalTry = 0x2_0000;
const locked = 0x4_0000;

/** What CK_TOKEN_INFO says of a token, its texts without what fills them up. */
export function tokenInfoOf(info: {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
}): Omit<TokenStatus, 'loggedIn' | 'vendor'> {
  const plain = (text: string): string => text.replaceAll('\0', ' ').trim();
  const pinTries = pinTriesOf(info.flags);
  return {
    label: plain(info.label),
    manufacturer: plain(info.manufacturerID),
    model: plain(info.model),
    serial: plain(info.serialNumber),
    ...(pinTries === undefined ? {} : { pinTries }),
  };
}

function pinTriesOf(flags: number): TokenStatus['pinTries'] {
  if ((flags & locked) !== 0) return 'none';
  if ((flags & finalTry) !== 0) return 'one';
  return (flags & countLow) === 0 ? undefined : 'fewer';
}
