import type { Screen } from '../harness/screen.ts';

/** What the administrator of a machine made up. */
export const passphrase = 'a passphrase for the image';
/** The first screen of a node that serves. */
export const serving = /KMIP +\d+\.\d+\.\d+\.\d+:5696[^]*<F2> Configure/;
export const pin = 'pin-of-the-image';

/** The four letters of each word that are enough, as the person would write them down. */
function wordsOf(lines: readonly string[]): string {
  const text = lines.slice(1).join('\n');
  const found = [...text.matchAll(/\b\d+ ([a-z]{3,8})\b/g)].map(([, word]) => word);
  return found.map((word) => (word ?? '').slice(0, 4)).join(' ');
}

/** Types each text and Enter, one field after the other. */
function fill(screen: Screen, ...texts: readonly string[]): void {
  for (const text of texts) {
    if (text !== '') screen.type(text);
    screen.press('Enter');
  }
}

/** A first node by the wizard: from NOT CONFIGURED to its recovery set proven. */
export async function setUpFirst(screen: Screen): Promise<void> {
  await screen.until(/set it up, or let it join its peer[^]*<F2> Configure/);
  screen.press('F2');
  await screen.until(/Set-up: Network +1 of 8[^]*< from DHCP >/);
  fill(screen, '', '');
  await screen.until(/Set-up: Name/);
  fill(screen, '');
  await screen.until(/Set-up: Time/);
  // No time server is reached from here.
  screen.press('C-u');
  fill(screen, '', '');
  await screen.until(/Set-up: Administrator|Enter goes on/);
  if (screen.lines.join('\n').includes('Enter goes on')) screen.press('Enter');
  await screen.until(/Set-up: Administrator/);
  fill(screen, passphrase, passphrase);
  await screen.until(/Set-up: Root key[^]*primary: /);
  // A TPM that comes blank.
  await screen.until(/PIN, made up by you/);
  fill(screen, '', pin, pin);
  await screen.until(/< the first >/);
  fill(screen, '');
  await screen.until(/When the other node is lost/);
  screen.press('Right', 'Right');
  await screen.until(/there is to be no other node/);
  fill(screen, '');
  await screen.until(/Nothing is written yet/);
  fill(screen, '');
  await screen.until(/security officer['’]s PIN:\n +[\da-f]{16}/);
  fill(screen, '');
  await proveRecovery(screen);
  await screen.until(/Set-up: done[^]*SHA-256\n +[\dA-F:]{48}/);
  fill(screen, '');
}

async function proveRecovery(screen: Screen): Promise<void> {
  await screen.until(/How many shares/);
  screen.press('C-u');
  fill(screen, '2');
  screen.press('C-u');
  fill(screen, '2');
  const shares: string[] = [];
  for (const index of [1, 2]) {
    const lines = await screen.until(new RegExp(`Share ${index} of 2 [^]*Person ${index}, alone`));
    shares.push(wordsOf(lines));
    screen.press('Enter');
  }
  await screen.until(/Recovery set: prove it/);
  fill(screen, ...shares);
}

/** Opens the menu of F2 on a node that is set up. */
export async function openMenu(screen: Screen): Promise<void> {
  await screen.until(/<F2> Configure/);
  screen.press('F2');
  await screen.until(/administrator's passphrase, please|administrator’s passphrase, please/);
  fill(screen, passphrase);
  await screen.until(/4 +Invite a second node/);
}

/** What a person does after each start of an attended node: types the PIN. */
export async function givePin(screen: Screen): Promise<void> {
  await screen.until(/Root key +.*pin-needed[^]*<F2> Configure/);
  await openMenu(screen);
  screen.press('1');
  await screen.until(/It is tried once/);
  fill(screen, pin);
  await screen.until(/4 +Invite a second node/);
  screen.press('Escape');
  await screen.until(serving);
}
