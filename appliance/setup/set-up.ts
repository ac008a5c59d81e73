import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperConsole } from '../keeper-client/console.ts';
import type { SetupAnswers } from './answers.ts';
import { boxFiles } from './box.ts';
import type { Box } from './box.ts';
import { SetupError } from './error.ts';
import { joinCluster } from './pairing.ts';
import type { JoinParts } from './pairing.ts';

export interface SetupParts extends JoinParts {
  /** Absent where the machine is not ours. */
  readonly box?: Box;
  /** UTF-8; wiped. Absent: none is set. */
  readonly passphrase?: Buffer;
  /** Wiped. Absent: the keeper has it, or a person is asked for it later. */
  readonly pin?: Buffer;
  /** Under which the token keeps the root key. */
  readonly label: string;
  /** Shows a blank token's new security officer's PIN, and waits until somebody wrote it down. */
  readonly showOfficerPin: (officerPin: string) => Promise<void>;
  /** What is being done now. */
  readonly say: (step: string) => void;
}

/**
 * Sets a new node up as the answers say: passphrase, box, root key or pairing, policy. What still
 * needs a person is the recovery set. Throws SetupError, AdminRefusal and what `keeper` throws;
 * begun again it goes on where it stopped, until there are keys.
 */
export async function setUp(answers: SetupAnswers, parts: SetupParts): Promise<void> {
  const { keeper, admin, say, label, passphrase, pin } = parts;
  const { node, root_key: rootKey } = answers;
  try {
    await refuseKeys(parts);
    await prepareBox(answers, parts);
    if (passphrase !== undefined) {
      say('setting the administrator’s passphrase');
      await keeper((console) => setPassphrase(console, passphrase));
    }
    await openToken(rootKey.token, parts);
    if (node.role === 'second') {
      say(`joining ${node.peer}: compare the words on both nodes`);
      await joinCluster(parts, { address: node.peer, code: node.code, label });
      return;
    }
    say('making the root key in the token');
    const named = rootKey.token === undefined ? {} : { token: rootKey.token };
    await keeper((console) => console.initialise({ rootKeyLabel: label, ...named }));
    say('opening the keystore');
    while ((await admin.status()).endpoint === undefined) await parts.pause();
    say('setting what happens while the other node is away');
    const { peer_lost: lost } = node;
    const seconds = lost.policy === 'alone-for' ? lost.hours * 3600 : 0;
    await admin.setCopyPolicy({ policy: lost.policy, seconds });
  } finally {
    passphrase?.fill(0);
    pin?.fill(0);
  }
}

/** Gives the token its PIN; a blank one is made ours with it, or with the one of its file. */
async function openToken(token: string | undefined, parts: SetupParts): Promise<void> {
  const { keeper, say, pin, showOfficerPin } = parts;
  const give = async (): Promise<void> => {
    if (pin === undefined) return;
    say('giving the token its PIN');
    await keeper((console) => console.pin(Buffer.from(pin), token));
  };
  try {
    await give();
    const { token: first, tokens = [first] } = await keeper((console) => console.status());
    const found = token === undefined ? first : tokens.find(({ name }) => name === token);
    if (pin !== undefined || found?.state !== 'absent') return;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  // Nothing but a blank token is taken: where there is none, it is said that ours is absent.
  say('making a blank token ours');
  const made = pin === undefined ? Buffer.alloc(0) : Buffer.from(pin);
  try {
    await showOfficerPin(await keeper((console) => console.provision(made, token)));
  } catch (error) {
    // Nobody has looked at the token yet, or there is no PIN for it: what comes next says so.
    if (pin === undefined && isOfToken(error)) return;
    throw error;
  }
  await give();
}

function isAbsent(error: unknown): boolean {
  return isOfToken(error) && error.message.endsWith('absent');
}

function isOfToken(error: unknown): error is Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof KeeperError && cause.code === 'token';
}

async function refuseKeys({ keeper }: SetupParts): Promise<void> {
  if ((await keeper((console) => console.status())).state === 'new') return;
  const hint = 'nothing was changed; F2 and `twinlock` configure a node that has keys';
  throw new SetupError('has-keys', 'this node has keys already', hint);
}

async function prepareBox(answers: SetupAnswers, { box, say }: SetupParts): Promise<void> {
  if (box === undefined) return;
  say('writing network, name and time');
  await box.write(boxFiles(answers));
  say('bringing the network up');
  await box.apply(answers);
}

/** A set-up that was cut short has set it already: then it has to be the same one. */
async function setPassphrase(console: KeeperConsole, passphrase: Buffer): Promise<void> {
  try {
    if (await console.hasAdministrator()) await console.checkAdministrator(passphrase);
    else await console.setAdministrator(passphrase);
  } catch (error) {
    if (!(error instanceof KeeperError) || !error.code.startsWith('passphrase-')) throw error;
    const hint = 'the administrator’s passphrase: at least fifteen characters; once set, the same';
    throw new SetupError('passphrase', error.message, hint, { cause: error });
  }
}
